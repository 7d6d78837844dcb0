"""RFC 8693: token exchange."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from tests.conformance.answers import bad, other_method, tokens, unauthorized
from tests.conformance.changes import by, change, content_type, header, in_query, later, twice, with_, without
from tests.conformance.exchange import Request
from tests.conformance.framework import public_with_secret_gone, registered_for
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import bound
from tests.identity.token_side import Holder

from wardgate.domain.oauth import TOKEN_EXCHANGE
from wardgate.identity import issue
from wardgate.identity.grants.exchange_tokens import ACCESS_TOKEN, ID_TOKEN

_MEANT_FOR = "urn:service"


async def _service(house: House, **settings: Any) -> Request:
    """A service shows a token that a person's application got for it."""
    app = await house.client(audiences=(_MEANT_FOR,))
    service = await house.client(
        grant_types=(TOKEN_EXCHANGE,),
        audiences=(_MEANT_FOR, "urn:other"),
        scopes=("read", "write"),
        **settings,
    )
    grant = await house.grant(app)
    text = await house.access_token(app, grant, scopes=("read",), audiences=(_MEANT_FOR,))
    form = (
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", text),
        ("subject_token_type", ACCESS_TOKEN),
        ("resource", _MEANT_FOR),
    )
    facts = {"client": service, "app": app, "grant": grant}
    return Request(path="/oauth2/token", form=form, headers=house.basic(service), facts=facts)


@sound("a service exchanges a token that is meant for it", tokens)
async def exchange(house: House) -> Request:
    return await _service(house)


@sound("a service exchanges a token and says who acts", tokens)
async def delegation(house: House) -> Request:
    request = await _service(house)
    client = request.facts["client"]
    text = await house.access_token(client, scopes=("read",))
    return request.with_(actor_token=text, actor_token_type=ACCESS_TOKEN)


async def _shown(house: House, request: Request, **said: Any) -> Request:
    """Another subject token."""
    values = {"scopes": ("read",), "audiences": (_MEANT_FOR,), **said}
    return request.with_(
        subject_token=await house.access_token(request.facts["app"], request.facts["grant"], **values)
    )


@change("with a token that is meant for others alone")
async def not_meant_for_it(house: House, request: Request) -> Request:
    return await _shown(house, request, audiences=("urn:else",))


@change("with a token bound to a key, without a proof")
async def bound_subject(house: House, request: Request) -> Request:
    return await _shown(house, request, binding=bound(Holder()))


@change("with a token that eight actors passed on already, and another actor")
async def many_actors(house: House, request: Request) -> Request:
    return await _shown(house, request, actors=tuple(f"actor-{number}" for number in range(8)))


@change("with one character of the subject token altered")
async def altered(house: House, request: Request) -> Request:
    head, body, signature = request.value("subject_token").split(".")
    other = "A" if signature[10] != "A" else "B"
    return request.with_(subject_token=f"{head}.{body}.{signature[:10]}{other}{signature[11:]}")


@change("after the person took the grant back")
async def grant_revoked(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.grants.revoke([request.facts["grant"].id], house.side.clock())
    return request


@change("with a refresh token as `access_token`")
async def refresh_token(house: House, request: Request) -> Request:
    text = await house.refresh_token(request.facts["app"], request.facts["grant"])
    return request.with_(subject_token=text)


@change("with another client's id token")
async def others_id_token(house: House, request: Request) -> Request:
    app, grant = request.facts["app"], request.facts["grant"]
    text = await issue.id_token(house.side.server, app, grant, subject="somebody", claims={})
    return request.with_(subject_token=text, subject_token_type=ID_TOKEN)


@change("with an actor token of another client")
async def others_actor(house: House, request: Request) -> Request:
    return request.with_(actor_token=await house.access_token(await house.client()))


@change("with an actor token that expired")
async def expired_actor(house: House, request: Request) -> Request:
    client = request.facts["client"]
    return request.with_(actor_token=await house.access_token(client, expires_by=house.now() - 1))


@change("with an actor token bound to a key, without a proof")
async def bound_actor(house: House, request: Request) -> Request:
    client = request.facts["client"]
    return request.with_(actor_token=await house.access_token(client, binding=bound(Holder())))


@change("by another service that the token is not meant for")
async def by_another(house: House, request: Request) -> Request:
    other = await house.client(grant_types=(TOKEN_EXCHANGE,), audiences=("urn:third",), scopes=("read",))
    return replace(request.without("resource"), headers=house.basic(other))


@change("after the application that got the token was suspended")
async def app_suspended(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["app"], status="suspended"))
    return request


_UNKNOWN = "urn:ietf:params:oauth:token-type:saml2"
_LOST = "wgat_" + secrets.token_urlsafe(32)
_MADE_UP = with_("with a token that never was", subject_token=_LOST)

