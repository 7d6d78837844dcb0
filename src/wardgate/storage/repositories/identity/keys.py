"""Signing keys of this server's tokens, and what was fetched of foreign issuers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.identity.ports import StoredKey
from wardgate.storage.documents import to_object, to_text
from wardgate.storage.errors import stored
from wardgate.storage.repositories.feed import SqlFeed
from wardgate.storage.tables_identity import issuer_documents, token_keys

_PUT_ISSUER = text(
    "INSERT INTO issuer_documents (issuer, document, at) VALUES (:issuer, :document, :at) "
    "ON CONFLICT (issuer) DO UPDATE SET document = excluded.document, at = excluded.at"
)


class SqlTokenKeys:
    """The rows of ``token_keys``."""

    def __init__(self, connection: AsyncConnection, feed: SqlFeed, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._feed = feed
        self._clock = clock

    async def all(self, environment: str) -> list[StoredKey]:
        rows = await self._connection.execute(
            select(token_keys)
            .where(token_keys.c.environment == environment)
            .order_by(token_keys.c.active_at, token_keys.c.created_at, token_keys.c.kid)
        )
        return [_key(row) for row in rows]

    async def add(self, key: StoredKey) -> None:
        await self._connection.execute(
            insert(token_keys).values(
                kid=key.kid,
                environment=key.environment,
                algorithm=key.algorithm,
                public=to_text(key.public),
                sealed_private=key.sealed_private,
                created_at=key.created_at,
                active_at=key.active_at,
                expires_at=key.expires_at,
            )
        )
        await self._announce(key.kid)

    async def retire(self, kid: str, expires_at: float) -> None:
        await self._connection.execute(
            update(token_keys).where(token_keys.c.kid == kid).values(expires_at=expires_at)
        )
        await self._announce(kid)

    async def _announce(self, kid: str) -> None:
        await self._feed.append("signing_key", kid, at=self._clock())


class SqlIssuerKeys:
    """The rows of ``issuer_documents``."""

    def __init__(self, connection: AsyncConnection, feed: SqlFeed) -> None:
        self._connection = connection
        self._feed = feed

    async def put(self, issuer: str, document: Mapping[str, Any], at: float) -> None:
        await self._connection.execute(
            _PUT_ISSUER, {"issuer": issuer, "document": to_text(document), "at": at}
        )
        await self._feed.append("issuer", issuer, at=at)

    async def get(self, issuer: str) -> tuple[Mapping[str, Any], float] | None:
        found = await self._connection.execute(
            select(issuer_documents.c.document, issuer_documents.c.at).where(
                issuer_documents.c.issuer == issuer
            )
        )
        row = found.first()
        if row is None:
            return None
        with stored(f"the document of the issuer {issuer}"):
            return to_object(row.document), row.at


def _key(row: Row[Any]) -> StoredKey:
    with stored(f"the signing key {row.kid}"):
        public = to_object(row.public)
    return StoredKey(
        kid=row.kid,
        environment=row.environment,
        algorithm=row.algorithm,
        public=public,
        sealed_private=bytes(row.sealed_private),
        created_at=row.created_at,
        active_at=row.active_at,
        expires_at=row.expires_at,
    )
