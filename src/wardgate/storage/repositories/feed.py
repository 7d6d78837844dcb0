"""The change feed as written by control."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.change import ChangeKind
from wardgate.storage.tables import changes


class SqlFeed:
    """Collects a transaction's changes; :meth:`flush` writes them in order, in one statement."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._rows: list[dict[str, object]] = []

    async def append(self, kind: ChangeKind, key: str, *, at: float) -> None:
        self._rows.append({"kind": kind, "key": key, "at": at})

    async def flush(self) -> bool:
        """Afterwards what was appended is in ``changes``, to be committed; whether there was anything."""
        rows, self._rows = self._rows, []
        if rows:
            await self._connection.execute(insert(changes), rows)
        return bool(rows)
