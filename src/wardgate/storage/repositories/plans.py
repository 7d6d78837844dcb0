"""Environments and plans."""

from __future__ import annotations

import json

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ports import Environment
from wardgate.domain.codec import decode_plan, encode_plan
from wardgate.domain.document import AuthorizationServer
from wardgate.domain.limit import Plan
from wardgate.storage.errors import stored
from wardgate.storage.tables import environment_settings, environments, plans


class SqlEnvironments:
    """The rows of ``environments``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> list[Environment]:
        rows = await self._connection.execute(select(environments).order_by(environments.c.position))
        return [
            Environment(name=row.name, tag=row.tag, position=row.position, production=row.production)
            for row in rows
        ]

    async def authorization_server(self, environment: str) -> AuthorizationServer | None:
        found = await self._connection.scalar(
            select(environment_settings.c.token_endpoint).where(
                environment_settings.c.environment == environment
            )
        )
        return AuthorizationServer(token_endpoint=found) if found else None

    async def set_authorization_server(self, environment: str, server: AuthorizationServer | None) -> None:
        await self._connection.execute(
            delete(environment_settings).where(environment_settings.c.environment == environment)
        )
        if server is not None:
            await self._connection.execute(
                insert(environment_settings).values(
                    environment=environment, token_endpoint=server.token_endpoint
                )
            )


class SqlPlans:
    """The rows of ``plans``; a plan's content is its JSON document."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> dict[str, Plan]:
        rows = await self._connection.execute(
            select(plans.c.name, plans.c.document).order_by(plans.c.position)
        )
        with stored("a plan"):
            return {row.name: decode_plan(json.loads(row.document)) for row in rows}

    async def put(self, plan: Plan) -> None:
        document = json.dumps(encode_plan(plan), separators=(",", ":"))
        changed = await self._connection.execute(
            update(plans).where(plans.c.name == plan.name).values(document=document)
        )
        if changed.rowcount == 0:
            last = await self._connection.scalar(select(func.max(plans.c.position)))
            await self._connection.execute(
                insert(plans).values(name=plan.name, position=(last or 0) + 1, document=document)
            )

    async def remove(self, name: str) -> None:
        await self._connection.execute(delete(plans).where(plans.c.name == name))