ROWS = (
    Row(
        "rfc8693-2.1-subject-token-required",
        "`subject_token` is required.",
        exchange,
        without("subject_token"),
        bad(),
    ),
    Row(
        "rfc8693-2.1-subject-type-required",
        "`subject_token_type` is required.",
        exchange,
        without("subject_token_type"),
        bad(),
    ),
    Row(
        "rfc8693-2.1-subject-type-known",
        "A type of token that is not taken is refused.",
        exchange,
        with_(subject_token_type=_UNKNOWN),
        bad(),
    ),
    Row("rfc8693-2.1-subject-once", "No parameter stands twice.", exchange, twice("subject_token"), bad()),
    Row(
        "rfc8693-2.1-actor-type-required",
        "With `actor_token` comes its type.",
        delegation,
        without("actor_token_type"),
        bad(),
    ),
    Row(
        "rfc8693-2.1-actor-type-alone",
        "Without `actor_token` there is no type of it.",
        delegation,
        without("actor_token"),
        bad(),
    ),
    Row(
        "rfc8693-2.1-actor-type-known",
        "A type of token that is not taken is refused.",
        delegation,
        with_(actor_token_type=_UNKNOWN),
        bad(),
    ),
    Row(
        "rfc8693-2.1-requested-type-known",
        "A type of token that is not issued is refused.",
        exchange,
        with_(requested_token_type=_UNKNOWN),
        bad(),
    ),
    Row(
        "rfc8693-2.1-no-refresh-tokens",
        "A type of token that is not issued is refused.",
        exchange,
        with_(requested_token_type="urn:ietf:params:oauth:token-type:refresh_token"),
        bad(),
    ),
    Row("rfc8693-2.1-token-validated", "The subject token is validated.", exchange, altered, bad()),
    Row("rfc8693-2.1-token-known", "The subject token is validated.", exchange, _MADE_UP, bad()),
    Row("rfc8693-2.1-token-expired", "The subject token is validated.", exchange, later(601), bad()),
    Row("rfc8693-2.1-token-revoked", "The subject token is validated.", exchange, grant_revoked, bad()),
    Row(
        "rfc8693-2.1-token-of-active-client",
        "The subject token is validated.",
        exchange,
        app_suspended,
        bad(),
    ),
    Row(
        "rfc8693-2.1-type-agrees",
        "The token is of the type that is said.",
        exchange,
        with_(subject_token_type=ID_TOKEN),
        bad(),
    ),
    Row(
        "rfc8693-2.1-refresh-token-is-none",
        "The token is of the type that is said.",
        exchange,
        refresh_token,
        bad(),
    ),
    Row(
        "rfc8693-2.1-id-token-of-others",
        "An id token is exchanged by the client it is for.",
        exchange,
        others_id_token,
        bad(),
    ),
    Row(
        "rfc8693-2.2.2-meant-for-it",
        "A token meant for others is not made more of.",
        exchange,
        not_meant_for_it,
        bad(),
    ),
    Row(
        "rfc8693-2.2.2-this-client",
        "A token meant for others is not made more of.",
        exchange,
        by_another,
        bad(),
    ),
    Row(
        "rfc8693-2.1-possession",
        "A token bound to a key is exchanged by who has it.",
        exchange,
        bound_subject,
        bad(),
    ),
    Row("rfc8693-2.1-actor-validated", "The actor token is validated.", delegation, expired_actor, bad()),
    Row(
        "rfc8693-2.1-actor-is-the-caller", "Nobody acts by another's token.", delegation, others_actor, bad()
    ),
    Row(
        "rfc8693-2.1-actor-possession",
        "An actor's token bound to a key is shown by who has it.",
        delegation,
        bound_actor,
        bad(),
    ),
    Row("rfc8693-4.1-chain-bounded", "A chain of actors has an end.", delegation, many_actors, bad()),
    Row(
        "rfc8693-2.2.2-target-known",
        "A target that is unknown or not allowed is refused as such.",
        exchange,
        with_(resource="urn:unknown"),
        bad("invalid_target"),
    ),
    Row(
        "rfc8693-2.2.2-target-granted",
        "A target beyond those of the subject token is refused as such.",
        exchange,
        with_(resource="urn:other"),
        bad("invalid_target"),
    ),
    Row(
        "rfc8693-2.1-resource-absolute",
        "`resource` is an absolute URI.",
        exchange,
        with_(resource="/orders"),
        bad("invalid_target"),
    ),
    Row(
        "rfc8693-2.1-resource-no-fragment",
        "`resource` has no fragment.",
        exchange,
        with_(resource=_MEANT_FOR + "#x"),
        bad("invalid_target"),
    ),
    Row(
        "rfc8693-2.2.2-audience-known",
        "An audience that is unknown is refused as such.",
        exchange,
        with_(audience="https://evil.example"),
        bad("invalid_target"),
    ),
    Row(
        "rfc8693-2.1-no-more-scope",
        "The new token has no scope that the subject token has not.",
        exchange,
        with_(scope="read write"),
        bad("invalid_scope"),
    ),
    Row(
        "rfc8693-5-client-authenticates",
        "The client is known: who exchanges tokens can be somebody else.",
        exchange,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc8693-5-no-public-clients",
        "The client is known: who exchanges tokens can be somebody else.",
        exchange,
        public_with_secret_gone,
        bad("unauthorized_client"),
    ),
    Row(
        "rfc8693-2.2.2-registered",
        "A client uses only grants it is registered for.",
        exchange,
        registered_for("by a client not registered for it", grant_types=("client_credentials",)),
        bad("unauthorized_client"),
    ),
    Row(
        "rfc8693-2.1-form",
        "The body is a URL-encoded form.",
        exchange,
        content_type("application/json"),
        bad(),
    ),
    Row("rfc8693-2.1-post", "Requests are sent by POST.", exchange, by("GET"), other_method("POST")),
    Row("rfc8693-2.1-in-body", "Tokens are not sent in the URI.", exchange, in_query("subject_token"), bad()),
)
DOCUMENT = Document("RFC 8693", "OAuth 2.0 Token Exchange", ROWS)
