"""Accounts and roles."""

from __future__ import annotations

import builtins
import string
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.people import Role, User
from wardgate.storage.documents import to_text, to_texts, user_from_text, user_to_text
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_access import group_roles, group_users
from wardgate.storage.tables_identity import roles, user_roles, users
from wardgate.storage.tables_operators import federated_members

_ADD_ROLE = text(
    "INSERT INTO user_roles (user_id, role, source) VALUES (:user, :role, :source) "
    "ON CONFLICT (user_id, role, source) DO NOTHING"
)
_PUT_ROLE = text(
    "INSERT INTO roles (name, scopes, description) VALUES (:name, :scopes, :description) "
    "ON CONFLICT (name) DO UPDATE SET scopes = excluded.scopes, description = excluded.description"
)
_BY_ID = Prepared(select(users).where(users.c.id == bindparam("id")))
_BY_NAME = Prepared(select(users).where(users.c.name == bindparam("name")))
#: Each once: those given to the user, and those of the groups they are in.
_ROLES_OF = Prepared(
    union(
        select(user_roles.c.role).where(user_roles.c.user_id == bindparam("user")),
        select(group_roles.c.role)
        .join(group_users, group_users.c.group_name == group_roles.c.group_name)
        .where(group_users.c.user_id == bindparam("user")),
        select(group_roles.c.role)
        .join(federated_members, federated_members.c.group_name == group_roles.c.group_name)
        .where(federated_members.c.user_id == bindparam("user")),
    )
)
_ROLES = Prepared(select(roles))
#: ASCII only: Unicode's case rules make one address of several people's.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class SqlUsers:
    """The rows of ``users`` and ``user_roles``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, user_id: str) -> User | None:
        row = await _BY_ID.first(self._connection, id=user_id)
        return None if row is None else _user(row)

    async def named(self, name: str) -> User | None:
        row = await _BY_NAME.first(self._connection, name=name)
        return None if row is None else _user(row)

    async def with_email(self, email: str) -> builtins.list[User]:
        if not email:
            return []
        rows = await self._connection.execute(
            select(users)
            .where(users.c.email_key == _email_key(email))
            .order_by(users.c.created_at, users.c.id)
        )
        return [_user(row) for row in rows]

    async def list(self) -> Sequence[User]:
        rows = await self._connection.execute(select(users).order_by(users.c.created_at, users.c.id))
        return [_user(row) for row in rows]

    async def add(self, user: User) -> None:
        await self._connection.execute(insert(users).values(id=user.id, **_columns(user)))

    async def replace(self, user: User) -> None:
        await self._connection.execute(update(users).where(users.c.id == user.id).values(**_columns(user)))

    async def remove(self, user_id: str) -> None:
        await self._connection.execute(delete(users).where(users.c.id == user_id))

    async def roles(self, user_id: str) -> tuple[str, ...]:
        return tuple(sorted(row.role for row in await _ROLES_OF.all(self._connection, user=user_id)))

    async def roles_from(self, source: str, user_id: str) -> tuple[str, ...]:
        rows = await self._connection.execute(
            select(user_roles.c.role)
            .where(user_roles.c.user_id == user_id, user_roles.c.source == source)
            .order_by(user_roles.c.role)
        )
        return tuple(row.role for row in rows)

    async def set_roles(self, user_id: str, roles: Collection[str], *, source: str = "local") -> None:
        wanted = sorted(set(roles))
        await self._connection.execute(
            delete(user_roles).where(
                user_roles.c.user_id == user_id,
                user_roles.c.source == source,
                user_roles.c.role.not_in(wanted),
            )
        )
        if wanted:
            await self._connection.execute(
                _ADD_ROLE, [{"user": user_id, "role": role, "source": source} for role in wanted]
            )


class SqlRoles:
    """The rows of ``roles``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Role]:
        found = []
        for row in await _ROLES.all(self._connection):
            with stored(f"the role {row.name}"):
                found.append(Role(name=row.name, scopes=to_texts(row.scopes), description=row.description))
        return sorted(found, key=lambda role: role.name)

    async def put(self, role: Role) -> None:
        await self._connection.execute(
            _PUT_ROLE,
            {"name": role.name, "scopes": to_text(role.scopes), "description": role.description},
        )

    async def remove(self, name: str) -> None:
        await self._connection.execute(delete(user_roles).where(user_roles.c.role == name))
        await self._connection.execute(delete(group_roles).where(group_roles.c.role == name))
        await self._connection.execute(delete(roles).where(roles.c.name == name))


def _email_key(email: str) -> str:
    return email.translate(_LOWER)


def _columns(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "email_key": _email_key(user.email),
        "status": user.status,
        "created_at": user.created_at,
        "document": user_to_text(user),
    }


def _user(row: Any) -> User:
    with stored(f"the user {row.id}"):
        return user_from_text(row.document, row._asdict())
