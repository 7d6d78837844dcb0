"""Applications and their subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.consumer import Application, ApplicationStatus, Subscription
from wardgate.domain.limit import Limit
from wardgate.storage.controls import (
    controls_from_text,
    controls_to_text,
    limits_from_text,
    limits_to_text,
)
from wardgate.storage.errors import stored
from wardgate.storage.tables import applications, subscriptions
from wardgate.storage.tables_access import group_applications, group_roles

#: Names of groups, and of roles.
_Membership = tuple[set[str], set[str]]
_NONE: _Membership = (set(), set())


class SqlApplications:
    """The rows of ``applications`` and ``subscriptions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Application]:
        rows = await self._connection.execute(select(applications).order_by(applications.c.id))
        groups = await self._groups()
        return [_application(row, groups.get(row.id, _NONE)) for row in rows]

    async def find(self, name_or_id: str) -> Application | None:
        for column in (applications.c.name, applications.c.id):
            found = await self._connection.execute(select(applications).where(column == name_or_id))
            row = found.first()
            if row is not None:
                groups = await self._groups(row.id)
                return _application(row, groups.get(row.id, _NONE))
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
                        "limits": limits_to_text(each.limits),
                        "throttle": limits_to_text(each.throttle),
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

    async def set_limits(self, application_id: str, limits: tuple[Limit, ...]) -> None:
        await self._set(application_id, limits=limits_to_text(limits))

    async def set_throttle(self, application_id: str, limits: tuple[Limit, ...]) -> None:
        await self._set(application_id, throttle=limits_to_text(limits))

    async def remove(self, application_id: str) -> None:
        await self._connection.execute(delete(applications).where(applications.c.id == application_id))

    async def subscriptions(self, environment: str | None = None) -> list[tuple[str, Subscription]]:
        query = select(subscriptions).order_by(subscriptions.c.id)
        if environment is not None:
            query = query.where(subscriptions.c.environment == environment)
        return [(row.environment, _subscription(row)) for row in await self._connection.execute(query)]

    async def subscription(self, subscription_id: str) -> tuple[str, Subscription] | None:
        found = await self._connection.execute(
            select(subscriptions).where(subscriptions.c.id == subscription_id)
        )
        row = found.first()
        return None if row is None else (row.environment, _subscription(row))

    async def subscribed(self, application_id: str, environment: str, api: str) -> Subscription | None:
        found = await self._connection.execute(
            select(subscriptions).where(
                subscriptions.c.application_id == application_id,
                subscriptions.c.environment == environment,
                subscriptions.c.api == api,
            )
        )
        row = found.first()
        return None if row is None else _subscription(row)

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
                        "status": each.status,
                        "controls": controls_to_text(each.controls),
                        "expires_at": each.expires_at,
                    }
                    for each in added
                ],
            )

    async def change(self, changed: Subscription) -> None:
        await self._connection.execute(
            update(subscriptions)
            .where(subscriptions.c.id == changed.id)
            .values(
                plan=changed.plan,
                status=changed.status,
                controls=controls_to_text(changed.controls),
                expires_at=changed.expires_at,
            )
        )

    async def unsubscribe(self, subscription_ids: Collection[str]) -> None:
        for subscription_id in subscription_ids:
            await self._connection.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))

    async def _set(self, application_id: str, **values: Any) -> None:
        await self._connection.execute(
            update(applications).where(applications.c.id == application_id).values(**values)
        )

    async def _groups(self, application_id: str | None = None) -> dict[str, _Membership]:
        """By application id, the groups it is in and the roles they give it."""
        query = select(
            group_applications.c.application_id, group_applications.c.group_name, group_roles.c.role
        ).outerjoin(group_roles, group_roles.c.group_name == group_applications.c.group_name)
        if application_id is not None:
            query = query.where(group_applications.c.application_id == application_id)
        found: dict[str, _Membership] = {}
        for row in await self._connection.execute(query):
            groups, roles = found.setdefault(row.application_id, (set(), set()))
            groups.add(row.group_name)
            if row.role is not None:
                roles.add(row.role)
        return found


def _application(row: Row[Any], membership: _Membership) -> Application:
    groups, roles = membership
    with stored(f"the application {row.id}"):
        return Application(
            id=row.id,
            name=row.name,
            owner=row.owner,
            status=row.status,
            groups=tuple(sorted(groups)),
            limits=limits_from_text(row.limits),
            throttle=limits_from_text(row.throttle),
            roles=tuple(sorted(roles)),
        )


def _subscription(row: Row[Any]) -> Subscription:
    with stored(f"the subscription {row.id}"):
        return Subscription(
            id=row.id,
            application=row.application_id,
            api=row.api,
            plan=row.plan,
            status=row.status,
            controls=controls_from_text(row.controls),
            expires_at=row.expires_at,
        )
