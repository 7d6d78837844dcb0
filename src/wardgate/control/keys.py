"""Issues, lists, rotates and revokes API keys."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.ids import new_id
from wardgate.control.lookup import (
    MAX_DESCRIPTION,
    MAX_NAME,
    application_named,
    checked_text,
    credential_with_id,
    environment_named,
)
from wardgate.control.ports import Store, Transaction
from wardgate.control.restrict import checked
from wardgate.domain import apikey
from wardgate.domain.audit import AuditEvent
from wardgate.domain.consumer import Application, Credential, Restrictions
from wardgate.domain.secret import Secret

Clock = Callable[[], float]
KeyState = Literal["active", "rotating", "expired", "revoked"]

_UNRESTRICTED = Restrictions()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A credential with the application it belongs to."""

    credential: Credential
    application: Application


def state_of(credential: Credential, now: float) -> KeyState:
    """What a credential is worth at ``now``; ``rotating``: replaced, and valid until its overlap ends."""
    if credential.revoked_at is not None:
        return "revoked"
    if credential.expires_at is not None and credential.expires_at <= now:
        return "expired"
    return "rotating" if credential.replaced_by is not None else "active"


async def issue(
    store: Store,
    *,
    application: str,
    environment: str,
    name: str = "",
    description: str = "",
    expires_at: float | None = None,
    restrictions: Restrictions = _UNRESTRICTED,
    clock: Clock = time.time,
) -> tuple[Credential, Secret]:
    """A new key of ``application`` (name or id), valid in ``environment`` at once.

    The key's text is in the returned :class:`Secret` and nowhere else: it cannot be shown again.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application or environment.
        InvalidError: name, description, expiry or a restriction is wrong.
    """
    now = clock()
    _check_expiry(expires_at, now)
    async with store.writing() as tx:
        require(tx.actor, "keys.issue")
        place = await environment_named(tx, environment)
        owner = await application_named(tx, application)
        credential = Credential(
            id=new_id("key", now),
            application=owner.id,
            environment=place.name,
            prefix="",
            last_four="",
            name=checked_text("name", name, MAX_NAME),
            description=checked_text("description", description, MAX_DESCRIPTION),
            created_at=now,
            expires_at=expires_at,
            restrictions=await _checked_restrictions(tx, restrictions, place.name),
        )
        issued = await _add(store, tx, replace(credential, lineage=credential.id), place.tag, now)
        await tx.audit.record(_event("key.issue", issued[0], after=_told(issued[0], owner)), at=now)
        await tx.webhooks.emit("key.issued", event_data(issued[0]))
        return issued


async def list_keys(
    store: Store, *, application: str | None = None, environment: str | None = None
) -> list[KeyRecord]:
    """Every credential, or those of an application (name or id) or environment; oldest first.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application or environment.
    """
    async with store.reading() as tx:
        require(tx.actor, "keys.view")
        owner = None if application is None else await application_named(tx, application)
        if environment is not None:
            await environment_named(tx, environment)
        known = {each.id: each for each in await tx.applications.all()}
        found = await tx.credentials.list(
            application=None if owner is None else owner.id, environment=environment
        )
        return [KeyRecord(credential=each, application=known[each.application]) for each in found]


async def show(store: Store, credential_id: str) -> KeyRecord:
    """One credential by id. Raises ForbiddenError, NotFoundError."""
    async with store.reading() as tx:
        require(tx.actor, "keys.view")
        credential, _ = await credential_with_id(tx, credential_id)
        return KeyRecord(
            credential=credential, application=await application_named(tx, credential.application)
        )


async def rotate(
    store: Store,
    credential_id: str,
    *,
    overlap: float,
    expires_at: float | None = None,
    clock: Clock = time.time,
) -> tuple[Credential, Secret]:
    """A new key that takes the place of ``credential_id``: same application, restrictions, names and lineage.

    The old key stays valid for ``overlap`` seconds more (never longer than it would have been), with 0 it is revoked
    at once. Without ``expires_at`` the new key lives as long as the old one was issued for.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such credential.
        ConflictError: it is revoked, expired, or was rotated already.
        InvalidError: the overlap or the expiry is wrong.
    """
    now = clock()
    if not (math.isfinite(overlap) and overlap >= 0):
        raise InvalidError("overlap", f"The overlap of {overlap} s is not possible", "Give 0 or more seconds")
    _check_expiry(expires_at, now)
    async with store.writing() as tx:
        require(tx.actor, "keys.issue")
        old, old_digest = await credential_with_id(tx, credential_id)
        _check_rotatable(old, now)
        if expires_at is None and old.expires_at is not None:
            expires_at = now + (old.expires_at - old.created_at)
        places = {each.name: each for each in await tx.environments.all()}
        successor = replace(
            old,
            id=new_id("key", now),
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
            last_used_address=None,
            use_count=0,
        )
        issued = await _add(store, tx, successor, places[old.environment].tag, now)
        ends = old.expires_at
        if overlap > 0:
            ends = now + overlap if ends is None else min(ends, now + overlap)
        await tx.credentials.end(
            old.id,
            expires_at=ends,
            revoked_at=None if overlap > 0 else now,
            replaced_by=successor.id,
        )
        await tx.feed.append("credential", old_digest.hex(), at=now)
        event = _event(
            "key.rotate",
            old,
            before={"expires_at": old.expires_at},
            after={"replaced_by": successor.id, "ends_at": ends if overlap > 0 else now},
        )
        await tx.audit.record(event, at=now)
        await tx.webhooks.emit("key.rotated", {**event_data(issued[0]), "replaces": old.id})
        return issued


