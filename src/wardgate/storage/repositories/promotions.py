"""Promotions: rows that are added, advanced once, and kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.codec import decode, encode
from wardgate.domain.difference import Difference
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.promotion import Decision, Promotion, PromotionStatus
from wardgate.storage.errors import stored
from wardgate.storage.tables_promotions import promotions


class SqlPromotions:
    """The rows of ``promotions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, promotion: Promotion) -> None:
        await self._connection.execute(insert(promotions).values(id=promotion.id, **_columns(promotion)))

    async def get(self, promotion_id: str) -> Promotion | None:
        row = (
            await self._connection.execute(select(promotions).where(promotions.c.id == promotion_id))
        ).first()
        return None if row is None else _promotion(row)

    async def list(
        self,
        *,
        environment: str | None = None,
        api: str | None = None,
        statuses: Collection[PromotionStatus] = (),
    ) -> Sequence[Promotion]:
        wanted = select(promotions).order_by(promotions.c.requested_at.desc(), promotions.c.id.desc())
        if environment is not None:
            wanted = wanted.where(promotions.c.environment == environment)
        if api is not None:
            wanted = wanted.where(promotions.c.api == api)
        if statuses:
            wanted = wanted.where(promotions.c.status.in_(sorted(statuses)))
        return [_promotion(row) for row in await self._connection.execute(wanted)]

    async def advance(self, promotion: Promotion, was: PromotionStatus) -> bool:
        changed = await self._connection.execute(
            update(promotions)
            .where(promotions.c.id == promotion.id, promotions.c.status == was)
            .values(**_columns(promotion))
        )
        return changed.rowcount == 1

    async def due(self, now: float) -> Sequence[Promotion]:
        rows = await self._connection.execute(
            select(promotions)
            .where(promotions.c.status == "scheduled", promotions.c.scheduled_at <= now)
            .order_by(promotions.c.scheduled_at, promotions.c.id)
        )
        return [_promotion(row) for row in rows]

    async def in_force(self, environment: str, api: str) -> Sequence[tuple[int | None, int | None]]:
        rows = await self._connection.execute(
            select(promotions.c.revision, promotions.c.replaced)
            .where(
                promotions.c.environment == environment,
                promotions.c.api == api,
                promotions.c.status == "done",
            )
            .order_by(promotions.c.done_at.desc(), promotions.c.id.desc())
        )
        return [(row.revision, row.replaced) for row in rows]

    async def withdrawn(self, environment: str) -> dict[str, int]:
        rows = await self._connection.execute(
            select(promotions.c.api, promotions.c.replaced)
            .where(
                promotions.c.environment == environment,
                promotions.c.kind == "withdraw",
                promotions.c.status == "done",
                promotions.c.replaced.is_not(None),
            )
            .order_by(promotions.c.done_at, promotions.c.id)
        )
        return {row.api: row.replaced for row in rows}


def _columns(promotion: Promotion) -> dict[str, Any]:
    return {
        "kind": promotion.kind,
        "status": promotion.status,
        "environment": promotion.environment,
        "api": promotion.api,
        "project": promotion.project,
        "revision": promotion.revision,
        "replaced": promotion.replaced,
        "weakenings": _text(promotion.weakenings),
        "decisions": _text(promotion.decisions),
        "settings": "" if promotion.settings is None else _text(promotion.settings),
        "base": promotion.base,
        "requested_by_id": promotion.requested_by_id,
        "requested_by": promotion.requested_by,
        "requested_at": promotion.requested_at,
        "reason": promotion.reason,
        "scheduled_at": promotion.scheduled_at,
        "done_at": promotion.done_at,
        "failure": promotion.failure,
    }


def _text(value: Any) -> str:
    return json.dumps(encode(value), separators=(",", ":"))


def _promotion(row: Row[Any]) -> Promotion:
    with stored(f"the promotion {row.id}"):
        return Promotion(
            id=row.id,
            kind=row.kind,
            status=row.status,
            environment=row.environment,
            api=row.api,
            project=row.project,
            revision=row.revision,
            replaced=row.replaced,
            weakenings=tuple(decode(Difference, each) for each in json.loads(row.weakenings)),
            decisions=tuple(decode(Decision, each) for each in json.loads(row.decisions)),
            settings=decode(EnvironmentSettings, json.loads(row.settings)) if row.settings else None,
            base=row.base,
            requested_by_id=row.requested_by_id,
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            reason=row.reason,
            scheduled_at=row.scheduled_at,
            done_at=row.done_at,
            failure=row.failure,
        )
