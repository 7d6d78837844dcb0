"""An installation that has an owner keeps one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wardgate.control.errors import ConflictError
from wardgate.control.ports import Transaction
from wardgate.domain.operator import EVERYWHERE

OWNER = "owner"


async def owners(tx: Transaction) -> frozenset[str]:
    """The ids of the people who can sign in and are owners of the whole installation because an operator said so.

    Whom a foreign provider makes one does not count: it may unmake them at any time.
    """
    found: set[str] = set()
    for grant in await tx.operators.grants(role=OWNER, project=EVERYWHERE):
        if grant.kind == "user" and not grant.source:
            found.add(grant.principal)
        elif grant.kind == "group":
            found |= await tx.operators.people_in(grant.principal)
    people = [await tx.operators.person(user_id) for user_id in sorted(found)]
    return frozenset(each.id for each in people if each is not None and each.status == "active")


@asynccontextmanager
async def keeping_an_owner(tx: Transaction) -> AsyncIterator[None]:
    """What is done inside the block may leave the installation without an owner only if it had none.

    Raises:
        ConflictError: it would; nothing of the transaction may be kept then.
    """
    before = await owners(tx)
    yield
    if before and not await owners(tx):
        raise ConflictError(
            "last_owner",
            "The installation would be left without an owner",
            "Make somebody else an owner first: `wardgate operators grant NAME owner`",
        )
