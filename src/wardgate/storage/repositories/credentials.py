"""Credentials, found by id or by the digest of their key."""

from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.consumer import Credential
from wardgate.storage.digests import lookup_of
from wardgate.storage.errors import stored
from wardgate.storage.restrictions import restrictions_from_text, restrictions_to_text
from wardgate.storage.tables import credential_uses, credentials

_WITH_USES = select(
    credentials,
    credential_uses.c.last_at,
    credential_uses.c.address,
    credential_uses.c.count.label("use_count"),
).outerjoin_from(credentials, credential_uses)


class SqlCredentials:
    """The rows of ``credentials``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, credential: Credential, digest: bytes) -> None:
        await self._connection.execute(
            insert(credentials).values(
                lookup=lookup_of(digest),
                id=credential.id,
                application_id=credential.application,
                environment=credential.environment,
                digest=digest,
                prefix=credential.prefix,
                last_four=credential.last_four,
                name=credential.name,
                description=credential.description,
                created_at=credential.created_at,
                expires_at=credential.expires_at,
                revoked_at=credential.revoked_at,
                replaced_by=credential.replaced_by,
                lineage=credential.lineage,
                restrictions=restrictions_to_text(credential.restrictions),
            )
        )
        if credential.last_used_at is not None:
            await self._connection.execute(
                insert(credential_uses).values(
                    credential=credential.id,
                    count=credential.use_count,
                    last_at=credential.last_used_at,
                    address=credential.last_used_address or "",
                )
            )

    async def list(
        self, *, application: str | None = None, environment: str | None = None
    ) -> builtins.list[Credential]:
        query = _WITH_USES.order_by(credentials.c.created_at, credentials.c.id)
        if application is not None:
            query = query.where(credentials.c.application_id == application)
        if environment is not None:
            query = query.where(credentials.c.environment == environment)
        return [_credential(row) for row in await self._connection.execute(query)]

    async def find(self, credential_id: str) -> tuple[Credential, bytes] | None:
        found = await self._connection.execute(_WITH_USES.where(credentials.c.id == credential_id))
        row = found.first()
        return None if row is None else (_credential(row), bytes(row.digest))

    async def by_digest(self, digest: bytes) -> Credential | None:
        found = await self._connection.execute(
            _WITH_USES.where(credentials.c.lookup == lookup_of(digest), credentials.c.digest == digest)
        )
        row = found.first()
        return None if row is None else _credential(row)

    async def end(
        self,
        credential_id: str,
        *,
        expires_at: float | None,
        revoked_at: float | None,
        replaced_by: str | None,
    ) -> None:
        await self._connection.execute(
            update(credentials)
            .where(credentials.c.id == credential_id)
            .values(expires_at=expires_at, revoked_at=revoked_at, replaced_by=replaced_by)
        )


def _credential(row: Row[Any]) -> Credential:
    with stored(f"the restrictions of {row.id}"):
        restrictions = restrictions_from_text(row.restrictions)
    return Credential(
        id=row.id,
        application=row.application_id,
        environment=row.environment,
        prefix=row.prefix,
        last_four=row.last_four,
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        replaced_by=row.replaced_by,
        lineage=row.lineage,
        restrictions=restrictions,
        last_used_at=row.last_at,
        last_used_address=row.address or None,
        use_count=row.use_count or 0,
    )
