"""Refresh tokens and their lineage."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.identity.ports import RefreshToken
from wardgate.storage.documents import to_text, to_texts
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_identity import grants, refresh_families, refresh_tokens

_ADD_FAMILY = Prepared(
    text(
        "INSERT INTO refresh_families (id, grant_id, client, expires_at) "
        "VALUES (:id, :grant, :client, :expires_at) ON CONFLICT (id) DO NOTHING"
    )
)
_CONSUME = (
    "UPDATE refresh_tokens SET consumed_at = :now, successor = :successor, sealed = :sealed "
    "WHERE digest = :digest AND consumed_at IS NULL AND family = :family AND expires_at > :now AND EXISTS ("
    "SELECT 1 FROM grants JOIN refresh_families ON refresh_families.grant_id = grants.id "
    "WHERE refresh_families.id = refresh_tokens.family AND refresh_families.revoked_at IS NULL "
    "AND refresh_families.expires_at > :now AND grants.revoked_at IS NULL{lock})"
)
_ROTATE = Prepared(text(_CONSUME.format(lock="")))
#: Holds the grant as it is until the commit, so that a revocation is wholly before a rotation or wholly after it.
_ROTATE_LOCKED = Prepared(text(_CONSUME.format(lock=" FOR SHARE OF grants")))
_WITH_FAMILY = select(
    refresh_tokens,
    refresh_families.c.grant_id,
    refresh_families.c.client,
    refresh_families.c.expires_at.label("family_expires_at"),
).join_from(refresh_tokens, refresh_families)
_FIND = Prepared(
    _WITH_FAMILY.join(grants, grants.c.id == refresh_families.c.grant_id).where(
        refresh_tokens.c.digest == bindparam("digest"),
        refresh_families.c.revoked_at.is_(None),
        grants.c.revoked_at.is_(None),
    )
)
_INSERT = Prepared(insert(refresh_tokens))


class SqlRefreshTokens:
    """The rows of ``refresh_tokens`` and ``refresh_families``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, token: RefreshToken) -> None:
        await _ADD_FAMILY.run(
            self._connection,
            id=token.family,
            grant=token.grant,
            client=token.client,
            expires_at=token.family_expires_at,
        )
        await self._insert(token)

    async def find(self, digest: bytes) -> RefreshToken | None:
        row = await _FIND.first(self._connection, digest=digest)
        return None if row is None else _token(row)

    async def rotate(self, digest: bytes, successor: RefreshToken, sealed: bytes, now: float) -> bool:
        statement = _ROTATE_LOCKED if self._connection.dialect.name == "postgresql" else _ROTATE
        used = await statement.run(
            self._connection,
            digest=digest,
            family=successor.family,
            successor=successor.digest,
            sealed=sealed,
            now=now,
        )
        if used != 1:
            return False
        await self._insert(successor)
        return True

    async def revoke_family(self, family: str, at: float) -> None:
        await self._connection.execute(
            update(refresh_families)
            .where(refresh_families.c.id == family, refresh_families.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )

    async def family(self, family: str) -> list[RefreshToken]:
        rows = await self._connection.execute(
            _WITH_FAMILY.where(refresh_tokens.c.family == family).order_by(
                refresh_tokens.c.created_at, refresh_tokens.c.consumed_at.is_(None), refresh_tokens.c.digest
            )
        )
        return [_token(row) for row in rows]

    async def _insert(self, token: RefreshToken) -> None:
        await _INSERT.run(
            self._connection,
            digest=token.digest,
            family=token.family,
            created_at=token.created_at,
            expires_at=token.expires_at,
            scopes=to_text(token.scopes),
            jkt=token.jkt,
            x5t=token.x5t,
            parent=token.parent,
            consumed_at=token.consumed_at,
            successor=token.successor,
            sealed=token.sealed,
        )


def _token(row: Any) -> RefreshToken:
    with stored(f"a refresh token of the family {row.family}"):
        scopes = to_texts(row.scopes)
    return RefreshToken(
        digest=bytes(row.digest),
        grant=row.grant_id,
        client=row.client,
        family=row.family,
        created_at=row.created_at,
        expires_at=row.expires_at,
        family_expires_at=row.family_expires_at,
        scopes=scopes,
        jkt=row.jkt,
        x5t=row.x5t,
        parent=bytes(row.parent),
        consumed_at=row.consumed_at,
        successor=bytes(row.successor),
        sealed=bytes(row.sealed),
    )
