"""Service accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.operator import ServiceAccount
from wardgate.storage.tables_operators import admin_tokens, operator_grants, service_accounts


class SqlServiceAccounts:
    """The rows of ``service_accounts``."""

    _connection: AsyncConnection

    async def service_accounts(self) -> list[ServiceAccount]:
        rows = await self._connection.execute(select(service_accounts).order_by(service_accounts.c.name))
        return [_account(row) for row in rows]

    async def service_account(self, name_or_id: str) -> ServiceAccount | None:
        for column in (service_accounts.c.name, service_accounts.c.id):
            row = (
                await self._connection.execute(select(service_accounts).where(column == name_or_id))
            ).first()
            if row is not None:
                return _account(row)
        return None

    async def put_service_account(self, account: ServiceAccount) -> None:
        values = {"name": account.name, "description": account.description, "status": account.status}
        changed = await self._connection.execute(
            update(service_accounts).where(service_accounts.c.id == account.id).values(**values)
        )
        if changed.rowcount == 0:
            await self._connection.execute(
                insert(service_accounts).values(id=account.id, created_at=account.created_at, **values)
            )

    async def remove_service_account(self, account_id: str) -> None:
        await self._connection.execute(
            delete(admin_tokens).where(admin_tokens.c.kind == "service", admin_tokens.c.owner == account_id)
        )
        await self._connection.execute(
            delete(operator_grants).where(
                operator_grants.c.kind == "service", operator_grants.c.principal == account_id
            )
        )
        await self._connection.execute(delete(service_accounts).where(service_accounts.c.id == account_id))


def _account(row: Row[Any]) -> ServiceAccount:
    return ServiceAccount(
        id=row.id,
        name=row.name,
        description=row.description,
        status=row.status,
        created_at=row.created_at,
    )
