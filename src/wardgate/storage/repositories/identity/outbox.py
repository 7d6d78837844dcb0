"""Mail that waits to be sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.people import Mail
from wardgate.storage.tables_identity import outbox

#: Seconds for which mail that one sender took is not given to another: longer than it takes to fail with all of it.
CLAIM_SECONDS = 900.0


class SqlOutbox:
    """The rows of ``outbox``. What a writing transaction takes as due is its own for a while."""

    def __init__(self, connection: AsyncConnection, *, claims: bool) -> None:
        self._connection = connection
        self._claims = claims

    async def add(self, mail: Mail) -> None:
        await self._connection.execute(
            insert(outbox).values(
                id=mail.id,
                recipient=mail.to,
                subject=mail.subject,
                body=mail.body,
                created_at=mail.created_at,
                attempts=mail.attempts,
                not_before=mail.not_before,
            )
        )

    async def due(self, now: float, limit: int) -> list[Mail]:
        query = (
            select(outbox)
            .where(outbox.c.not_before <= now)
            .order_by(outbox.c.not_before, outbox.c.id)
            .limit(limit)
        )
        if self._claims:
            query = query.with_for_update(skip_locked=True)
        found = [_mail(row) for row in await self._connection.execute(query)]
        if found and self._claims:
            await self._connection.execute(
                update(outbox)
                .where(outbox.c.id.in_([mail.id for mail in found]))
                .values(not_before=now + CLAIM_SECONDS)
            )
        return found

    async def sent(self, mail_id: str) -> None:
        await self._connection.execute(delete(outbox).where(outbox.c.id == mail_id))

    async def failed(self, mail_id: str, not_before: float) -> None:
        await self._connection.execute(
            update(outbox)
            .where(outbox.c.id == mail_id)
            .values(attempts=outbox.c.attempts + 1, not_before=not_before)
        )


def _mail(row: Row[Any]) -> Mail:
    return Mail(
        id=row.id,
        to=row.recipient,
        subject=row.subject,
        body=row.body,
        created_at=row.created_at,
        attempts=row.attempts,
        not_before=row.not_before,
    )
