"""RFC 7662: token introspection."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.answers import active, bad, inactive, other_method, unauthorized
from tests.conformance.changes import (
    ALTERED,
    ENCRYPTED,
    SYMMETRIC,
    UNSIGNED,
    Change,
    by,
    change,
    content_type,
    empty,
    header,
    in_query,
    later,
    other_key,
    twice,
    with_,
    without,
)
from tests.conformance.exchange import Request
from tests.conformance.house import House, proven
from tests.conformance.rfc7009 import by_another
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import introspection, refresh
from tests.conformance.tokens import Jwt
from tests.identity.token_side import Holder

from wardgate.identity import issue
from wardgate.jose import jws


@sound("a client asks about its refresh token", active)
async def refresh_introspection(house: House) -> Request:
    request = await refresh.make(house)
    return replace(request, path="/oauth2/introspect", form=(("token", request.value("refresh_token")),))


@sound("a client asks about its opaque access token", active)
async def opaque_introspection(house: House) -> Request:
    client = await house.client(token_format="opaque")
    grant = await house.grant(client)
    form = (("token", await house.access_token(client, grant)),)
    facts = {"client": client, "grant": grant}
    return Request(path="/oauth2/introspect", form=form, headers=house.basic(client), facts=facts)


@sound("a resource server asks about a token that is meant for it", active)
async def for_resource_server(house: House) -> Request:
    issued_to, asking = await house.client(), await house.client(audiences=("urn:service",))
    text = await house.access_token(issued_to, await house.grant(issued_to), audiences=("urn:service",))
    form = (("token", text),)
    return Request(
        path="/oauth2/introspect", form=form, headers=house.basic(asking), facts={"client": issued_to}
    )


@change("by a client that only names itself")
async def by_public(house: House, request: Request) -> Request:
    client = await house.client(authentication="none")
    return request.header("Authorization").with_(client_id=client.id)


@change("by a bearer token in the place of client credentials")
async def by_bearer(house: House, request: Request) -> Request:
    return request.header("Authorization", f"Bearer {request.value('token')}")


def after_revoking(text: str, kind: str) -> Change:
    """What the token depends on was taken back."""

    async def changed(house: House, request: Request) -> Request:
        client, store = request.facts["client"], house.side.store
        async with store.writing() as tx:
            if kind == "grant":
                await tx.grants.revoke([request.facts["grant"].id], house.side.clock())
            else:
                await tx.clients.replace(replace(client, status="suspended"))
        return request

    return Change(text, changed)


@change("about an id token")
async def id_token(house: House, request: Request) -> Request:
    client, grant = request.facts["client"], request.facts["grant"]
    text = await issue.id_token(house.side.server, client, grant, subject="somebody", claims={})
    return request.with_(token=text)


@change("about a code")
async def a_code(house: House, request: Request) -> Request:
    return request.with_(token=await house.side.code(request.facts["grant"]))


@change("about a refresh token that was used")
async def used(house: House, request: Request) -> Request:
    form = (("grant_type", "refresh_token"), ("refresh_token", request.value("token")))
    spent = Request(path="/oauth2/token", form=form, headers=request.headers)
    assert (await house.send(spent)).status == 200
    return request


def forged(text: str, bend: Change) -> Change:
    """The token of the request, as somebody who has no key of the server would sign it."""

    async def changed(house: House, request: Request) -> Request:
        token = request.value("token")
        claims = await house.side.claims(token)
        holder = Holder()
        header = jws.read(token).header
        jwt = Jwt(holder=holder, header=header, claims=claims, put=lambda r, t: r.with_(token=t))
        return await bend.make(house, proven(request, jwt))

    return Change(text, changed)


ROWS = (
    Row("rfc7662-2.1-token-required", "`token` is required.", introspection, without("token"), bad()),
    Row("rfc7662-2.1-token-empty", "`token` is required.", introspection, empty("token"), bad()),
    Row("rfc7662-2.1-token-once", "No parameter stands twice.", introspection, twice("token"), bad()),
    Row("rfc7662-2.1-post", "Requests are sent by POST.", introspection, by("GET"), other_method("POST")),
    Row(
        "rfc7662-2.1-form",
        "The body is a URL-encoded form.",
        introspection,
        content_type("application/json"),
        bad(),
    ),
    Row(
        "rfc7662-4-not-in-uri",
        "A token is not sent in the URI, where it would be logged.",
        introspection,
        in_query("token"),
        bad(),
    ),
    Row(
        "rfc7662-2.1-authorized",
        "The endpoint answers nobody who is not authorized: tokens are not to be scanned for.",
        introspection,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc7662-2.1-public-not-authorized",
        "Naming oneself is no authorization.",
        introspection,
        by_public,
        unauthorized(),
    ),
    Row(
        "rfc7662-2.3-unknown-scheme",
        "Wrong authorization answers 401.",
        introspection,
        by_bearer,
        unauthorized(),
    ),
    Row(
        "rfc7662-2.2-expired",
        "An expired token is not active, and nothing else is said of it.",
        introspection,
        later(601),
        inactive(),
    ),
    Row(
        "rfc7662-2.2-expired-opaque",
        "An expired token is not active, and nothing else is said of it.",
        opaque_introspection,
        later(601),
        inactive(),
    ),
    Row(
        "rfc7662-2.2-expired-refresh",
        "An expired token is not active, and nothing else is said of it.",
        refresh_introspection,
        later(61),
        inactive(),
    ),
    Row(
        "rfc7662-4-revoked",
        "The server checks whether a token was revoked.",
        introspection,
        after_revoking("after its grant was taken back", "grant"),
        inactive(),
    ),
    Row(
        "rfc7662-4-revoked-opaque",
        "The server checks whether a token was revoked.",
        opaque_introspection,
        after_revoking("after its grant was taken back", "grant"),
        inactive(),
    ),
    Row(
        "rfc7662-4-revoked-refresh",
        "The server checks whether a token was revoked.",
        refresh_introspection,
        after_revoking("after its grant was taken back", "grant"),
        inactive(),
    ),
    Row(
        "rfc7662-4-client-suspended",
        "A token of a client that may not act is not active.",
        for_resource_server,
        after_revoking("after the client it was issued to was suspended", "client"),
        inactive(),
    ),
    Row(
        "rfc7662-4-used-refresh",
        "A refresh token that was used is not active.",
        refresh_introspection,
        used,
        inactive(),
    ),
    Row(
        "rfc7662-2.2-not-for-this-caller",
        "Whom a token does not concern learns nothing of it.",
        introspection,
        by_another,
        inactive(),
    ),
    Row(
        "rfc7662-2.2-not-for-this-resource",
        "Whom a token does not concern learns nothing of it.",
        for_resource_server,
        by_another,
        inactive(),
    ),
    Row(
        "rfc7662-2.2-refresh-not-for-others",
        "Whom a token does not concern learns nothing of it.",
        refresh_introspection,
        by_another,
        inactive(),
    ),
    Row(
        "rfc7662-2.2-unknown",
        "An unknown token is not active, without an error.",
        introspection,
        with_("a token that never was", token="wgat_" + "A" * 43),
        inactive(),
    ),
    Row(
        "rfc7662-2.2-garbage",
        "What is no token is not active, without an error.",
        introspection,
        with_(token="garbage"),
        inactive(),
    ),
    Row(
        "rfc7662-4-id-token",
        "What is signed and no access token is not active.",
        introspection,
        id_token,
        inactive(),
    ),
    Row("rfc7662-2.2-code", "What is no token is not active.", opaque_introspection, a_code, inactive()),
    Row(
        "rfc7662-4-signature-checked",
        "The server checks the signature.",
        introspection,
        forged("signed by another key", other_key()),
        inactive(),
    ),
    Row(
        "rfc7662-4-not-unsigned",
        "The server checks the signature.",
        introspection,
        forged("`alg` = `none`", UNSIGNED),
        inactive(),
    ),
    Row(
        "rfc7662-4-not-symmetric",
        "The server checks the signature.",
        introspection,
        forged("`alg` = `HS256`", SYMMETRIC),
        inactive(),
    ),
    Row(
        "rfc7662-4-not-altered",
        "The server checks the signature.",
        introspection,
        forged("one character altered", ALTERED),
        inactive(),
    ),
    Row(
        "rfc7662-2.2-not-encrypted",
        "What cannot be read is not active.",
        introspection,
        forged("of five parts", ENCRYPTED),
        inactive(),
    ),
)
DOCUMENT = Document("RFC 7662", "Token Introspection", ROWS)
