"""The change feed as written by control and the authorization server."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.change import ChangeKind
from wardgate.storage import advisory
from wardgate.storage.tables import changes


class SqlFeed:
    """Collects a transaction's changes; :meth:`flush` writes them in order, just before the commit.

    The order of ``seq`` is that of commits, without gaps: on SQLite because writers take turns, on PostgreSQL because a
    lock is held from here until the commit, and numbers are counted on from the newest row rather than taken from a
    sequence, which would lose those of transactions that fail.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._rows: list[dict[str, object]] = []

    async def append(self, kind: ChangeKind, key: str, *, at: float) -> None:
        self._rows.append({"kind": kind, "key": key, "at": at})

    def mark(self) -> int:
        """Where :meth:`forget` goes back to."""
        return len(self._rows)

    def forget(self, mark: int) -> None:
        """What was appended since is not announced."""
        del self._rows[mark:]

    async def flush(self) -> bool:
        """Afterwards what was appended is in ``changes``, to be committed; whether there was anything."""
        rows, self._rows = self._rows, []
        if rows:
            if self._connection.dialect.name == "postgresql":
                await advisory.hold(self._connection, advisory.FEED)
                newest = await self._connection.scalar(select(func.max(changes.c.seq)))
                rows = [row | {"seq": seq} for seq, row in enumerate(rows, (newest or 0) + 1)]
            await self._connection.execute(insert(changes), rows)
        return bool(rows)
