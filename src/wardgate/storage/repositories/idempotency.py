"""Answers kept for requests that are sent twice."""

from __future__ import annotations

import json

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ports_idempotency import KeptAnswer
from wardgate.storage.tables_idempotency import idempotency


class SqlIdempotency:
    """The rows of ``idempotency``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, digest: bytes, *, since: float) -> KeptAnswer | None:
        rows = await self._connection.execute(
            select(idempotency).where(idempotency.c.digest == digest, idempotency.c.at >= since)
        )
        row = rows.first()
        return (
            None
            if row is None
            else KeptAnswer(
                fingerprint=bytes(row.fingerprint),
                status=row.status,
                headers=json.loads(row.headers),
                body=row.body,
                at=row.at,
            )
        )

    async def put(self, digest: bytes, answer: KeptAnswer) -> None:
        await self._connection.execute(delete(idempotency).where(idempotency.c.digest == digest))
        await self._connection.execute(
            insert(idempotency).values(
                digest=digest,
                fingerprint=answer.fingerprint,
                status=answer.status,
                headers=json.dumps(dict(answer.headers)),
                body=answer.body,
                at=answer.at,
            )
        )
