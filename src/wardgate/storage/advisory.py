"""Locks that PostgreSQL keeps for us until a transaction ends. Numbers of ours, so that others' locks never meet them."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

#: "WGAT": the first half of every lock.
SPACE = 0x57474154
#: A use case that reads and then writes on what it read, alone.
WRITE = 1
#: Whoever appends to the change feed: the order of ``seq`` is that of commits.
FEED = 2
SCHEMA = 3
SWEEP = 4
#: Whoever adds to the audit trail: each link seals the one committed before it.
AUDIT = 5

HOLD = text("SELECT pg_advisory_xact_lock(:space, :lock)")
_TRY = text("SELECT pg_try_advisory_xact_lock(:space, :lock)")


async def hold(connection: AsyncConnection, lock: int) -> None:
    """Waits until this transaction holds ``lock``; statements after it see what its last holder committed."""
    await connection.execute(HOLD, {"space": SPACE, "lock": lock})


async def try_hold(connection: AsyncConnection, lock: int) -> bool:
    """Whether this transaction holds ``lock`` now, without waiting."""
    got: bool = (await connection.execute(_TRY, {"space": SPACE, "lock": lock})).scalar_one()
    return got
