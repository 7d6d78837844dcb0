"""RFC 9068: JWT access tokens, as the gateway takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import answered, challenged
from tests.conformance.changes import (
    ALTERED,
    CRITICAL,
    ENCRYPTED,
    SYMMETRIC,
    UNSIGNED,
    Change,
    change,
    claim,
    jose,
    other_key,
    times,
)
from tests.conformance.exchange import Request
from tests.conformance.gate import Gate
from tests.conformance.house import proven
from tests.conformance.rows import Document, Row, sound
from tests.conformance.tokens import bare
from tests.gateway.oauth_side import ISSUER
from tests.identity.token_side import Holder


@sound("an access token opens an API", answered, at="gateway")
async def opened(gate: Gate) -> Request:
    return proven(Request(path="/orders/v1/token", method="GET"), gate.token())


@sound("an access token opens an API that bounds lifetimes", answered, at="gateway")
async def bounded(gate: Gate) -> Request:
    return proven(Request(path="/short/v1/token", method="GET"), gate.token())


@change("signed by another key, which is in the header")
async def own_jwk(gate: Any, request: Request) -> Request:
    assert request.jwt is not None
    thief = Holder()
    header = {**request.jwt.header, "jwk": bare(thief.public)}
    return proven(request, replace(request.jwt, holder=thief, header=header))


_BAD = challenged(401, "invalid_token")


def _row(slug: str, requires: str, how: Change) -> Row:
    return Row(f"rfc9068-{slug}", requires, opened, how, _BAD)


ROWS = (
    _row("4-typ", "`typ` is `at+jwt`.", jose(typ="JWT")),
    _row("4-typ-required", "`typ` is `at+jwt`.", jose(typ=None)),
    _row("4-id-token-is-none", "An id token is no access token.", jose("an id token's `typ`", typ="id+jwt")),
    _row("4-logout-token-is-none", "A logout token is no access token.", jose(typ="logout+jwt")),
    _row("4-proof-is-none", "A DPoP proof is no access token.", jose(typ="dpop+jwt")),
    _row("4-not-unsigned", "A token is signed.", UNSIGNED),
    _row("4-not-symmetric", "The algorithm is one of the issuer's keys.", SYMMETRIC),
    _row("4-algorithm", "The algorithm is one that is allowed.", jose(alg="ES256K")),
    _row("4-algorithm-suits", "The algorithm suits the key.", jose(alg="RS256")),
    _row("4-signature", "The signature verifies.", ALTERED),
    _row("4-issuers-key", "The signature is the issuer's.", other_key()),
    _row("4-key-known", "The key is one the issuer published.", jose(kid="unknown")),
    _row("4-key-not-from-header", "Keys come from the issuer, never from the token.", own_jwk),
    _row("4-no-extensions", "An extension that is not understood makes the token invalid.", CRITICAL),
    _row("4-encrypted", "What cannot be decrypted is refused.", ENCRYPTED),
    _row("4-iss", "`iss` is the issuer, exactly.", claim(iss="https://evil.example")),
    _row("4-iss-slash", "`iss` is the issuer, exactly.", claim(iss=ISSUER + "/")),
    _row("4-iss-required", "`iss` is required.", claim(iss=None)),
    _row("4-aud", "`aud` names this resource.", claim(aud="https://other.example")),
    _row("4-aud-required", "`aud` is required.", claim(aud=None)),
    _row("4-aud-other-api", "A token for one API does not open another.", claim(aud=ISSUER + "/bound/v1")),
    _row("4-aud-not-prefix", "`aud` is compared as a whole.", claim(aud=ISSUER + "/orders")),
    _row("4-exp", "A token that has expired is refused.", times("`exp` 1 s ago", exp=-1)),
    _row("4-exp-required", "`exp` is required.", claim(exp=None)),
    _row("4-exp-number", "`exp` is a number.", claim(exp="tomorrow")),
    _row("4-exp-possible", "`exp` is a time.", claim("`exp` in milliseconds", exp=4_000_000_000_000)),
    _row("4-nbf", "A token that is not yet valid is refused.", times("`nbf` in 60 s", nbf=60)),
    _row("4-iat", "A token from the future is refused.", times("`iat` in 60 s", iat=60)),
    _row("4-client", "The client exists.", claim(client_id="nobody")),
    _row("4-client-required", "`client_id` is required.", claim(client_id=None)),
    _row("4-scope-type", "Claims have their types.", claim("`scope` a number", scope=1)),
    _row(
        "4-cnf-unknown", "A token bound in a way that cannot be checked is refused.", claim(cnf={"kid": "x"})
    ),
    Row(
        "rfc9068-4-lifetime",
        "A token that lives longer than is allowed is refused.",
        bounded,
        times("`exp` in an hour", exp=3600),
        _BAD,
    ),
)
DOCUMENT = Document("RFC 9068", "JWT Profile for OAuth 2.0 Access Tokens", ROWS)
