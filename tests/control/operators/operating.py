"""Operators for tests: people with roles, and a store as it is to each of them."""

from __future__ import annotations

from collections.abc import Iterable

from wardgate.control.operators import grants, tokens
from wardgate.control.operators.authenticate import authenticate
from wardgate.control.operators.holding import holdings_of
from wardgate.domain.actor import Actor
from wardgate.domain.operator import EVERYWHERE
from wardgate.domain.people import User
from wardgate.storage.database import SqlStore

#: A Sunday in 2026.
NOW = 1_790_000_000.0
ADDRESS = "192.0.2.7"


def clock() -> float:
    """The time in these tests."""
    return NOW


async def person(store: SqlStore, name: str, *roles: str, projects: Iterable[str] = (EVERYWHERE,)) -> str:
    """Adds a user, if there is none of that name, who holds ``roles`` in each of ``projects``; their id."""
    user = User(id=f"usr_{name}", name=name, created_at=NOW)
    async with store.writing() as tx:
        if await tx.users.get(user.id) is None:
            await tx.users.add(user)
    for project in projects:
        for role in roles:
            await grants.grant(store, kind="user", name=name, role=role, project=project, clock=clock)
    return user.id


async def as_user(store: SqlStore, name: str) -> SqlStore:
    """The store as it is to the user called ``name`` after signing in."""
    user = f"usr_{name}"
    async with store.reading() as tx:
        held = await holdings_of(tx, "user", user)
    return store.acting(
        Actor(kind="user", id=user, name=name, permissions=held.permissions, projects=held.projects)
    )


async def token_of(
    store: SqlStore,
    name: str,
    *permissions: str,
    projects: Iterable[str] | None = None,
    expires_at: float | None = None,
) -> str:
    """The text of a new token of the user called ``name``, issued by themselves."""
    _, secret = await tokens.issue_token(
        await as_user(store, name),
        name="test",
        permissions=permissions or None,
        projects=None if projects is None else list(projects),
        expires_at=expires_at,
        clock=clock,
    )
    return secret.reveal().decode()


async def by_token(store: SqlStore, text: str, *, now: float = NOW) -> SqlStore:
    """The store as it is to whoever presents the token."""
    return store.acting(await authenticate(store, text, ADDRESS, now))
