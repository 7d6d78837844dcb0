"""Access tokens of the control plane: a person's own, and those of service accounts."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

from wardgate.control.authority import require, require_operator
from wardgate.control.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    SecondPersonError,
)
from wardgate.control.ids import new_id
from wardgate.control.lookup import MAX_NAME, checked_text
from wardgate.control.operators.escalation import require_including
from wardgate.control.operators.holding import holdings_of
from wardgate.control.operators.naming import called, checked_permissions, grantee_named, project_named
from wardgate.control.ports import Store, Transaction
from wardgate.domain import apikey
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import TOKEN_ID, AdminToken, Holdings, OwnerKind, new_token
from wardgate.domain.permission import Permission
from wardgate.domain.secret import Secret

DAY = 86400.0
USUAL_LIFETIME = 90 * DAY
LONGEST_LIFETIME = 366 * DAY
#: How many tokens of one owner can be good at the same time.
MOST = 100
#: Seconds that a token which ended is still listed.
KEPT = 90 * DAY


TokenState = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token, and what people call its owner."""

    token: AdminToken
    owner_name: str


def state_of(token: AdminToken, now: float) -> TokenState:
    """What a token itself is worth at ``now``."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= now else "active"


async def issue_token(
    store: Store,
    *,
    name: str,
    user: str | None = None,
    service: str | None = None,
    permissions: Collection[str] | None = None,
    projects: Collection[str] | None = None,
    expires_at: float | None = None,
    clock: Callable[[], float] = time.time,
) -> tuple[TokenRecord, Secret]:
    """A new token: the actor's own, or ``user``'s or ``service``'s (names or ids). Its text cannot be shown again.

    It lets do what its owner holds at each moment, of that no more than ``permissions`` (those held now), and with
    ``projects`` in those alone; never approve, if it is another person's than the actor: whoever has it would be a second
    person by it. It ends after 90 days, at ``expires_at`` if given, or with the token the actor came with.

    Raises:
        ForbiddenError: the actor or the owner lacks one of the permissions, or the token is to be another's and the actor
            may not issue such.
        NotFoundError: there is no such owner or project.
        InvalidError: the name, the expiry or a permission is wrong, or nobody is named at the machine itself.
        ConflictError: the owner has too many.
    """
    now = clock()
    async with store.writing() as tx:
        kind, owner = await _owner(tx, user, service, "operators.edit")
        held = await holdings_of(tx, kind, owner)
        wanted = _wanted(held, permissions)
        if kind == "user" and not _is_own(tx.actor, kind, owner):
            wanted = _without_approval(wanted, explicit=permissions is not None)
        within = None if projects is None else frozenset(projects)
        for project in within or ():
            await project_named(tx, project)
        token = AdminToken(
            id=new_id(TOKEN_ID, now),
            kind=kind,
            owner=owner,
            name=_checked_name(name),
            prefix="",
            last_four="",
            permissions=wanted,
            projects=within,
            created_at=now,
            expires_at=_checked_expiry(expires_at, now),
            issued_by=tx.actor.id,
        )
        token = await _within_own(tx, token, explicit=permissions is not None)
        require_including(tx.actor, held.narrowed(token.permissions, token.projects))
        await _check_count(tx, kind, owner, now)
        text = new_token(secrets.token_bytes)
        token = replace(token, prefix=text[:9], last_four=apikey.last_four(text))
        await tx.operators.sweep_tokens(now - KEPT)
        await tx.operators.add_token(token, apikey.digest(text.encode(), store.master_key()))
        record = TokenRecord(token=token, owner_name=await called(tx, kind, owner))
        await tx.audit.record(_event("admin_token.issue", record), at=now)
    return record, Secret(text)


async def list_tokens(
    store: Store, *, user: str | None = None, service: str | None = None, everyone: bool = False
) -> list[TokenRecord]:
    """The actor's own tokens, or those of one owner or of everyone, oldest first.

    Raises:
        ForbiddenError: the actor may not see others'.
        NotFoundError: there is no such owner.
    """
    async with store.reading() as tx:
        if everyone:
            require(tx.actor, "operators.view")
            found = await tx.operators.tokens()
        else:
            kind, owner = await _owner(tx, user, service, "operators.view")
            found = await tx.operators.tokens(kind, owner)
        return [TokenRecord(token=each, owner_name=await called(tx, each.kind, each.owner)) for each in found]


async def show_token(store: Store, token_id: str) -> TokenRecord:
    """One token by id. Raises NotFoundError, and ForbiddenError for another's that the actor may not see."""
    async with store.reading() as tx:
        require_operator(tx.actor)
        token = await _token(tx, token_id, "operators.view")
        return TokenRecord(token=token, owner_name=await called(tx, token.kind, token.owner))


async def revoke_token(store: Store, token_id: str, *, clock: Callable[[], float] = time.time) -> TokenRecord:
    """Afterwards the token opens nothing; revoking it again changes nothing.

    Raises:
        ForbiddenError: it is another's and the actor may not revoke such.
        NotFoundError: there is no such token.
    """
    now = clock()
    async with store.writing() as tx:
        require_operator(tx.actor)
        token = await _token(tx, token_id, "operators.edit")
        record = TokenRecord(token=token, owner_name=await called(tx, token.kind, token.owner))
        if token.revoked_at is not None:
            return record
        await tx.operators.revoke_token(token.id, at=now)
        await tx.audit.record(_event("admin_token.revoke", record), at=now)
    return replace(record, token=replace(token, revoked_at=now))


