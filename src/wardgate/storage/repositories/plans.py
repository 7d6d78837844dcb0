"""The plans of each environment."""

from __future__ import annotations

import json

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.codec import decode_plan, encode_plan
from wardgate.domain.limit import Plan
from wardgate.storage.errors import stored
from wardgate.storage.tables_apis import plans


class SqlPlans:
    """The rows of ``plans``; a plan's content is its JSON document."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self, environment: str) -> dict[str, Plan]:
        rows = await self._connection.execute(
            select(plans.c.name, plans.c.document)
            .where(plans.c.environment == environment)
            .order_by(plans.c.position)
        )
        with stored("a plan"):
            return {row.name: decode_plan(json.loads(row.document)) for row in rows}

    async def put(self, environment: str, plan: Plan) -> None:
        document = json.dumps(encode_plan(plan), separators=(",", ":"))
        changed = await self._connection.execute(
            update(plans)
            .where(plans.c.environment == environment, plans.c.name == plan.name)
            .values(document=document)
        )
        if changed.rowcount == 0:
            last = await self._connection.scalar(
                select(func.max(plans.c.position)).where(plans.c.environment == environment)
            )
            await self._connection.execute(
                insert(plans).values(
                    environment=environment, name=plan.name, position=(last or 0) + 1, document=document
                )
            )

    async def remove(self, environment: str, name: str) -> None:
        await self._connection.execute(
            delete(plans).where(plans.c.environment == environment, plans.c.name == name)
        )
