"""Roles as an operator looks after them: named sets of scopes, which bound what people can let applications do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.lookup import checked_text
from wardgate.domain.audit import differing
from wardgate.domain.oauth import OIDC_SCOPES, Grant
from wardgate.domain.people import Role
from wardgate.identity import trail
from wardgate.identity.people.standing import renew_tokens_of
from wardgate.identity.ports import Transaction
from wardgate.identity.scopes import open_to
from wardgate.identity.server import Server

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


async def list_roles(server: Server) -> list[Role]:
    """Every role."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.view")
        return await tx.roles.all()


async def put_role(
    server: Server,
    name: str,
    scopes: Sequence[str],
    description: str = "",
    *,
    open_scopes: bool = False,
) -> Role:
    """Adds the role or replaces the one of that name. Access tokens of people who lose a scope by it are not taken any
    more; those that may be refreshed come back without it.

    Raises:
        InvalidError: the name, a scope or the description is not one that can be.
        ConflictError: a scope would be open to everybody, and ``open_scopes`` does not say that it may.
    """
    if not _NAME.fullmatch(name):
        raise InvalidError(
            "role", "This is no name of a role", "Use up to 64 letters, digits, dots, hyphens or underscores"
        )
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise InvalidError("scope", "This is no scope", "Leave out spaces, quotes and backslashes")
        if scope in OIDC_SCOPES:
            raise InvalidError(
                "scope",
                f"The scope {scope} is open to everybody",
                "Leave it out of roles: it cannot be closed",
            )
    role = Role(
        name=name,
        scopes=tuple(dict.fromkeys(scopes)),
        description=checked_text("description", description, 500),
    )
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        if not open_scopes:
            await _check_closed(tx, name, role.scopes)
        old = next((each for each in await tx.roles.all() if each.name == name), None)
        async with narrowing(tx, server.clock()):
            await tx.roles.put(role)
        before, after = ({}, {"scopes": role.scopes}) if old is None else differing(old, role)
        await trail.tell(server, tx, "role.set", name, before=before, after=after, environment="")
    return role


async def remove_role(server: Server, name: str, *, open_scopes: bool = False) -> None:
    """Deletes the role; who held it holds it no more. A scope that no other role carries is open to everybody then.

    Raises:
        NotFoundError: there is no such role.
        ConflictError: a scope would be open to everybody, and ``open_scopes`` does not say that it may.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        if all(role.name != name for role in await tx.roles.all()):
            raise NotFoundError("role", name, "`wardgate users roles list` shows those there are")
        if not open_scopes:
            await _check_closed(tx, name, ())
        async with narrowing(tx, server.clock()):
            await tx.roles.remove(name)
        await trail.tell(server, tx, "role.remove", name, environment="")


@asynccontextmanager
async def narrowing(
    tx: Transaction, now: float, *, people: Collection[str] | None = None
) -> AsyncIterator[None]:
    """Afterwards access tokens issued until ``now`` are not taken any more if what was done to roles, or to who holds
    them, inside the block narrowed what they may hold. ``people``: the ids of all whom it can concern."""
    before = await _allowed(tx, people)
    yield
    after = await _allowed(tx, people)
    narrowed = [
        grant for grant in await _grants_of(tx, people) if before.get(grant.id, frozenset()) - after[grant.id]
    ]
    await renew_tokens_of(tx, narrowed, now)


async def _check_closed(tx: Transaction, name: str, kept: Sequence[str]) -> None:
    """Returns when every scope that the role called ``name`` carries now is in ``kept`` or carried by another role."""
    roles = await tx.roles.all()
    closed = {scope for role in roles if role.name != name for scope in role.scopes} | set(kept)
    opened = sorted({scope for role in roles if role.name == name for scope in role.scopes} - closed)
    if opened:
        raise ConflictError(
            "scopes_would_open",
            f"No other role carries {', '.join(opened)}: everybody could have it",
            "Give it to another role first, or say --open-scopes",
        )


async def _allowed(tx: Transaction, people: Collection[str] | None) -> dict[str, frozenset[tuple[str, str]]]:
    """What each live grant is worth by the roles that there are: its id, its scopes that its person may give, and the
    roles that tokens of theirs name."""
    roles = await tx.roles.all()
    held: dict[str, tuple[str, ...]] = {}
    found = {}
    for grant in await _grants_of(tx, people):
        if grant.subject not in held:
            held[grant.subject] = await tx.users.roles(grant.subject)
        scopes = open_to(grant.scopes, held[grant.subject], roles)
        found[grant.id] = frozenset(
            [("scope", name) for name in scopes] + [("role", name) for name in held[grant.subject]]
        )
    return found


async def _grants_of(tx: Transaction, people: Collection[str] | None) -> list[Grant]:
    if people is None:
        return list(await tx.grants.find())
    return [grant for user_id in sorted(people) for grant in await tx.grants.find(subject=user_id)]
