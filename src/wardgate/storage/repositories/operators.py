"""Projects, roles of operators, and who holds them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, delete, insert, or_, select, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ports_operators import Person
from wardgate.domain.operator import GranteeKind, OperatorGrant, OperatorRole, OwnerKind, Project
from wardgate.storage.repositories.admin_tokens import SqlAdminTokens, known_permissions
from wardgate.storage.repositories.service_accounts import SqlServiceAccounts
from wardgate.storage.tables_access import group_users
from wardgate.storage.tables_identity import users
from wardgate.storage.tables_operators import (
    admin_tokens,
    federated_members,
    operator_grants,
    operator_roles,
    projects,
)


class SqlOperators(SqlServiceAccounts, SqlAdminTokens):
    """Implements ``control.ports_operators.Operators``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def projects(self) -> list[Project]:
        rows = await self._connection.execute(select(projects).order_by(projects.c.name))
        return [
            Project(name=row.name, description=row.description, created_at=row.created_at) for row in rows
        ]

    async def put_project(self, project: Project) -> None:
        await self._upsert(
            projects,
            ("name",),
            {"name": project.name, "description": project.description, "created_at": project.created_at},
            ("description",),
        )

    async def remove_project(self, name: str) -> None:
        await self._connection.execute(delete(operator_grants).where(operator_grants.c.project == name))
        await self._connection.execute(delete(projects).where(projects.c.name == name))

    async def roles(self) -> list[OperatorRole]:
        rows = await self._connection.execute(select(operator_roles).order_by(operator_roles.c.name))
        return [
            OperatorRole(
                name=row.name, description=row.description, permissions=known_permissions(row.permissions)
            )
            for row in rows
        ]

    async def put_role(self, role: OperatorRole) -> None:
        values = {
            "name": role.name,
            "description": role.description,
            "permissions": json.dumps(sorted(role.permissions)),
        }
        await self._upsert(operator_roles, ("name",), values, ("description", "permissions"))

    async def remove_role(self, name: str) -> None:
        await self._connection.execute(delete(operator_grants).where(operator_grants.c.role == name))
        await self._connection.execute(delete(operator_roles).where(operator_roles.c.name == name))

    async def grants(
        self,
        *,
        kind: GranteeKind | None = None,
        principal: str | None = None,
        project: str | None = None,
        role: str | None = None,
    ) -> list[OperatorGrant]:
        wanted = {"kind": kind, "principal": principal, "project": project, "role": role}
        table = operator_grants
        query = select(table).order_by(
            table.c.kind, table.c.principal, table.c.project, table.c.role, table.c.source
        )
        for name, value in wanted.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        return [_grant(row) for row in await self._connection.execute(query)]

    async def grants_to(
        self, kind: OwnerKind, principal: str, groups: Collection[str]
    ) -> list[OperatorGrant]:
        table = operator_grants
        own = and_(table.c.kind == kind, table.c.principal == principal)
        of_groups = and_(table.c.kind == "group", table.c.principal.in_(sorted(groups)))
        rows = await self._connection.execute(select(table).where(or_(own, of_groups) if groups else own))
        return [_grant(row) for row in rows]

    async def grant(self, added: OperatorGrant) -> None:
        await self._upsert(operator_grants, _KEY, _columns(added), ())

    async def withdraw(self, grant: OperatorGrant) -> bool:
        columns = _columns(grant)
        found = await self._connection.execute(
            delete(operator_grants).where(*(operator_grants.c[name] == columns[name] for name in _KEY))
        )
        return found.rowcount > 0

    async def set_from(self, source: str, user_id: str, given: Collection[OperatorGrant]) -> None:
        table = operator_grants
        await self._connection.execute(
            delete(table).where(
                table.c.kind == "user", table.c.principal == user_id, table.c.source == source
            )
        )
        for each in given:
            await self.grant(each)

    async def forget(self, kind: GranteeKind, principal: str) -> None:
        await self._connection.execute(
            delete(operator_grants).where(
                operator_grants.c.kind == kind, operator_grants.c.principal == principal
            )
        )
        await self._connection.execute(
            delete(admin_tokens).where(admin_tokens.c.kind == kind, admin_tokens.c.owner == principal)
        )

    async def groups_of(self, user_id: str) -> frozenset[str]:
        both = (
            select(table.c.group_name).where(table.c.user_id == user_id)
            for table in (group_users, federated_members)
        )
        return frozenset(row.group_name for row in await self._connection.execute(union(*both)))

    async def groups_from(self, source: str, user_id: str) -> frozenset[str]:
        table = federated_members
        rows = await self._connection.execute(
            select(table.c.group_name).where(table.c.user_id == user_id, table.c.source == source)
        )
        return frozenset(row.group_name for row in rows)

    async def set_groups_from(self, source: str, user_id: str, groups: Collection[str]) -> None:
        table = federated_members
        await self._connection.execute(
            delete(table).where(table.c.user_id == user_id, table.c.source == source)
        )
        values = [{"user_id": user_id, "group_name": name, "source": source} for name in sorted(set(groups))]
        if values:
            await self._connection.execute(insert(table), values)

    async def people_in(self, group: str) -> frozenset[str]:
        rows = await self._connection.execute(
            select(group_users.c.user_id).where(group_users.c.group_name == group)
        )
        return frozenset(row.user_id for row in rows)

    async def person(self, user_id: str) -> Person | None:
        return await self._person(users.c.id == user_id)

    async def person_named(self, name: str) -> Person | None:
        return await self._person(users.c.name == name)

    async def _person(self, condition: Any) -> Person | None:
        query = select(users.c.id, users.c.name, users.c.status).where(condition)
        row = (await self._connection.execute(query)).first()
        return None if row is None else Person(id=row.id, name=row.name, status=row.status)

    async def _upsert(
        self, table: Any, key: tuple[str, ...], values: dict[str, Any], changing: tuple[str, ...]
    ) -> None:
        """Adds a row, or sets ``changing`` of the one with that key."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        added = dialect.insert(table).values(**values)
        if changing:
            new = {name: values[name] for name in changing}
            await self._connection.execute(added.on_conflict_do_update(index_elements=key, set_=new))
        else:
            await self._connection.execute(added.on_conflict_do_nothing(index_elements=key))


_KEY = ("kind", "principal", "role", "project", "source")


def _columns(grant: OperatorGrant) -> dict[str, Any]:
    return {
        "kind": grant.kind,
        "principal": grant.principal,
        "role": grant.role,
        "project": grant.project,
        "source": grant.source,
        "at": grant.at,
        "by": grant.by,
    }


def _grant(row: Row[Any]) -> OperatorGrant:
    return OperatorGrant(
        kind=row.kind,
        principal=row.principal,
        role=row.role,
        project=row.project,
        at=row.at,
        by=row.by,
        source=row.source,
    )
