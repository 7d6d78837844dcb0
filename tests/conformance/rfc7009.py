"""RFC 7009: token revocation."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import answered, bad, challenged, done, inactive, other_method, unauthorized
from tests.conformance.changes import by, change, content_type, empty, header, in_query, twice, with_, without
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import refresh, revocation, userinfo


@sound("a client revokes its refresh token", answered)
async def refresh_revocation(house: House) -> Request:
    request = await refresh.make(house)
    return replace(request, path="/oauth2/revoke", form=(("token", request.value("refresh_token")),))


@sound("a public client revokes its access token", answered)
async def public_revocation(house: House) -> Request:
    client = await house.client(authentication="none")
    text = await house.access_token(client, await house.grant(client))
    form = (("token", text), ("client_id", client.id))
    return Request(path="/oauth2/revoke", form=form, facts={"client": client})


@change("by another client")
async def by_another(house: House, request: Request) -> Request:
    own = request.headers
    changed = replace(request, headers=house.basic(await house.client()))
    return replace(changed, facts={**request.facts, "own": own})


@change("by another public client")
async def by_another_public(house: House, request: Request) -> Request:
    other = await house.client(authentication="none")
    return request.with_(client_id=other.id)


@change("with a wrong secret")
async def wrong_secret(house: House, request: Request) -> Request:
    other, client = await house.client(), request.facts["client"]
    house.side.secrets[other.id], kept = house.side.secrets[client.id], house.side.secrets[other.id]
    del kept
    return replace(request, headers=house.basic(other))


async def still_active(house: House, request: Request, answer: Answer) -> None:
    """The token is as good as before."""
    asked = Request(
        path="/oauth2/introspect",
        form=(("token", request.value("token")),),
        headers=request.facts.get("own", request.headers),
    )
    assert (await house.send(asked)).document["active"] is True


async def dead(house: House, request: Request, answer: Answer) -> None:
    """The token is worth nothing any more."""
    asked = Request(
        path="/oauth2/introspect", form=(("token", request.value("token")),), headers=request.headers
    )
    inactive().check(await house.send(asked), asked)


@change("after the token was revoked")
async def revoked(house: House, request: Request) -> Request:
    client = request.facts["client"]
    gone = Request(
        path="/oauth2/revoke", form=(("token", request.facts["token"]),), headers=house.basic(client)
    )
    assert (await house.send(gone)).status == 200
    return request


@change("after another access token of its grant was revoked with the refresh token")
async def grant_revoked(house: House, request: Request) -> Request:
    client, grant = request.facts["client"], request.facts["grant"]
    text = await house.refresh_token(client, grant)
    gone = Request(path="/oauth2/revoke", form=(("token", text),), headers=house.basic(client))
    assert (await house.send(gone)).status == 200
    return request


@change("after it was revoked")
async def refresh_revoked(house: House, request: Request) -> Request:
    form = (("token", request.value("refresh_token")), ("token_type_hint", "access_token"))
    gone = Request(path="/oauth2/revoke", form=form, headers=request.headers)
    assert (await house.send(gone)).status == 200
    return request


_LIVES = "the token lives"

ROWS = (
    Row("rfc7009-2.1-token-required", "`token` is required.", revocation, without("token"), bad()),
    Row("rfc7009-2.1-token-empty", "`token` is required.", revocation, empty("token"), bad()),
    Row("rfc7009-2.1-token-once", "No parameter stands twice.", revocation, twice("token"), bad()),
    Row("rfc7009-2.1-post", "Requests are sent by POST.", revocation, by("GET"), other_method("POST")),
    Row(
        "rfc7009-2.1-form",
        "The body is a URL-encoded form.",
        revocation,
        content_type("application/json"),
        bad(),
    ),
    Row(
        "rfc7009-2.1-not-in-uri",
        "A token is not sent in the URI, where it would be logged.",
        revocation,
        in_query("token"),
        bad(),
    ),
    Row(
        "rfc7009-2.1-client-authenticates",
        "The server validates the client's credentials.",
        revocation,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc7009-2.1-credentials-validated",
        "The server validates the client's credentials.",
        revocation,
        wrong_secret,
        unauthorized(),
    ),
    Row(
        "rfc7009-2.1-own-tokens-only",
        "The token was issued to the client that revokes it.",
        revocation,
        by_another,
        bad("invalid_grant"),
        still_active,
        _LIVES,
    ),
    Row(
        "rfc7009-2.1-own-refresh-tokens-only",
        "The token was issued to the client that revokes it.",
        refresh_revocation,
        by_another,
        bad("invalid_grant"),
        still_active,
        _LIVES,
    ),
    Row(
        "rfc7009-2.1-own-tokens-only-public",
        "The token was issued to the client that revokes it.",
        public_revocation,
        by_another_public,
        bad("invalid_grant"),
    ),
    Row(
        "rfc7009-2.1-public-names-itself",
        "A client that does not authenticate names itself.",
        public_revocation,
        without("client_id"),
        unauthorized(),
    ),
    Row(
        "rfc7009-2.2-unknown-token",
        "A token nobody knows is as good as revoked.",
        revocation,
        with_("a token that never was", token="wgat_" + "A" * 43),
        done(),
    ),
    Row(
        "rfc7009-2.2-garbage",
        "What is no token is as good as revoked.",
        revocation,
        with_(token="garbage"),
        done(),
    ),
    Row(
        "rfc7009-2.1-wrong-hint",
        "The token is found whatever the hint says.",
        refresh_revocation,
        with_(token_type_hint="access_token"),
        done(),
        dead,
        "the token is dead",
    ),
    Row(
        "rfc7009-2.1-unknown-hint",
        "A hint that is not known is ignored.",
        revocation,
        with_(token_type_hint="urn:example"),
        done(),
        dead,
        "the token is dead",
    ),
    Row(
        "rfc7009-2.1-invalid-at-once",
        "A revoked access token cannot be used again.",
        userinfo,
        revoked,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7009-2.1-refresh-ends-access",
        "With a refresh token the access tokens of its grant end.",
        userinfo,
        grant_revoked,
        challenged(401, "invalid_token"),
    ),
    Row(
        "rfc7009-2.1-refresh-invalid-at-once",
        "A revoked refresh token cannot be used again.",
        refresh,
        refresh_revoked,
        bad("invalid_grant"),
    ),
)
DOCUMENT = Document("RFC 7009", "Token Revocation", ROWS)
