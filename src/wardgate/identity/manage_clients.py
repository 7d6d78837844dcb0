"""Adds, changes, rotates, suspends and removes OAuth 2.0 clients, for those who run the installation."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from wardgate.control.authority import require
from wardgate.control.client_ends import LONGEST_ACCESS as LONGEST_ACCESS
from wardgate.control.client_ends import remove_client as remove_client
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.held import released
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import application_named, environment_named
from wardgate.domain import apikey
from wardgate.domain.audit import AuditEvent, differing
from wardgate.domain.consumer import Application
from wardgate.domain.oauth import (
    CLIENT_ID_WORDS,
    Client,
    ClientSecret,
    Token,
    client_id_problem,
)
from wardgate.domain.oauth import response_types_for as response_types_for
from wardgate.domain.secret import Secret
from wardgate.domain.tokenform import new_secret
from wardgate.identity.client_gate import held
from wardgate.identity.client_metadata import MetadataError, check_client, is_app, shows_secret
from wardgate.identity.operator_clients import check_operator_client, check_operator_scopes
from wardgate.identity.ports import Store, Transaction

#: What may be set and changed; the rest of a client follows from how it came to be.
EDITABLE = frozenset(Client.__dataclass_fields__) - {
    "id",
    "application",
    "environment",
    "status",
    "created_at",
    "held_by",
    "held_at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRecord:
    """A client, the application whose it is, and its secrets (never themselves)."""

    client: Client
    application: Application
    secrets: tuple[ClientSecret, ...]


async def add(
    store: Store,
    *,
    application: str,
    environment: str,
    settings: Mapping[str, Any],
    id_: str = "",
    clock: Clock = time.time,
) -> tuple[Client, Secret | None]:
    """A new client of ``application`` (name or id), and its secret if it shows one. It is active, unless it needs a second
    person (:mod:`wardgate.identity.client_gate`).

    ``settings`` are fields of :class:`Client`; ``id_`` is its ``client_id``, by default a new one. Response types follow
    from the grants unless they are given. The secret's text is in the returned :class:`Secret` and nowhere else: it cannot
    be shown again.

    Raises:
        NotFoundError: no such application or environment.
        InvalidError: a setting is wrong, or the id.
        ConflictError: there is a client of that id, or was until lately.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        return await add_in(
            store, tx, application=application, environment=environment, settings=settings, now=now, id_=id_
        )


async def add_in(
    store: Store,
    tx: Transaction,
    *,
    application: str,
    environment: str,
    settings: Mapping[str, Any],
    now: float,
    id_: str = "",
) -> tuple[Client, Secret | None]:
    """As :func:`add`, as a part of the transaction."""
    require(tx.actor, "clients.edit")
    place = await environment_named(tx, environment)
    owner = await application_named(tx, application)
    if id_:
        await _check_free(tx, id_, now)
    base = Client(
        id=id_ or new_id("cl", now),
        application=owner.id,
        environment=place.name,
        name=owner.name,
        created_at=now,
    )
    client = await held(tx, None, changed(base, settings), now)
    check_operator_client(tx.actor, client)
    await tx.clients.add(client)
    after = {"application": owner.name, **differing(base, client)[1]}
    await _tell(tx, "client.add", client, now, after=after)
    return client, await _new_secret(store, tx, client, now) if shows_secret(client) else None


async def list_clients(
    store: Store, *, application: str | None = None, environment: str | None = None
) -> list[ClientRecord]:
    """Every client, or those of an application (name or id) or environment, oldest first.

    Raises:
        NotFoundError: no such application or environment.
    """
    async with store.reading() as tx:
        require(tx.actor, "clients.view")
        owner = None if application is None else await application_named(tx, application)
        if environment is not None:
            await environment_named(tx, environment)
        known = {each.id: each for each in await tx.applications.all()}
        found = await tx.clients.list(
            application=None if owner is None else owner.id, environment=environment
        )
        return [
            ClientRecord(
                client=each,
                application=known[each.application],
                secrets=tuple(await tx.clients.secrets(each.id)),
            )
            for each in found
        ]


async def show(store: Store, client_id: str) -> ClientRecord:
    """One client. Raises NotFoundError."""
    async with store.reading() as tx:
        require(tx.actor, "clients.view")
        client = await client_with_id(tx, client_id)
        return ClientRecord(
            client=client,
            application=await application_named(tx, client.application),
            secrets=tuple(await tx.clients.secrets(client_id)),
        )


