"""Keys found in public."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgres
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.leak import Leak, LeakAction
from wardgate.storage.tables_leaks import leaks


class SqlLeaks:
    """The rows of ``leaks``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, leak: Leak) -> bool:
        insert = insert_postgres if self._connection.dialect.name == "postgresql" else insert_sqlite
        statement = insert(leaks).values(**asdict(leak)).on_conflict_do_nothing()
        return (await self._connection.execute(statement)).rowcount > 0

    async def pending(self, limit: int) -> Sequence[Leak]:
        query = select(leaks).where(leaks.c.action == "pending").order_by(leaks.c.id).limit(limit)
        rows = await self._connection.execute(query.with_for_update(skip_locked=True))
        return [_leak(row) for row in rows]

    async def settle(self, leak_id: str, action: LeakAction) -> None:
        await self._connection.execute(update(leaks).where(leaks.c.id == leak_id).values(action=action))

    async def of(self, credential: str) -> Sequence[Leak]:
        query = select(leaks).where(leaks.c.credential == credential).order_by(leaks.c.id)
        return [_leak(row) for row in await self._connection.execute(query)]

    async def find(self, *, environment: str | None, before: str | None, limit: int) -> Sequence[Leak]:
        query = select(leaks).order_by(leaks.c.id.desc()).limit(limit)
        if environment is not None:
            query = query.where(leaks.c.environment == environment)
        if before is not None:
            query = query.where(leaks.c.id < before)
        return [_leak(row) for row in await self._connection.execute(query)]


def _leak(row: Row[Any]) -> Leak:
    return Leak(**row._mapping)  # noqa: SLF001 its public name for a mapping
