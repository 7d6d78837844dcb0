"""Foreign OpenID providers, and the accounts linked to them."""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.people import IdentityProvider, Link
from wardgate.storage.documents import to_object, to_text
from wardgate.storage.errors import stored
from wardgate.storage.tables_identity import identity_links, identity_providers, user_roles


class SqlProviders:
    """The rows of ``identity_providers`` and ``identity_links``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def list(self, environment: str | None = None) -> Sequence[IdentityProvider]:
        query = select(identity_providers)
        if environment is not None:
            query = query.where(identity_providers.c.environment == environment)
        found: builtins.list[IdentityProvider] = [
            _provider(row) for row in await self._connection.execute(query)
        ]
        return sorted(found, key=lambda each: (each.name, each.id))

    async def get(self, provider_id: str) -> IdentityProvider | None:
        found = await self._connection.execute(
            select(identity_providers).where(identity_providers.c.id == provider_id)
        )
        row = found.first()
        return None if row is None else _provider(row)

    async def add(self, provider: IdentityProvider) -> None:
        await self._connection.execute(
            insert(identity_providers).values(id=provider.id, **_columns(provider))
        )

    async def replace(self, provider: IdentityProvider) -> None:
        await self._connection.execute(
            update(identity_providers)
            .where(identity_providers.c.id == provider.id)
            .values(**_columns(provider))
        )

    async def remove(self, provider_id: str) -> None:
        # What its groups gave goes with it.
        await self._connection.execute(delete(user_roles).where(user_roles.c.source == provider_id))
        await self._connection.execute(
            delete(identity_providers).where(identity_providers.c.id == provider_id)
        )

    async def link(self, provider_id: str, subject: str) -> Link | None:
        found = await self._connection.execute(
            select(identity_links).where(
                identity_links.c.provider == provider_id, identity_links.c.subject == subject
            )
        )
        row = found.first()
        return None if row is None else _link(row)

    async def add_link(self, link: Link) -> None:
        await self._connection.execute(
            insert(identity_links).values(
                provider=link.provider, subject=link.subject, user_id=link.user, created_at=link.created_at
            )
        )

    async def remove_link(self, provider_id: str, subject: str) -> None:
        await self._connection.execute(
            delete(identity_links).where(
                identity_links.c.provider == provider_id, identity_links.c.subject == subject
            )
        )

    async def links_of(self, user_id: str) -> Sequence[Link]:
        rows = await self._connection.execute(
            select(identity_links)
            .where(identity_links.c.user_id == user_id)
            .order_by(identity_links.c.created_at, identity_links.c.provider, identity_links.c.subject)
        )
        return [_link(row) for row in rows]

    async def links_at(self, provider_id: str) -> Sequence[Link]:
        rows = await self._connection.execute(
            select(identity_links)
            .where(identity_links.c.provider == provider_id)
            .order_by(identity_links.c.created_at, identity_links.c.subject)
        )
        return [_link(row) for row in rows]


def _columns(provider: IdentityProvider) -> dict[str, Any]:
    return {
        "environment": provider.environment,
        "name": provider.name,
        "preset": provider.preset,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "sealed_secret": provider.sealed_secret,
        "settings": to_text(provider.settings),
        "status": provider.status,
        "held_by": json.dumps(provider.held_by),
        "held_at": provider.held_at,
    }


def _provider(row: Row[Any]) -> IdentityProvider:
    with stored(f"the identity provider {row.id}"):
        settings = to_object(row.settings)
    return IdentityProvider(
        id=row.id,
        environment=row.environment,
        name=row.name,
        preset=row.preset,
        issuer=row.issuer,
        client_id=row.client_id,
        sealed_secret=bytes(row.sealed_secret),
        settings=settings,
        status=row.status,
        held_by=tuple(json.loads(row.held_by)),
        held_at=row.held_at,
    )


def _link(row: Row[Any]) -> Link:
    return Link(provider=row.provider, subject=row.subject, user=row.user_id, created_at=row.created_at)