async def update(
    store: Store, client_id: str, settings: Mapping[str, Any], *, clock: Clock = time.time
) -> tuple[Client, Secret | None]:
    """The client with ``settings`` changed, and a secret if it has come to need one.

    Secrets of a client that authenticates in another way now are good no more. Tokens issued before stay what they
    are: revoke them where that is wrong.

    Raises:
        NotFoundError: no such client.
        InvalidError: a setting is wrong.
        ConflictError: it is in use, and a second person would have to agree.
    """
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        return await update_in(store, tx, client_id, settings, clock())


async def update_in(
    store: Store, tx: Transaction, client_id: str, settings: Mapping[str, Any], now: float
) -> tuple[Client, Secret | None]:
    """As :func:`update`, as a part of the transaction."""
    require(tx.actor, "clients.edit")
    before = await client_with_id(tx, client_id)
    client = await held(tx, before, changed(before, settings), now)
    check_operator_client(tx.actor, before, client)
    await tx.clients.replace(client)
    secret = await settle_secrets(store, tx, client, now)
    old, new = differing(before, client)
    shown = {} if secret is None else {"new_secret": True}
    await _tell(tx, "client.set", client, now, before=old, after=new | shown)
    return client, secret


async def rotate_secret(
    store: Store, client_id: str, *, overlap: float, clock: Clock = time.time
) -> tuple[Client, Secret]:
    """A new secret; those before it stay good for ``overlap`` seconds more (never longer than they would have been).

    Raises:
        NotFoundError: no such client.
        InvalidError: the overlap is wrong.
        ConflictError: it shows no secret.
    """
    now = clock()
    if not (math.isfinite(overlap) and overlap >= 0):
        raise InvalidError("overlap", f"The overlap of {overlap} s is not possible", "Give 0 or more seconds")
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        client = await client_with_id(tx, client_id)
        if not shows_secret(client):
            raise ConflictError(
                "client_without_secret",
                f"The client {client_id} authenticates by {client.authentication}",
                "Change its authentication to client_secret_basic to give it a secret",
            )
        await _end_secrets(tx, client, now + overlap)
        await _tell(tx, "client.rotate_secret", client, now, after={"overlap": overlap})
        return client, await _new_secret(store, tx, client, now)


async def suspend(store: Store, client_id: str, *, clock: Clock = time.time) -> Client:
    """Afterwards it gets no token, and the gateway refuses those it has. Raises NotFoundError."""
    return await _set_status(store, client_id, "suspended", clock())


async def restore(store: Store, client_id: str, *, reason: str = "", clock: Clock = time.time) -> Client:
    """Afterwards a suspended client is served again. One that is held takes another person, and a reason.

    Raises:
        NotFoundError: no such client.
        ForbiddenError: it is held, and the actor may not approve.
        ConflictError: it is held, and the actor is no other person.
        InvalidError: it is held, and there is no reason.
    """
    return await _set_status(store, client_id, "active", clock(), reason)


async def remove(store: Store, client_id: str, *, clock: Clock = time.time) -> Client:
    """Afterwards it is gone with its secrets and grants, and no token of it is accepted. Raises NotFoundError."""
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        client = await client_with_id(tx, client_id)
        await remove_in(tx, client, now)
    return client


async def remove_in(tx: Transaction, client: Client, now: float) -> None:
    """As :func:`remove`, as a part of the transaction."""
    require(tx.actor, "clients.edit")
    await remove_client(tx, client, now)
    await _tell(tx, "client.remove", client, now)


async def registration_token(
    store: Store,
    *,
    environment: str,
    application: str | None = None,
    scopes: tuple[str, ...] = (),
    lifetime: float = 86400.0,
    clock: Clock = time.time,
) -> Secret:
    """An initial access token (RFC 7591 section 3): lets its bearer register one client, once.

    The client joins ``application`` (name or id), or else brings an application of its own. ``scopes`` are those it may
    register for besides OpenID Connect's. ``lifetime`` is in seconds.

    Raises:
        NotFoundError: no such application or environment.
        InvalidError: the lifetime is none.
    """
    now = clock()
    if not (math.isfinite(lifetime) and 0 < lifetime <= 366 * 86400):
        raise InvalidError("lifetime", f"A lifetime of {lifetime} s is not possible", "Give up to a year")
    text = new_secret("ot", secrets.token_bytes)
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        check_operator_scopes(tx.actor, scopes)
        place = await environment_named(tx, environment)
        owner = "" if application is None else (await application_named(tx, application)).id
        document = {"environment": place.name, "application": owner, "scopes": list(scopes)}
        await tx.once.put("registration", digest_of(store, text), document, now + lifetime)
        event = AuditEvent(
            action="client.permit",
            target=application or "",
            environment=place.name,
            after={"scopes": scopes, "until": now + lifetime},
        )
        await tx.audit.record(event, at=now)
    return Secret(text)


