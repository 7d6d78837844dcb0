"""OAuth 2.0 clients and their secrets."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.oauth import Client, ClientSecret
from wardgate.storage.documents import client_from_text, client_to_text, to_object
from wardgate.storage.errors import stored
from wardgate.storage.repositories.feed import SqlFeed
from wardgate.storage.tables_identity import client_secrets, clients, once

#: Registration access tokens (RFC 7592).
_REGISTERED = "registration_client"


class SqlClients:
    """The rows of ``clients`` and ``client_secrets``."""

    def __init__(self, connection: AsyncConnection, feed: SqlFeed, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._feed = feed
        self._clock = clock

    async def get(self, client_id: str) -> Client | None:
        found = await self._connection.execute(select(clients).where(clients.c.id == client_id))
        row = found.first()
        return None if row is None else _client(row)

    async def list(
        self, *, environment: str | None = None, application: str | None = None
    ) -> builtins.list[Client]:
        query = select(clients).order_by(clients.c.created_at, clients.c.id)
        if environment is not None:
            query = query.where(clients.c.environment == environment)
        if application is not None:
            query = query.where(clients.c.application == application)
        return [_client(row) for row in await self._connection.execute(query)]

    async def add(self, client: Client) -> None:
        await self._connection.execute(insert(clients).values(id=client.id, **_columns(client)))
        await self._announce(client.id)

    async def replace(self, client: Client) -> None:
        await self._connection.execute(
            update(clients).where(clients.c.id == client.id).values(**_columns(client))
        )
        await self._announce(client.id)

    async def registered(self) -> frozenset[str]:
        rows = await self._connection.execute(select(once.c.document).where(once.c.space == _REGISTERED))
        return frozenset(_registered(row.document) for row in rows)

    async def remove(self, client_id: str) -> None:
        named = once.c.document.contains(client_id, autoescape=True)
        rows = await self._connection.execute(
            select(once.c.digest, once.c.document).where(once.c.space == _REGISTERED, named)
        )
        for row in rows.all():
            if _registered(row.document) == client_id:
                await self._connection.execute(
                    delete(once).where(once.c.space == _REGISTERED, once.c.digest == row.digest)
                )
        await self._connection.execute(delete(clients).where(clients.c.id == client_id))
        await self._announce(client_id)

    async def secrets(self, client_id: str) -> Sequence[ClientSecret]:
        rows = await self._connection.execute(
            select(client_secrets)
            .where(client_secrets.c.client == client_id)
            .order_by(client_secrets.c.created_at, client_secrets.c.digest)
        )
        return [
            ClientSecret(
                client=row.client,
                digest=bytes(row.digest),
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def add_secret(self, secret: ClientSecret) -> None:
        await self._connection.execute(
            insert(client_secrets).values(
                client=secret.client,
                digest=secret.digest,
                created_at=secret.created_at,
                expires_at=secret.expires_at,
            )
        )
        await self._announce(secret.client)

    async def end_secret(self, client_id: str, digest: bytes, expires_at: float) -> None:
        await self._connection.execute(
            update(client_secrets)
            .where(client_secrets.c.client == client_id, client_secrets.c.digest == digest)
            .values(expires_at=expires_at)
        )
        await self._announce(client_id)

    async def _announce(self, client_id: str) -> None:
        await self._feed.append("client", client_id, at=self._clock())


def _registered(document: str) -> str:
    """The client that a registration access token is for."""
    with stored("what a registration access token is for"):
        return str(to_object(document)["client"])


def _columns(client: Client) -> dict[str, Any]:
    return {
        "application": client.application,
        "environment": client.environment,
        "status": client.status,
        "created_at": client.created_at,
        "document": client_to_text(client),
    }


def _client(row: Row[Any]) -> Client:
    with stored(f"the client {row.id}"):
        return client_from_text(row.document, row._asdict())
