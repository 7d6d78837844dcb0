"""What people let clients do, and what they agreed to."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.oauth import Grant
from wardgate.storage.documents import grant_from_text, grant_to_text, to_text, to_texts
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.repositories.identity.chunks import chunks
from wardgate.storage.tables_identity import consents, grants

_PUT_CONSENT = text(
    "INSERT INTO consents (user_id, client, scopes, at) VALUES (:user, :client, :scopes, :at) "
    "ON CONFLICT (user_id, client) DO UPDATE SET scopes = excluded.scopes, at = excluded.at"
)
_CONSENT = Prepared(
    select(consents.c.scopes).where(
        consents.c.user_id == bindparam("user"), consents.c.client == bindparam("client")
    )
)
_GRANT = Prepared(select(grants).where(grants.c.id == bindparam("id")))
_ADD_GRANT = Prepared(insert(grants))


class SqlGrants:
    """The rows of ``grants``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, grant_id: str) -> Grant | None:
        row = await _GRANT.first(self._connection, id=grant_id)
        return None if row is None else _grant(row)

    async def add(self, grant: Grant) -> None:
        await _ADD_GRANT.run(
            self._connection,
            id=grant.id,
            environment=grant.environment,
            client=grant.client,
            subject=grant.subject,
            session=grant.session,
            created_at=grant.created_at,
            expires_at=grant.expires_at,
            revoked_at=grant.revoked_at,
            document=grant_to_text(grant),
        )

    async def find(
        self,
        *,
        subject: str | None = None,
        client: str | None = None,
        environment: str | None = None,
        session: str | None = None,
        live: bool = True,
        now: float | None = None,
    ) -> list[Grant]:
        query = select(grants).order_by(grants.c.created_at.desc(), grants.c.id.desc())
        for column, wanted in (
            (grants.c.subject, subject),
            (grants.c.client, client),
            (grants.c.environment, environment),
            (grants.c.session, session),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if live:
            moment = time.time() if now is None else now
            query = query.where(
                grants.c.revoked_at.is_(None),
                grants.c.expires_at.is_(None) | (grants.c.expires_at > moment),
            )
        return [_grant(row) for row in await self._connection.execute(query)]

    async def revoke(self, grant_ids: Collection[str], at: float) -> None:
        for some in chunks(grant_ids):
            await self._connection.execute(
                update(grants)
                .where(grants.c.id.in_(some), grants.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )


class SqlConsents:
    """The rows of ``consents``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, user: str, client: str) -> tuple[str, ...]:
        row = await _CONSENT.first(self._connection, user=user, client=client)
        return () if row is None else _scopes(row.scopes, client)

    async def put(self, user: str, client: str, scopes: tuple[str, ...], at: float) -> None:
        await self._connection.execute(
            _PUT_CONSENT, {"user": user, "client": client, "scopes": to_text(scopes), "at": at}
        )

    async def remove(self, user: str, client: str) -> None:
        await self._connection.execute(
            delete(consents).where(consents.c.user_id == user, consents.c.client == client)
        )

    async def of_user(self, user: str) -> list[tuple[str, tuple[str, ...], float]]:
        rows = await self._connection.execute(
            select(consents).where(consents.c.user_id == user).order_by(consents.c.at, consents.c.client)
        )
        return [(row.client, _scopes(row.scopes, row.client), row.at) for row in rows]


def _grant(row: Any) -> Grant:
    with stored(f"the grant {row.id}"):
        return grant_from_text(row.document, row._asdict())


def _scopes(text_of_scopes: str, client: str) -> tuple[str, ...]:
    with stored(f"a consent to the client {client}"):
        return to_texts(text_of_scopes)
