"""Single-use secrets and replay guards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.identity.ports import OnceRecord, Space
from wardgate.storage.documents import to_object, to_text
from wardgate.storage.errors import stored
from wardgate.storage.tables_identity import once

_TAKE = text(
    "UPDATE once SET used_at = :now "
    "WHERE space = :space AND digest = :digest AND used_at IS NULL AND expires_at > :now "
    "RETURNING document"
)
#: A row that is over by ``now`` is as good as none; it is taken over in the same statement.
_FIRST = text(
    "INSERT INTO replay_guards (guard, key, until) VALUES (:guard, :key, :until) "
    "ON CONFLICT (guard, key) DO UPDATE SET until = excluded.until WHERE replay_guards.until <= :now "
    "RETURNING until"
)
_FOR_EVER = float("-inf")


class SqlOnce:
    """The rows of ``once`` and ``replay_guards``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, space: Space, digest: bytes, document: Mapping[str, Any], expires_at: float) -> None:
        await self._connection.execute(
            insert(once).values(space=space, digest=digest, document=to_text(document), expires_at=expires_at)
        )

    async def take(self, space: Space, digest: bytes, now: float) -> Mapping[str, Any] | None:
        taken = await self._connection.execute(_TAKE, {"space": space, "digest": digest, "now": now})
        row = taken.first()
        return None if row is None else _document(row.document, space)

    async def look(self, space: Space, digest: bytes) -> OnceRecord | None:
        found = await self._connection.execute(
            select(once.c.document, once.c.expires_at, once.c.used_at).where(
                once.c.space == space, once.c.digest == digest
            )
        )
        row = found.first()
        if row is None:
            return None
        return OnceRecord(
            document=_document(row.document, space), expires_at=row.expires_at, used_at=row.used_at
        )

    async def amend(self, space: Space, digest: bytes, document: Mapping[str, Any]) -> None:
        await self._connection.execute(
            update(once)
            .where(once.c.space == space, once.c.digest == digest, once.c.used_at.is_(None))
            .values(document=to_text(document))
        )

    async def drop(self, space: Space, digest: bytes) -> None:
        await self._connection.execute(delete(once).where(once.c.space == space, once.c.digest == digest))

    async def first(self, guard: str, key: str, until: float, now: float | None = None) -> bool:
        moment = _FOR_EVER if now is None else now
        seen = await self._connection.execute(
            _FIRST, {"guard": guard, "key": key, "until": until, "now": moment}
        )
        return seen.first() is not None


def _document(stored_text: str, space: str) -> dict[str, Any]:
    with stored(f"a document of the space {space!r}"):
        return to_object(stored_text)
