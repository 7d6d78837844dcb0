"""How users prove who they are, and how often that failed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.people import Factor, FactorKind
from wardgate.storage.documents import to_object, to_text
from wardgate.storage.errors import stored
from wardgate.storage.tables_identity import factors, throttle

_FAIL = text(
    "INSERT INTO throttle (key, failures, last_at, until) VALUES (:key, 1, :now, :until) "
    "ON CONFLICT (key) DO UPDATE SET "
    "failures = CASE WHEN throttle.until <= :now THEN 1 ELSE throttle.failures + 1 END, "
    "last_at = excluded.last_at, until = excluded.until "
    "RETURNING failures"
)


class SqlFactors:
    """The rows of ``factors``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_user(self, user_id: str, kind: FactorKind | None = None) -> list[Factor]:
        query = select(factors).where(factors.c.user_id == user_id)
        if kind is not None:
            query = query.where(factors.c.kind == kind)
        rows = await self._connection.execute(query.order_by(factors.c.created_at, factors.c.id))
        return [_factor(row) for row in rows]

    async def get(self, factor_id: str) -> Factor | None:
        found = await self._connection.execute(select(factors).where(factors.c.id == factor_id))
        row = found.first()
        return None if row is None else _factor(row)

    async def add(self, factor: Factor) -> None:
        await self._connection.execute(insert(factors).values(id=factor.id, **_columns(factor)))

    async def replace(self, factor: Factor) -> None:
        await self._connection.execute(
            update(factors).where(factors.c.id == factor.id).values(**_columns(factor))
        )

    async def advance(self, factor_id: str, counter: int, now: float) -> bool:
        advanced = await self._connection.execute(
            update(factors)
            .where(factors.c.id == factor_id, factors.c.counter.is_(None) | (factors.c.counter < counter))
            .values(counter=counter, used_at=now)
        )
        return advanced.rowcount == 1

    async def remove(self, factor_id: str) -> bool:
        removed = await self._connection.execute(delete(factors).where(factors.c.id == factor_id))
        return removed.rowcount == 1


class SqlThrottle:
    """The rows of ``throttle``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def count(self, key: str, now: float) -> tuple[int, float]:
        found = await self._connection.execute(
            select(throttle.c.failures, throttle.c.last_at).where(
                throttle.c.key == key, throttle.c.until > now
            )
        )
        row = found.first()
        return (0, 0.0) if row is None else (row.failures, row.last_at)

    async def fail(self, key: str, now: float, window: float) -> int:
        counted = await self._connection.execute(_FAIL, {"key": key, "now": now, "until": now + window})
        failures: int = counted.scalar_one()
        return failures

    async def clear(self, key: str) -> None:
        await self._connection.execute(delete(throttle).where(throttle.c.key == key))


def _columns(factor: Factor) -> dict[str, Any]:
    return {
        "user_id": factor.user,
        "kind": factor.kind,
        "label": factor.label,
        "document": to_text(factor.data),
        "created_at": factor.created_at,
        "used_at": factor.used_at,
    }


def _factor(row: Row[Any]) -> Factor:
    with stored(f"the factor {row.id}"):
        data = to_object(row.document)
    return Factor(
        id=row.id,
        user=row.user_id,
        kind=row.kind,
        label=row.label,
        data=data,
        created_at=row.created_at,
        used_at=row.used_at,
    )