async def client_with_id(tx: Transaction, client_id: str) -> Client:
    """The client with that id. Raises NotFoundError."""
    found = await tx.clients.get(client_id)
    if found is None:
        raise NotFoundError("client", client_id, "`wardgate clients list` shows the ids, like cl_01h...")
    return found


def changed(client: Client, settings: Mapping[str, Any]) -> Client:
    """``client`` with ``settings``, sound. Raises InvalidError."""
    unknown = sorted(settings.keys() - EDITABLE)
    if unknown:
        raise InvalidError("client", f"A client has no setting {unknown[0]!r} to change", "Leave it out")
    given = dict(settings)
    if "grant_types" in given and "response_types" not in given:
        given["response_types"] = response_types_for(given["grant_types"])
    app = not client.public and is_app(client)
    client = replace(client, **given)
    try:
        check_client(client, native=client.public or app)
    except MetadataError as error:
        raise InvalidError("client", str(error), "Change that setting; nothing was stored") from None
    return client


async def settle_secrets(store: Store, tx: Transaction, client: Client, now: float) -> Secret | None:
    """Afterwards the client has secrets if and only if it shows one; a new one is returned."""
    if not shows_secret(client):
        await _end_secrets(tx, client, now)
        return None
    live = [
        each
        for each in await tx.clients.secrets(client.id)
        if each.expires_at is None or now < each.expires_at
    ]
    return None if live else await _new_secret(store, tx, client, now)


async def _tell(
    tx: Transaction,
    action: str,
    client: Client,
    now: float,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    note: str = "",
) -> None:
    event = AuditEvent(
        action=action,
        target=client.id,
        environment=client.environment,
        before=before or {},
        after=after or {},
        note=note,
    )
    await tx.audit.record(event, at=now)


def digest_of(store: Store, secret: str) -> bytes:
    """What a secret is stored under."""
    return apikey.digest(secret.encode(), store.master_key())


async def _check_free(tx: Transaction, client_id: str, now: float) -> None:
    """Returns when a new client may be called so: nobody else is called so in tokens, and of one that was removed they are
    refused for some time, by its id."""
    problem = client_id_problem(client_id)
    if problem is None and await tx.users.get(client_id) is not None:
        problem = "is that of a person"
    if problem is not None:
        raise InvalidError("id", f"The id of the client {problem}", f"Use {CLIENT_ID_WORDS}")
    known = await tx.clients.get(client_id)
    if known is not None:
        raise ConflictError(
            "client_exists",
            f"There is a client {client_id!r} in {known.environment} already",
            "Give this one another id",
        )
    token = Token(id="", issuer="", client=client_id, issued_ms=int(now * 1000))
    if await tx.revocations.covers(token, ""):
        raise ConflictError(
            "client_removed",
            f"A client {client_id!r} was removed within the last hour, so that its tokens are still refused",
            "Give this one another id, or apply the document later",
        )


async def _new_secret(store: Store, tx: Transaction, client: Client, now: float) -> Secret:
    text = new_secret("cs", secrets.token_bytes)
    await tx.clients.add_secret(ClientSecret(client=client.id, digest=digest_of(store, text), created_at=now))
    return Secret(text)


async def _end_secrets(tx: Transaction, client: Client, at: float) -> None:
    for each in await tx.clients.secrets(client.id):
        if each.expires_at is None or each.expires_at > at:
            await tx.clients.end_secret(client.id, each.digest, at)


async def _set_status(
    store: Store, client_id: str, status: Literal["active", "suspended"], now: float, reason: str = ""
) -> Client:
    async with store.writing() as tx:
        require(tx.actor, "clients.edit")
        before = await client_with_id(tx, client_id)
        client = replace(before, status=status)
        check_operator_client(tx.actor, client)
        if before.held_by and status == "active":
            await released(tx, before, before.held_at or before.created_at, reason, now)
            client = replace(client, held_by=())
        await tx.clients.replace(client)
        if before != client:
            old, new = differing(before, client)
            action = "client.suspend" if status == "suspended" else "client.restore"
            await _tell(tx, action, client, now, before=old, after=new, note=reason)
    return client
