"""RFC 6750: bearer tokens, at userinfo and at the gateway."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.conformance.answers import answered, challenged, json_error, problem
from tests.conformance.changes import change, claim, header, later, simple
from tests.conformance.exchange import Request
from tests.conformance.gate import Gate
from tests.conformance.house import proven
from tests.conformance.rfc7009 import revoked as revoked_by_client
from tests.conformance.rfc9068 import opened
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import userinfo

from wardgate.jose.encoding import encode


@sound("an access token with the scope opens a resource", answered, at="gateway")
async def scoped(gate: Gate) -> Request:
    return proven(Request(path="/orders/v1/read", method="GET"), gate.token())


@sound("an opaque access token opens an API", answered, at="gateway")
async def opaque(gate: Gate) -> Request:
    text = await gate.server.opaque()
    headers = (("Authorization", f"Bearer {text}"),)
    return Request(path="/orders/v1/token", method="GET", headers=headers)


@sound("a key and a token of one application open a resource that asks for both", answered, at="gateway")
async def both(gate: Gate) -> Request:
    return proven(Request(path="/orders/v1/both", method="GET", headers=gate.key()), gate.token())


def _moved(text: str, move: Any) -> Any:
    """The token in another place than the header."""

    def moved(request: Request) -> Request:
        token = dict(request.headers)["Authorization"].removeprefix("Bearer ")
        return move(request.header("Authorization"), token)  # type: ignore[no-any-return]

    return simple(text, moved)


_IN_QUERY = _moved("the token in the query", lambda request, token: request.with_(access_token=token))
_IN_COOKIE = _moved(
    "the token in a cookie", lambda request, token: request.header("Cookie", f"access_token={token}")
)
_IN_FORM_OF_GET = _moved(
    "the token in the form of a POST to the gateway",
    lambda request, token: replace(request, method="POST", form=(("access_token", token),)),
)
_BARE = simple(
    "the token without a scheme",
    lambda request: request.header(
        "Authorization", dict(request.headers)["Authorization"].removeprefix("Bearer ")
    ),
)
_TWICE = simple(
    "the Authorization header twice",
    lambda request: request.header("Authorization", *[dict(request.headers)["Authorization"]] * 2),
)
_HEADER_AND_FORM = simple(
    "the token in the header and in the form",
    lambda request: replace(
        request,
        method="POST",
        form=(("access_token", dict(request.headers)["Authorization"].removeprefix("Bearer ")),),
    ),
)
_HEADER_AND_QUERY = simple(
    "the token in the header and in the query",
    lambda request: request.with_(
        access_token=dict(request.headers)["Authorization"].removeprefix("Bearer ")
    ),
)


@change("after it was revoked")
async def revoked(gate: Any, request: Request) -> Request:
    assert request.jwt is not None
    await gate.server.revoke("jti", str(request.jwt.claims["jti"]))
    gate.gateway.worker.on_wake()
    return request


@change("after its grant was taken back")
async def grant_revoked(gate: Any, request: Request) -> Request:
    changed = await claim("", gid=f"gone-{gate.now()}").make(gate, request)
    assert changed.jwt is not None
    await gate.server.revoke("grant", str(changed.jwt.claims["gid"]))
    gate.gateway.worker.on_wake()
    return changed


@change("an API key alone")
async def key_alone(gate: Any, request: Request) -> Request:
    return replace(request, headers=gate.key())


@change("an opaque token that expired")
async def expired_opaque(gate: Any, request: Request) -> Request:
    return request.header("Authorization", f"Bearer {await gate.server.opaque(expires_at=gate.now() - 1)}")


@change("an opaque token for another audience")
async def opaque_for_others(gate: Any, request: Request) -> Request:
    text = await gate.server.opaque(audiences=frozenset({"https://other.example"}))
    return request.header("Authorization", f"Bearer {text}")


@change("another scope written into it")
async def altered_scope(gate: Any, request: Request) -> Request:
    assert request.jwt is not None
    header, _, signature = request.jwt.text().split(".")
    body = encode(json.dumps({**request.jwt.claims, "scope": "read admin"}).encode())
    return request.header("Authorization", f"Bearer {header}.{body}.{signature}")


_METADATA = "https://gateway.example/.well-known/oauth-protected-resource/orders/v1"
_NONE = challenged(401, "")
_BAD = challenged(401, "invalid_token")

ROWS = (
    Row(
        "rfc6750-3-challenge",
        "A request without a token is challenged, without an error code.",
        opened,
        header("Authorization"),
        _NONE,
    ),
    Row(
        "rfc6750-3-challenge-userinfo",
        "A request without a token is challenged, without an error code.",
        userinfo,
        header("Authorization"),
        _NONE,
    ),
    Row(
        "rfc6750-2-one-way",
        "A token is sent in one way, not in several.",
        userinfo,
        _HEADER_AND_FORM,
        json_error(400, "invalid_request", headers=("www-authenticate",)),
    ),
    Row(
        "rfc6750-2-header-and-query",
        "A token is sent in one way, not in several.",
        userinfo,
        _HEADER_AND_QUERY,
        json_error(400, "invalid_request", headers=("www-authenticate",)),
    ),
    Row("rfc6750-2-header-once", "A token is sent once.", opened, _TWICE, problem(400, "header_duplicate")),
    Row(
        "rfc6750-2-header-once-userinfo",
        "A token is sent once.",
        userinfo,
        _TWICE,
        json_error(400, "invalid_request", headers=("www-authenticate",)),
    ),
    Row("rfc6750-2.1-scheme", "The scheme is `Bearer`.", opened, _BARE, _NONE),
    Row("rfc6750-2.1-scheme-userinfo", "The scheme is `Bearer`.", userinfo, _BARE, _NONE),
    Row(
        "rfc6750-2.1-other-scheme",
        "Another scheme is not taken for it.",
        opened,
        header("Authorization", "Basic dXNlcjpwYXNz"),
        _NONE,
    ),
    Row("rfc6750-2.1-empty", "An empty token is none.", opened, header("Authorization", "Bearer"), _BAD),
    Row(
        "rfc6750-2.1-two-tokens",
        "A header holds one token.",
        opened,
        header("Authorization", "Bearer a b"),
        _BAD,
    ),
    Row(
        "rfc6750-2.1-list",
        "A header holds one token.",
        opened,
        header("Authorization", "Bearer a, Bearer b"),
        _BAD,
    ),
    Row(
        "rfc6750-2.1-characters",
        "A token is of the characters tokens have.",
        opened,
        header("Authorization", 'Bearer "a"'),
        _BAD,
    ),
    Row(
        "rfc6750-2.1-size",
        "A token has a bounded size.",
        opened,
        header("Authorization", "Bearer " + "a" * 16385, text="a token of 16385 characters"),
        _BAD,
    ),
    Row(
        "rfc6750-2.2-not-at-the-gateway",
        "The gateway reads no token from a form.",
        opened,
        _IN_FORM_OF_GET,
        _NONE,
    ),
    Row("rfc6750-2.3-not-in-uri", "A token in the URI is not looked at.", opened, _IN_QUERY, _NONE),
    Row(
        "rfc6750-2.3-not-in-uri-userinfo",
        "A token in the URI is refused.",
        userinfo,
        _IN_QUERY,
        json_error(400, "invalid_request", headers=("www-authenticate",)),
    ),
    Row("rfc6750-5.3-not-in-cookies", "A token in a cookie is not looked at.", opened, _IN_COOKIE, _NONE),
    Row(
        "rfc6750-5.3-not-in-cookies-userinfo",
        "A token in a cookie is not looked at.",
        userinfo,
        _IN_COOKIE,
        _NONE,
    ),
    Row(
        "rfc6750-3.1-malformed",
        "A malformed token is refused as `invalid_token`.",
        opened,
        header("Authorization", "Bearer garbage"),
        _BAD,
    ),
    Row(
        "rfc6750-3.1-unknown-opaque",
        "An unknown token is refused as `invalid_token`.",
        opaque,
        header("Authorization", "Bearer wgat_" + "A" * 43, text="a token that never was"),
        _BAD,
    ),
    Row(
        "rfc6750-3.1-expired-opaque",
        "An expired token is refused as `invalid_token`.",
        opaque,
        expired_opaque,
        _BAD,
    ),
    Row(
        "rfc6750-3.1-expired-userinfo",
        "An expired token is refused as `invalid_token`.",
        userinfo,
        later(601),
        _BAD,
    ),
    Row("rfc6750-3.1-revoked", "A revoked token is refused as `invalid_token`.", opened, revoked, _BAD),
    Row(
        "rfc6750-3.1-grant-revoked",
        "A revoked token is refused as `invalid_token`.",
        opened,
        grant_revoked,
        _BAD,
    ),
    Row(
        "rfc6750-3.1-revoked-userinfo",
        "A revoked token is refused as `invalid_token`.",
        userinfo,
        revoked_by_client,
        _BAD,
    ),
    Row(
        "rfc6750-3.1-insufficient-scope",
        "A token without the scope answers 403, with what is missing.",
        scoped,
        claim(scope="write"),
        challenged(403, "insufficient_scope", scope="read", resource_metadata=_METADATA),
    ),
    Row(
        "rfc6750-3.1-no-scope-at-all",
        "A token without the scope answers 403, with what is missing.",
        scoped,
        claim(scope=None),
        challenged(403, "insufficient_scope", scope="read"),
    ),
    Row(
        "rfc6750-3.1-scope-case",
        "Scopes are compared with case.",
        scoped,
        claim(scope="READ"),
        challenged(403, "insufficient_scope", scope="read"),
    ),
    Row(
        "rfc6750-3.1-scope-whole",
        "Scopes are compared as a whole.",
        scoped,
        claim(scope="read.all reading"),
        challenged(403, "insufficient_scope", scope="read"),
    ),
    Row(
        "rfc6750-3-key-on-scoped-resource",
        "Who needs a token with a scope hears so.",
        scoped,
        key_alone,
        challenged(401, "", scope="read"),
    ),
    Row(
        "rfc6750-3-token-besides-key",
        "A resource that asks for both is not opened by one.",
        both,
        key_alone,
        _NONE,
    ),
    Row("rfc6750-5.2-audience", "A token for others is refused.", opaque, opaque_for_others, _BAD),
    Row("rfc6750-5.1-altered-scope", "Who alters a token loses it.", scoped, altered_scope, _BAD),
)
DOCUMENT = Document("RFC 6750", "Bearer Token Usage", ROWS)
