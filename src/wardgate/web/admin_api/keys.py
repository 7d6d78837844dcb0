"""API keys: issue, list, show, rotate, revoke."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from wardgate.control import keys
from wardgate.control.verify import verify as judge
from wardgate.domain.consumer import Restrictions
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import VOLATILE, Line, Model, Page, Prose, Seconds, ShownOnce, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("keys")

KeyId = Annotated[str, Path(pattern=r"^key_[0-9a-z]{1,40}$", description="A key's id: key_01h...")]


class KeyRestrictions(Model):
    """What narrows a key; empty is unrestricted."""

    cidrs: list[Prose] = Field(default=[], max_length=100)
    referers: list[Prose] = Field(default=[], max_length=100)
    resources: list[Prose] = Field(default=[], max_length=100)


class Key(Thing):
    """An API key: never the key itself."""

    id: str
    application: str = Field(description="The application's name.")
    environment: str
    prefix: str
    last_four: str
    name: str
    description: str
    state: Literal["active", "rotating", "expired", "revoked"]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    replaced_by: str | None
    lineage: str
    restrictions: KeyRestrictions
    last_used_at: Annotated[float | None, VOLATILE]
    last_used_address: Annotated[str | None, VOLATILE]
    use_count: Annotated[int, VOLATILE]


class IssuedKey(Model):
    """A new key."""

    credential: Key
    key: ShownOnce


class KeyIssue(Model):
    """Which key to issue."""

    application: Line = Field(description="The application's name or id.")
    environment: Line
    name: Line = ""
    description: Prose = ""
    expires_at: Seconds | None = None
    restrictions: KeyRestrictions = KeyRestrictions()


class KeyRotation(Model):
    """How to replace a key."""

    overlap: float = Field(
        default=86400.0, ge=0, le=366 * 86400, description="Seconds the old one stays valid."
    )
    expires_at: Seconds | None = Field(
        default=None, description="By default the new key lives as long as the old one was issued for."
    )


class KeyPresented(Model):
    """A key somebody shows."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    environment: Line | None = Field(default=None, description="By default where the key belongs.")


class KeyVerdict(Model):
    """What the gateway would say of a key; ``key`` is null for one that is not known."""

    accepted: bool
    reason: str | None
    environment: str
    key: Key | None


@operations.get("/keys", permission="keys.view", refuses=(404,))
async def list_keys(
    ask: Ask,
    page: Paging,
    application: Annotated[str | None, Query(max_length=200, description="Name or id.")] = None,
    environment: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[Key]:
    """Keys, oldest first."""
    found = await keys.list_keys(ask.store, application=application, environment=environment)
    now = ask.clock()
    return page.of(
        found,
        key=lambda each: (each.credential.created_at, each.credential.id),
        show=lambda each: _shown(each, now),
    )


@operations.get("/keys/{key_id}", permission="keys.view")
async def show_key(ask: Ask, key_id: KeyId) -> Key:
    """One key."""
    return _shown(await keys.show(ask.store, key_id), ask.clock())


@operations.post("/keys", permission="keys.issue", location=lambda issued: f"/keys/{issued.credential.id}")
async def issue_key(ask: Ask, body: KeyIssue) -> IssuedKey:
    """Issue a key to an application. Its text is shown this once."""
    credential, secret = await keys.issue(
        ask.store,
        application=body.application,
        environment=body.environment,
        name=body.name,
        description=body.description,
        expires_at=body.expires_at,
        restrictions=Restrictions(
            cidrs=tuple(body.restrictions.cidrs),
            referers=tuple(body.restrictions.referers),
            resources=tuple(body.restrictions.resources),
        ),
        clock=ask.clock,
    )
    return IssuedKey(credential=await show_key(ask, credential.id), key=secret.reveal().decode())


@operations.post(
    "/keys/{key_id}:rotate",
    permission="keys.issue",
    guard=show_key,
    location=lambda issued: f"/keys/{issued.credential.id}",
)
async def rotate_key(ask: Ask, key_id: KeyId, body: KeyRotation) -> IssuedKey:
    """Replace a key by a new one, shown this once. The old one stays valid for the overlap."""
    credential, secret = await keys.rotate(
        ask.store, key_id, overlap=body.overlap, expires_at=body.expires_at, clock=ask.clock
    )
    return IssuedKey(credential=await show_key(ask, credential.id), key=secret.reveal().decode())


@operations.post("/keys:verify", permission="keys.view", status=200, together=False)
async def verify_key(ask: Ask, body: KeyPresented) -> KeyVerdict:
    """Say of a key what the gateway would say. Nothing is changed."""
    verdict = await judge(ask.store, body.key, environment=body.environment)
    known = None
    if verdict.credential is not None and verdict.application is not None:
        known = keys.KeyRecord(credential=verdict.credential, application=verdict.application)
    return KeyVerdict(
        accepted=verdict.accepted,
        reason=None if verdict.reason is None else verdict.reason.name,
        environment=verdict.environment,
        key=None if known is None else _shown(known, ask.clock()),
    )


@operations.post("/keys/{key_id}:revoke", permission="keys.revoke", guard=show_key, status=200)
async def revoke_key(ask: Ask, key_id: KeyId) -> Key:
    """End a key for ever; every gateway refuses it at once."""
    await keys.revoke(ask.store, key_id, clock=ask.clock)
    return await show_key(ask, key_id)


def _shown(record: keys.KeyRecord, now: float) -> Key:
    credential = record.credential
    return Key(
        id=credential.id,
        application=record.application.name,
        environment=credential.environment,
        prefix=credential.prefix,
        last_four=credential.last_four,
        name=credential.name,
        description=credential.description,
        state=keys.state_of(credential, now),
        created_at=credential.created_at,
        expires_at=credential.expires_at,
        revoked_at=credential.revoked_at,
        replaced_by=credential.replaced_by,
        lineage=credential.lineage,
        restrictions=KeyRestrictions(
            cidrs=list(credential.restrictions.cidrs),
            referers=list(credential.restrictions.referers),
            resources=list(credential.restrictions.resources),
        ),
        last_used_at=credential.last_used_at,
        last_used_address=credential.last_used_address,
        use_count=credential.use_count,
    )
