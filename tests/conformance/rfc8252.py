"""RFC 8252: OAuth 2.0 for native apps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import bad, coded, page, redirected
from tests.conformance.changes import Change, with_, without
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rfc7591 import metadata, redirect, registration
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import asking

_LOOPBACK = "http://127.0.0.1:53211/callback"
_PRIVATE = "com.example.app:/callback"


async def _app(house: House, registered: str, requested: str) -> Request:
    settings: dict[str, Any] = {"authentication": "none", "redirect_uris": (registered,)}
    request = await asking(house, settings, redirect_uri=requested)
    return replace(request, facts={**request.facts, "callback": requested})


@sound("an app on a loopback address, at whatever port", coded)
async def loopback(house: House) -> Request:
    return await _app(house, "http://127.0.0.1/callback", _LOOPBACK)


@sound("an app with a private scheme", coded)
async def private(house: House) -> Request:
    return await _app(house, _PRIVATE, _PRIVATE)


def _to(uri: str) -> Change:
    return with_(redirect_uri=uri)


_NOT = page(said="not one the client registered")
_URI = bad("invalid_redirect_uri")

ROWS = (
    Row(
        "rfc8252-7.3-path-exact",
        "Nothing but the port of a loopback URI may differ.",
        loopback,
        _to("http://127.0.0.1:53211/other"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-query-exact",
        "Nothing but the port of a loopback URI may differ.",
        loopback,
        _to(_LOOPBACK + "?a=b"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-scheme-exact",
        "Nothing but the port of a loopback URI may differ.",
        loopback,
        _to("https://127.0.0.1:53211/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-other-loopback",
        "Nothing but the port of a loopback URI may differ.",
        loopback,
        _to("http://[::1]:53211/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-8.3-localhost",
        "`localhost` is not the loopback address.",
        loopback,
        _to("http://localhost:53211/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-host-behind-user",
        "The host is the loopback address.",
        loopback,
        _to("http://127.0.0.1:53211@evil.example/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-host-longer",
        "The host is the loopback address.",
        loopback,
        _to("http://127.0.0.1.evil.example/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-7.3-port-possible",
        "The port is one.",
        loopback,
        _to("http://127.0.0.1:99999/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-8.4-scheme-exact",
        "A private URI is compared as a whole.",
        private,
        _to("com.example.evil:/callback"),
        _NOT,
    ),
    Row(
        "rfc8252-8.4-path-exact",
        "A private URI is compared as a whole.",
        private,
        _to("com.example.app:/callback/more"),
        _NOT,
    ),
    Row(
        "rfc8252-8.1-pkce",
        "A native app uses PKCE.",
        loopback,
        without("code_challenge", "code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc8252-8.1-pkce-private",
        "A native app uses PKCE.",
        private,
        without("code_challenge", "code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc8252-7.1-reverse-domain",
        "A private scheme is named after a domain.",
        registration,
        metadata(redirect_uris=["myapp:/callback"], token_endpoint_auth_method="none"),
        _URI,
    ),
    Row(
        "rfc8252-7.1-one-slash",
        "A private scheme has no host.",
        registration,
        metadata(redirect_uris=["com.example.app://callback"], token_endpoint_auth_method="none"),
        _URI,
    ),
    Row(
        "rfc8252-8.4-confidential",
        "Private schemes are for native apps.",
        registration,
        metadata(redirect_uris=[_PRIVATE], application_type="web"),
        _URI,
    ),
    Row(
        "rfc8252-8.3-not-all-interfaces",
        "Only loopback addresses do without TLS.",
        registration,
        redirect("http://0.0.0.0/callback"),
        _URI,
    ),
)
DOCUMENT = Document("RFC 8252", "OAuth 2.0 for Native Apps", ROWS)
