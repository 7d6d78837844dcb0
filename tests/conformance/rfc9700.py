"""RFC 9700: best current practice for OAuth 2.0 security."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.afterwards import no_grant, tokens_are_dead
from tests.conformance.answers import (
    bad,
    challenged,
    coded,
    json_error,
    page,
    redirected,
    tokens,
    unauthorized,
)
from tests.conformance.changes import Change, change, first_sent, header, later, sequence, with_, without
from tests.conformance.exchange import Request
from tests.conformance.framework import registered_for
from tests.conformance.house import House
from tests.conformance.rfc7636 import injected
from tests.conformance.rfc8705 import bound_userinfo, by_authority
from tests.conformance.rfc9449 import as_bare_bearer
from tests.conformance.rfc9449 import bound_userinfo as key_bound_userinfo
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import (
    asking,
    authorization,
    code,
    consent,
    implicit,
    password,
    public_refresh,
    redeemable,
    refresh,
    userinfo,
)
from tests.identity.certificates import certificate
from tests.identity.token_side import CALLBACK


@sound("a client whose code has no challenge redeems it without a verifier", tokens)
async def without_pkce(house: House) -> Request:
    client = await house.client()
    request = await redeemable(house, client, house.basic(client), code_challenge="")
    return request.without("code_verifier")


@sound("a person who agreed before is sent back with a code, where anybody may register clients", coded)
async def anybody(house: House) -> Request:
    request = await asking(house, {"trusted": False})
    client, user = request.facts["client"], request.facts["user"]
    async with house.side.store.writing() as tx:
        await tx.consents.put(user.id, client.id, ("read",), house.side.clock())
    return replace(request, settings={"open_registration": True})


@change("of the redirect URI another origin that contains it")
async def nested(house: House, request: Request) -> Request:
    return request.with_(redirect_uri="https://evil.example/?" + CALLBACK)


@sound("a client that keeps its refresh token for long uses it", tokens)
async def refresh_for_long(house: House) -> Request:
    request = await refresh.make(house)
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], refresh_idle_lifetime=3600))
    return request


@change("with the header of the gateway's TLS listener, by somebody else")
async def unproven_hop(house: House, request: Request) -> Request:
    return replace(request, hop=False)


@change("on a thief's connection")
async def thief(house: House, request: Request) -> Request:
    return replace(request, certificate=certificate("CN=thief"))


@change("in the query")
async def token_in_query(house: House, request: Request) -> Request:
    return request.header("Authorization").with_(access_token=request.facts["token"])


def _to(uri: str) -> Change:
    return with_(redirect_uri=uri)


_NOT = page(said="not one the client registered")
_NOBODY = header("Cookie", text="in a browser where nobody is signed in")
_REUSED = sequence(first_sent("used before"), later(61))

ROWS = (
    Row(
        "rfc9700-2.1-redirect-prefix",
        "Redirect URIs are compared exactly.",
        authorization,
        _to(CALLBACK + "/more"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-query",
        "Redirect URIs are compared exactly.",
        authorization,
        _to(CALLBACK + "?next=https://evil.example"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-subdomain",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://evil.app.example.com/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-host-longer",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com.evil.example/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-user",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com@evil.example/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-port",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com:8443/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-default-port",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com:443/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-scheme",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("http://app.example.com/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-case",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://APP.example.com/callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-encoded",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com/%63allback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-dots",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://app.example.com/x/../callback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1-redirect-backslash",
        "Redirect URIs are compared exactly.",
        authorization,
        _to("https://evil.example\\\\@app.example.com/callback"),
        _NOT,
    ),
    Row("rfc9700-4.1.3-redirect-nested", "Redirect URIs are compared exactly.", authorization, nested, _NOT),
    Row(
        "rfc9700-2.1-redirect-tab",
        "Redirect URIs are compared exactly.",
        authorization,
        with_("with a tab in the redirect URI", redirect_uri="https://app.example.com/call\tback"),
        _NOT,
    ),
    Row(
        "rfc9700-2.1.1-pkce-for-all",
        "PKCE protects confidential clients too.",
        authorization,
        without("code_challenge", "code_challenge_method"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9700-2.1.1-pkce-strong",
        "A challenge does not show its verifier.",
        authorization,
        with_(code_challenge_method="plain"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9700-4.8.2-downgrade",
        "A verifier for a code without a challenge is refused.",
        without_pkce,
        with_("with a verifier", code_verifier="v" * 43),
        bad("invalid_grant"),
    ),
    Row(
        "rfc9700-2.1.1-verifier-checked",
        "A code with a challenge is not redeemed without its verifier.",
        code,
        without("code_verifier"),
        bad("invalid_grant"),
    ),
    Row(
        "rfc9700-4.5-code-injection",
        "A stolen code is of no use in another request of the client.",
        code,
        injected,
        bad("invalid_grant"),
    ),
    Row(
        "rfc9700-2.1.2-no-implicit",
        "Tokens do not travel through the browser unless a client opted in.",
        authorization,
        with_(response_type="token"),
        redirected("unauthorized_client", "fragment"),
    ),
    Row(
        "rfc9700-2.1.2-implicit-not-bound",
        "A client whose tokens are bound gets none through the browser.",
        implicit,
        registered_for("by a client whose tokens are bound to keys", require_dpop=True),
        redirected("invalid_request", "fragment"),
    ),
    Row(
        "rfc9700-2.4-no-password-grant",
        "The password grant is not there unless a client opted in.",
        password,
        registered_for("by a client that did not opt in", grant_types=("authorization_code",)),
        bad("unauthorized_client"),
    ),
    Row(
        "rfc9700-2.2.2-refresh-replay-public",
        "A public client's refresh token that turns up again ends its family.",
        public_refresh,
        _REUSED,
        bad("invalid_grant"),
        tokens_are_dead,
        "its tokens are dead",
    ),
    Row(
        "rfc9700-4.14.2-refresh-replay",
        "A refresh token that turns up again ends its family.",
        refresh_for_long,
        _REUSED,
        bad("invalid_grant"),
        tokens_are_dead,
        "its tokens are dead",
    ),
    Row(
        "rfc9700-4.14.2-refresh-idle",
        "A refresh token that is not used ends.",
        refresh,
        later(61),
        bad("invalid_grant"),
    ),
    Row(
        "rfc9700-4.11.2-no-open-redirector",
        "Where anybody registers clients, a mistake sends nobody on.",
        anybody,
        sequence(with_(scope="admin"), _NOBODY),
        page(said="invalid_scope"),
    ),
    Row(
        "rfc9700-4.11.2-silent",
        "Where anybody registers clients, a mistake sends nobody on.",
        anybody,
        sequence(with_(prompt="none login"), _NOBODY),
        page(said="invalid_request"),
    ),
    Row(
        "rfc9700-4.7.1-csrf",
        "The person's decision comes from the page that asked.",
        consent,
        header("Origin", "null"),
        page(403),
        no_grant,
        "nothing was granted",
    ),
    Row(
        "rfc9700-4.7.1-csrf-similar",
        "The person's decision comes from the page that asked.",
        consent,
        header("Origin", "https://id.example.com.evil.example"),
        page(403),
        no_grant,
        "nothing was granted",
    ),
    Row(
        "rfc9700-4.13-proxy-header",
        "Headers of the reverse proxy are taken from it alone.",
        by_authority,
        unproven_hop,
        unauthorized(),
    ),
    Row(
        "rfc9700-2.2.1-stolen-bound-token",
        "A token bound to a key is of no use to a thief.",
        key_bound_userinfo,
        as_bare_bearer,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9700-2.2.1-stolen-certificate-token",
        "A token bound to a certificate is of no use to a thief.",
        bound_userinfo,
        thief,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9700-4.3.2-token-not-in-uri",
        "An access token is not sent in the URI.",
        userinfo,
        token_in_query,
        json_error(400, "invalid_request"),
    ),
)
DOCUMENT = Document("RFC 9700", "Best Current Practice for OAuth 2.0 Security", ROWS)
