"""Groups and who is in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, delete, insert, select, text, union
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.access import Group
from wardgate.storage.tables_access import group_applications, group_roles, group_users, groups
from wardgate.storage.tables_operators import federated_members

_PUT = text(
    "INSERT INTO groups (name, description, created_at) VALUES (:name, :description, :at) "
    "ON CONFLICT (name) DO UPDATE SET description = excluded.description"
)


class SqlGroups:
    """The rows of ``groups``, ``group_roles``, ``group_users`` and ``group_applications``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Group]:
        rows = await self._connection.execute(select(groups).order_by(groups.c.name))
        held = [
            await self._by_group(table, member)
            for table, member in (
                (group_roles, "role"),
                (group_users, "user_id"),
                (group_applications, "application_id"),
            )
        ]
        return [
            Group(
                name=row.name,
                description=row.description,
                roles=held[0].get(row.name, ()),
                users=held[1].get(row.name, ()),
                applications=held[2].get(row.name, ()),
            )
            for row in rows
        ]

    async def get(self, name: str) -> Group | None:
        return next((group for group in await self.all() if group.name == name), None)

    async def put(self, name: str, description: str, roles: Collection[str], *, at: float) -> None:
        await self._connection.execute(_PUT, {"name": name, "description": description, "at": at})
        await self._replace(
            group_roles, "group_name", name, [{"group_name": name, "role": role} for role in set(roles)]
        )

    async def remove(self, name: str) -> None:
        await self._connection.execute(delete(groups).where(groups.c.name == name))

    async def of_user(self, user_id: str) -> tuple[str, ...]:
        both = (
            select(table.c.group_name).where(table.c.user_id == user_id)
            for table in (group_users, federated_members)
        )
        return tuple(sorted(row.group_name for row in await self._connection.execute(union(*both))))

    async def everyone(self, name: str) -> frozenset[str]:
        both = (
            select(table.c.user_id).where(table.c.group_name == name)
            for table in (group_users, federated_members)
        )
        return frozenset(row.user_id for row in await self._connection.execute(union(*both)))

    async def set_users(self, name: str, user_ids: Collection[str]) -> None:
        rows = [{"group_name": name, "user_id": each} for each in sorted(set(user_ids))]
        await self._replace(group_users, "group_name", name, rows)

    async def set_applications(self, name: str, application_ids: Collection[str]) -> None:
        rows = [{"group_name": name, "application_id": each} for each in sorted(set(application_ids))]
        await self._replace(group_applications, "group_name", name, rows)

    async def set_of_application(self, application_id: str, names: Collection[str]) -> None:
        rows = [{"group_name": name, "application_id": application_id} for name in sorted(set(names))]
        await self._replace(group_applications, "application_id", application_id, rows)

    async def _replace(self, table: Table, column: str, value: str, rows: list[dict[str, Any]]) -> None:
        await self._connection.execute(delete(table).where(table.c[column] == value))
        if rows:
            await self._connection.execute(insert(table), rows)

    async def _by_group(self, table: Table, member: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        query = select(table.c.group_name, table.c[member].label("member"))
        for row in await self._connection.execute(query.order_by(table.c[member])):
            found.setdefault(row.group_name, []).append(row.member)
        return {name: tuple(members) for name, members in found.items()}
