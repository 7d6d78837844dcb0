"""Environments, what belongs to each, and their secrets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ports_apis import SecretInfo
from wardgate.domain.codec import decode
from wardgate.domain.environment import Environment, EnvironmentSettings
from wardgate.storage.documents import to_text
from wardgate.storage.errors import stored
from wardgate.storage.tables import credentials, environments, metadata, subscriptions
from wardgate.storage.tables_apis import deployments, environment_secrets, environment_settings
from wardgate.storage.tables_identity import clients, identity_providers
from wardgate.storage.vault import Vault

#: What keeps an environment from being removed, in words; all else that belongs to one goes with it.
_KEEPING = {
    deployments: "deployment",
    credentials: "key",
    subscriptions: "subscription",
    clients: "client",
    identity_providers: "identity provider",
}


def secret_label(environment: str, name: str) -> str:
    """What the vault seals a secret under."""
    return f"secret/{environment}/{name}"


class SqlEnvironments:
    """The rows of ``environments``, ``environment_settings`` and ``environment_secrets``."""

    def __init__(self, connection: AsyncConnection, master_key: bytes) -> None:
        self._connection = connection
        self._master_key = master_key

    async def all(self) -> list[Environment]:
        rows = await self._connection.execute(
            select(environments, environment_settings.c.document)
            .select_from(environments.outerjoin(environment_settings))
            .order_by(environments.c.position)
        )
        return [_environment(row) for row in rows]

    async def add(self, environment: Environment) -> None:
        await self._connection.execute(
            insert(environments).values(
                name=environment.name,
                tag=environment.tag,
                position=environment.position,
                production=environment.production,
            )
        )
        await self.set_settings(environment.name, environment.settings)

    async def set_production(self, environment: str) -> None:
        await self._connection.execute(
            update(environments).values(production=environments.c.name == environment)
        )

    async def set_settings(self, environment: str, settings: EnvironmentSettings) -> None:
        settings = replace(settings, identity_providers=None)  # these have a table of their own
        await self._connection.execute(
            delete(environment_settings).where(environment_settings.c.environment == environment)
        )
        if settings != EnvironmentSettings():
            await self._connection.execute(
                insert(environment_settings).values(environment=environment, document=to_text(settings))
            )

    async def order(self, names: Sequence[str]) -> None:
        # Positions are unique at every moment: first all go out of the way.
        await self._connection.execute(update(environments).values(position=-environments.c.position))
        for position, name in enumerate(names, 1):
            await self._connection.execute(
                update(environments).where(environments.c.name == name).values(position=position)
            )

    async def in_use(self, environment: str) -> list[str]:
        found = []
        for table, word in _KEEPING.items():
            count = await self._connection.scalar(
                select(func.count()).select_from(table).where(table.c.environment == environment)
            )
            if count:
                found.append(f"{count} {word}{'s' if count > 1 else ''}")
        return found

    async def remove(self, environment: str) -> None:
        for table in reversed(metadata.sorted_tables):
            if table not in _KEEPING and _refers(table):
                await self._connection.execute(delete(table).where(table.c.environment == environment))
        await self._connection.execute(delete(environments).where(environments.c.name == environment))

    async def secrets(self, environment: str) -> list[SecretInfo]:
        columns = environment_secrets.c
        rows = await self._connection.execute(
            select(columns.name, columns.updated_at, columns.actor)
            .where(columns.environment == environment)
            .order_by(columns.name)
        )
        return [SecretInfo(name=row.name, updated_at=row.updated_at, actor=row.actor) for row in rows]

    async def secret(self, environment: str, name: str) -> bytes | None:
        sealed = await self._connection.scalar(
            select(environment_secrets.c.sealed).where(
                environment_secrets.c.environment == environment, environment_secrets.c.name == name
            )
        )
        if sealed is None:
            return None
        return Vault(self._master_key).open(bytes(sealed), secret_label(environment, name))

    async def set_secret(self, environment: str, name: str, value: bytes, *, at: float, actor: str) -> None:
        await self.remove_secret(environment, name)
        sealed = Vault(self._master_key).seal(value, secret_label(environment, name))
        await self._connection.execute(
            insert(environment_secrets).values(
                environment=environment, name=name, sealed=sealed, updated_at=at, actor=actor
            )
        )

    async def remove_secret(self, environment: str, name: str) -> None:
        await self._connection.execute(
            delete(environment_secrets).where(
                environment_secrets.c.environment == environment, environment_secrets.c.name == name
            )
        )


def _refers(table: Table) -> bool:
    """Whether rows of the table belong to an environment by a foreign key."""
    return any(
        key.column.table is environments and key.parent.name == "environment" for key in table.foreign_keys
    )


def _environment(row: Row[Any]) -> Environment:
    with stored(f"the settings of the environment {row.name}"):
        settings = (
            decode(EnvironmentSettings, json.loads(row.document)) if row.document else EnvironmentSettings()
        )
    return Environment(
        name=row.name,
        tag=row.tag,
        position=row.position,
        production=row.production,
        settings=settings,
    )
