"""Single-use secrets and replay guards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.identity.ports import OnceRecord, Space
from wardgate.storage.documents import to_object, to_text
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_identity import once

_PUT = Prepared(insert(once))
_TAKE = Prepared(
    text(
        "UPDATE once SET used_at = :now "
        "WHERE space = :space AND digest = :digest AND used_at IS NULL AND expires_at > :now "
        "RETURNING document"
    )
)
_LOOK = Prepared(
    select(once.c.document, once.c.expires_at, once.c.used_at).where(
        once.c.space == bindparam("space"), once.c.digest == bindparam("digest")
    )
)
#: A row that is over by ``now`` is as good as none; it is taken over in the same statement.
_FIRST = Prepared(
    text(
        "INSERT INTO replay_guards (guard, key, until) VALUES (:guard, :key, :until) "
        "ON CONFLICT (guard, key) DO UPDATE SET until = excluded.until WHERE replay_guards.until <= :now "
        "RETURNING until"
    )
)
_FOR_EVER = float("-inf")


class SqlOnce:
    """The rows of ``once`` and ``replay_guards``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, space: Space, digest: bytes, document: Mapping[str, Any], expires_at: float) -> None:
        await _PUT.run(
            self._connection,
            space=space,
            digest=digest,
            document=to_text(document),
            expires_at=expires_at,
            used_at=None,
        )

    async def take(self, space: Space, digest: bytes, now: float) -> Mapping[str, Any] | None:
        row = await _TAKE.first(self._connection, space=space, digest=digest, now=now)
        return None if row is None else _document(row.document, space)

    async def look(self, space: Space, digest: bytes) -> OnceRecord | None:
        row = await _LOOK.first(self._connection, space=space, digest=digest)
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
        seen = await _FIRST.first(self._connection, guard=guard, key=key, until=until, now=moment)
        return seen is not None


def _document(stored_text: str, space: str) -> dict[str, Any]:
    with stored(f"a document of the space {space!r}"):
        return to_object(stored_text)