async def revoke(store: Store, credential_id: str, *, clock: Clock = time.time) -> Credential:
    """Afterwards no gateway accepts the key, for ever. Revoking a revoked key changes nothing.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such credential.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "keys.revoke")
        credential, digest = await credential_with_id(tx, credential_id)
        if credential.revoked_at is not None:
            return credential
        await tx.credentials.end(
            credential.id,
            expires_at=credential.expires_at,
            revoked_at=now,
            replaced_by=credential.replaced_by,
        )
        await tx.feed.append("credential", digest.hex(), at=now)
        await tx.audit.record(_event("key.revoke", credential, after={"revoked_at": now}), at=now)
        await tx.webhooks.emit("key.revoked", event_data(credential))
        return replace(credential, revoked_at=now)


def event_data(credential: Credential) -> dict[str, object]:
    """What webhooks are told of a key."""
    return {
        "key": credential.id,
        "application": credential.application,
        "environment": credential.environment,
        "prefix": credential.prefix,
        "last_four": credential.last_four,
        "expires_at": credential.expires_at,
    }


def _event(
    action: str,
    credential: Credential,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEvent:
    return AuditEvent(
        action=action,
        target=credential.id,
        environment=credential.environment,
        before=before or {},
        after=after or {},
    )


def _told(credential: Credential, owner: Application) -> dict[str, object]:
    """What the trail keeps of a new key: what it may do and whose it is."""
    told: dict[str, object] = {
        "application": owner.name,
        "name": credential.name,
        "prefix": credential.prefix,
        "expires_at": credential.expires_at,
        "cidrs": credential.restrictions.cidrs,
        "referers": credential.restrictions.referers,
        "resources": credential.restrictions.resources,
    }
    return {name: value for name, value in told.items() if value not in ("", None, ())}


async def _add(
    store: Store, tx: Transaction, credential: Credential, tag: str, now: float
) -> tuple[Credential, Secret]:
    """Makes the key of ``credential``, stores it and announces it: its digest may be cached as unknown."""
    key = apikey.generate(tag, secrets.token_bytes)
    digest = apikey.digest(key.encode(), store.master_key())
    stored = replace(credential, prefix=apikey.shown_prefix(key), last_four=apikey.last_four(key))
    await tx.credentials.add(stored, digest)
    await tx.feed.append("credential", digest.hex(), at=now)
    return stored, Secret(key)


async def _checked_restrictions(
    tx: Transaction, restrictions: Restrictions, environment: str
) -> Restrictions:
    if restrictions == _UNRESTRICTED:
        return restrictions
    deployed = await tx.apis.deployed(environment) if restrictions.resources else []
    return checked(restrictions, [each.entry.api for each in deployed])


def _check_expiry(expires_at: float | None, now: float) -> None:
    if expires_at is None:
        return
    if not math.isfinite(expires_at):
        raise InvalidError("expiry", "The expiry is no point in time", "Give one in the future, or none")
    if expires_at <= now:
        raise InvalidError(
            "expiry",
            f"The expiry lies {now - expires_at:.0f} s in the past",
            "Give one in the future, or none",
        )


def _check_rotatable(credential: Credential, now: float) -> None:
    state = state_of(credential, now)
    if credential.replaced_by is not None:
        raise ConflictError(
            "key_already_rotated",
            f"The key {credential.id} was already rotated to {credential.replaced_by}",
            f"Rotate {credential.replaced_by} instead",
        )
    if state in ("revoked", "expired"):
        raise ConflictError(
            f"key_{state}",
            f"The key {credential.id} is {state}",
            "Issue a new key to the application: rotating would bring an ended one back",
        )
