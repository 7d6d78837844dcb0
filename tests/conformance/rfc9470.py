"""RFC 9470: step-up authentication."""

from __future__ import annotations

from tests.conformance.answers import answered, asks, challenged, redirected
from tests.conformance.changes import claim, times, with_
from tests.conformance.exchange import Request
from tests.conformance.gate import Gate
from tests.conformance.house import proven
from tests.conformance.openid import openid, silent
from tests.conformance.rows import Document, Row, sound

_TWO = "urn:wardgate:acr:2"


@sound(
    "a token of a person who signed in with two factors opens a resource that asks for it",
    answered,
    at="gateway",
)
async def sure(gate: Gate) -> Request:
    token = gate.token(acr=_TWO, auth_time=gate.now())
    return proven(Request(path="/orders/v1/sure", method="GET"), token)


@sound("a token of a person who signed in just now opens a resource that asks for it", answered, at="gateway")
async def recent(gate: Gate) -> Request:
    token = gate.token(acr="urn:wardgate:acr:1", auth_time=gate.now())
    return proven(Request(path="/orders/v1/recent", method="GET"), token)


_STEP = "insufficient_user_authentication"
_ACR = challenged(401, _STEP, acr_values=_TWO)
_AGE = challenged(401, _STEP, max_age="60")

ROWS = (
    Row(
        "rfc9470-3-acr-too-low",
        "A token of too weak a sign-in is answered with what is asked for.",
        sure,
        claim(acr="urn:wardgate:acr:1"),
        _ACR,
    ),
    Row(
        "rfc9470-3-acr-missing",
        "A token that does not say how is not sure enough.",
        sure,
        claim(acr=None),
        _ACR,
    ),
    Row(
        "rfc9470-3-acr-unknown",
        "A class nobody asked for is not sure enough.",
        sure,
        claim(acr="urn:example:very-sure"),
        _ACR,
    ),
    Row(
        "rfc9470-3-too-old",
        "A token of too old a sign-in is answered with what is asked for.",
        recent,
        times("`auth_time` 61 s ago", auth_time=-61),
        _AGE,
    ),
    Row(
        "rfc9470-3-no-auth-time",
        "A token that does not say when is too old.",
        recent,
        claim(auth_time=None),
        _AGE,
    ),
    Row(
        "rfc9470-3-invalid-first",
        "A token that is not valid is not asked to step up.",
        sure,
        claim(aud="https://other.example", acr=None),
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc9470-5-acr-impossible",
        "What no sign-in here can meet is answered with an error.",
        openid,
        with_(acr_values="urn:nobody:has:this"),
        redirected("unmet_authentication_requirements"),
    ),
    Row(
        "rfc9470-5-acr-asks",
        "A sign-in that is not sure enough is asked for anew.",
        openid,
        with_(acr_values=_TWO),
        asks("/oauth2/login"),
    ),
    Row(
        "rfc9470-5-acr-silent",
        "Without a page a sign-in does not get surer.",
        silent,
        with_(acr_values=_TWO),
        redirected("login_required"),
    ),
)
DOCUMENT = Document("RFC 9470", "Step Up Authentication Challenge", ROWS)
