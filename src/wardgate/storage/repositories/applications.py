"""Applications and their subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.consumer import Application, ApplicationStatus, Subscription
from wardgate.storage.tables import applications, subscriptions


class SqlApplications:
    """The rows of ``applications`` and ``subscriptions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Application]:
        rows = await self._connection.execute(select(applications).order_by(applications.c.id))
        return [_application(row) for row in rows]

    async def find(self, name_or_id: str) -> Application | None:
        for column in (applications.c.name, applications.c.id):
            found = await self._connection.execute(select(applications).where(column == name_or_id))
            row = found.first()
            if row is not None:
                return _application(row)
        return None

    async def add(self, added: Sequence[Application], *, at: float) -> None:
        if added:
            await self._connection.execute(
                insert(applications),
                [
                    {
                        "id": each.id,
                        "name": each.name,
                        "owner": each.owner,
                        "status": each.status,
                        "created_at": at,
                    }
                    for each in added
                ],
            )

    async def set_owner(self, application_id: str, owner: str) -> None:
        await self._connection.execute(
            update(applications).where(applications.c.id == application_id).values(owner=owner)
        )

    async def set_status(self, application_id: str, status: ApplicationStatus) -> None:
        await self._connection.execute(
            update(applications).where(applications.c.id == application_id).values(status=status)
        )

    async def remove(self, application_id: str) -> None:
        await self._connection.execute(delete(applications).where(applications.c.id == application_id))

    async def subscriptions(self, environment: str | None = None) -> list[tuple[str, Subscription]]:
        query = select(subscriptions).order_by(subscriptions.c.id)
        if environment is not None:
            query = query.where(subscriptions.c.environment == environment)
        return [
            (
                row.environment,
                Subscription(id=row.id, application=row.application_id, api=row.api, plan=row.plan),
            )
            for row in await self._connection.execute(query)
        ]

    async def subscribe(self, environment: str, added: Sequence[Subscription], *, at: float) -> None:
        if added:
            await self._connection.execute(
                insert(subscriptions),
                [
                    {
                        "id": each.id,
                        "application_id": each.application,
                        "environment": environment,
                        "api": each.api,
                        "plan": each.plan,
                        "created_at": at,
                    }
                    for each in added
                ],
            )

    async def set_plan(self, subscription_id: str, plan: str | None) -> None:
        await self._connection.execute(
            update(subscriptions).where(subscriptions.c.id == subscription_id).values(plan=plan)
        )

    async def unsubscribe(self, subscription_ids: Collection[str]) -> None:
        for subscription_id in subscription_ids:
            await self._connection.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))


def _application(row: Row[Any]) -> Application:
    return Application(id=row.id, name=row.name, owner=row.owner, status=row.status)
