"""The change feed as written by control."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.change import ChangeKind
from wardgate.storage.tables import changes


class SqlFeed:
    """Appends to ``changes``; ``appended`` counts the rows of this transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.appended = 0

    async def append(self, kind: ChangeKind, key: str, *, at: float) -> None:
        await self._connection.execute(insert(changes).values(kind=kind, key=key, at=at))
        self.appended += 1