def _is_own(actor: Actor, kind: OwnerKind, owner: str) -> bool:
    return actor.kind == kind and actor.id == owner


async def _owner(
    tx: Transaction, user: str | None, service: str | None, permission: Permission
) -> tuple[OwnerKind, str]:
    """Whose tokens are meant: the actor's own, or with ``permission`` those of whom is named."""
    if user is None and service is None:
        require_operator(tx.actor)
        return _self(tx.actor)
    kind: OwnerKind = "user" if service is None else "service"
    if service is None and tx.actor.kind == "user" and user in (tx.actor.id, tx.actor.name):
        require_operator(tx.actor)
        return "user", tx.actor.id
    require(tx.actor, permission)
    if user is not None and service is not None:
        raise InvalidError("owner", "A token is a user's or a service account's", "Name one of them")
    owner, _ = await grantee_named(tx, kind, (user if service is None else service) or "")
    return kind, owner


def _self(actor: Actor) -> tuple[OwnerKind, str]:
    if actor.kind == "user" or actor.kind == "service":
        return actor.kind, actor.id
    raise InvalidError(
        "owner",
        "At the machine itself nobody is signed in",
        "Say whose token it is: --user NAME or --service NAME",
    )


def _wanted(held: Holdings, permissions: Collection[str] | None) -> frozenset[Permission]:
    """The permissions asked for, all of which the owner holds somewhere; without any, all that they hold."""
    everywhere = held.permissions.union(*held.projects.values())
    wanted = everywhere if permissions is None else checked_permissions(permissions)
    if not wanted:
        raise InvalidError(
            "permissions", "A token without permissions opens nothing", "Grant its owner a role, or name some"
        )
    if wanted - everywhere:
        raise ForbiddenError(min(wanted - everywhere))
    return wanted


def _without_approval(wanted: frozenset[Permission], *, explicit: bool) -> frozenset[Permission]:
    """What a token may hold that somebody else issues for a person."""
    left = wanted - {"apis.approve"}
    if left == wanted or (left and not explicit):
        return left
    raise SecondPersonError(
        "A token that approves (apis.approve) is issued by the person whose it is, and by nobody else",
        "Leave the permission out, or let them sign on and issue it themselves",
    )


async def _within_own(tx: Transaction, token: AdminToken, *, explicit: bool) -> AdminToken:
    """``token``, no wider and no longer than the one the actor came with, whatever its owner may be granted later; whoever
    has that one has this one too, so their issuers are told of it.

    Raises:
        ForbiddenError: it was asked for by name what that one does not allow.
    """
    own = await tx.operators.token(tx.actor.token) if tx.actor.token else None
    if own is None:
        return token
    beyond = token.permissions - own.permissions
    if beyond and (explicit or beyond == token.permissions):
        raise ForbiddenError(min(beyond))
    projects = token.projects
    if own.projects is not None:
        if projects is not None and projects - own.projects:
            raise ForbiddenError(min(token.permissions), min(projects - own.projects))
        projects = own.projects if projects is None else projects
    through = () if own.issued_by is None else (own.issued_by, *own.issued_through)
    return replace(
        token,
        permissions=token.permissions & own.permissions,
        projects=projects,
        expires_at=min(token.expires_at, own.expires_at),
        issued_by=None if own.issued_by is None else token.issued_by,
        issued_through=tuple(each for each in dict.fromkeys(through) if each != token.issued_by),
    )


async def _check_count(tx: Transaction, kind: OwnerKind, owner: str, now: float) -> None:
    good = [
        each
        for each in await tx.operators.tokens(kind, owner)
        if each.revoked_at is None and each.expires_at > now
    ]
    if len(good) >= MOST:
        raise ConflictError(
            "too_many_tokens", f"The owner has {len(good)} tokens that are good", "Revoke those out of use"
        )


def _checked_name(name: str) -> str:
    name = checked_text("name", name, MAX_NAME)
    if not name:
        raise InvalidError("name", "A token needs a name", "Say what it is for, like laptop")
    return name


def _checked_expiry(expires_at: float | None, now: float) -> float:
    if expires_at is None:
        return now + USUAL_LIFETIME
    if not math.isfinite(expires_at) or expires_at <= now:
        raise InvalidError("expiry", "The expiry is not in the future", "Give a later time")
    if expires_at > now + LONGEST_LIFETIME:
        raise InvalidError("expiry", "The expiry is too far away", "A token is good for 366 days at most")
    return expires_at


async def _token(tx: Transaction, token_id: str, permission: Permission) -> AdminToken:
    """The token with that id, if it is the actor's own or they hold ``permission``."""
    found = await tx.operators.token(token_id)
    if found is None or not _is_own(tx.actor, found.kind, found.owner):
        require(tx.actor, permission)
    if found is None:
        # What was given might be a token by mistake: only something of an id's form is repeated.
        shown = token_id if token_id.startswith("wat_") and len(token_id) <= 40 else "(not a token's id)"
        raise NotFoundError(
            "admin_token", shown, "`wardgate admin-tokens list` shows the ids, like wat_01h..."
        )
    return found


def _event(action: str, record: TokenRecord) -> AuditEvent:
    token = record.token
    said = {
        "kind": token.kind,
        "owner": record.owner_name,
        "name": token.name,
        "permissions": sorted(token.permissions),
        "projects": None if token.projects is None else sorted(token.projects),
        "expires_at": token.expires_at,
    }
    issued = action == "admin_token.issue"
    return AuditEvent(
        action=action, target=token.id, before={} if issued else said, after=said if issued else {}
    )
