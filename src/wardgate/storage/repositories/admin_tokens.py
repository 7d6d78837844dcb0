"""Access tokens of the control plane, by digest."""

from __future__ import annotations

import json
from typing import Any, cast

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.operator import AdminToken, OwnerKind
from wardgate.domain.permission import PERMISSIONS, Permission
from wardgate.storage.tables_operators import admin_tokens


class SqlAdminTokens:
    """The rows of ``admin_tokens``."""

    _connection: AsyncConnection

    async def tokens(self, kind: OwnerKind | None = None, owner: str | None = None) -> list[AdminToken]:
        query = select(admin_tokens).order_by(admin_tokens.c.id)
        if kind is not None:
            query = query.where(admin_tokens.c.kind == kind)
        if owner is not None:
            query = query.where(admin_tokens.c.owner == owner)
        return [_token(row) for row in await self._connection.execute(query)]

    async def token(self, token_id: str) -> AdminToken | None:
        return await self._one(admin_tokens.c.id == token_id)

    async def token_by_digest(self, digest: bytes) -> AdminToken | None:
        return await self._one(admin_tokens.c.digest == digest)

    async def _one(self, condition: Any) -> AdminToken | None:
        row = (await self._connection.execute(select(admin_tokens).where(condition))).first()
        return None if row is None else _token(row)

    async def add_token(self, token: AdminToken, digest: bytes) -> None:
        await self._connection.execute(
            insert(admin_tokens).values(
                id=token.id,
                kind=token.kind,
                owner=token.owner,
                name=token.name,
                digest=digest,
                prefix=token.prefix,
                last_four=token.last_four,
                permissions=json.dumps(sorted(token.permissions)),
                projects=None if token.projects is None else json.dumps(sorted(token.projects)),
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
                last_used_at=token.last_used_at,
                last_used_address=token.last_used_address,
                issued_by=token.issued_by,
                issued_through=json.dumps(token.issued_through),
            )
        )

    async def revoke_token(self, token_id: str, *, at: float) -> None:
        await self._connection.execute(
            update(admin_tokens)
            .where(admin_tokens.c.id == token_id, admin_tokens.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )

    async def used_token(self, token_id: str, *, at: float, address: str, before: float) -> None:
        last = admin_tokens.c.last_used_at
        await self._connection.execute(
            update(admin_tokens)
            .where(admin_tokens.c.id == token_id, or_(last.is_(None), last <= before))
            .values(last_used_at=at, last_used_address=address)
        )

    async def sweep_tokens(self, ended_before: float) -> None:
        await self._connection.execute(
            delete(admin_tokens).where(
                or_(admin_tokens.c.expires_at < ended_before, admin_tokens.c.revoked_at < ended_before)
            )
        )


def _token(row: Row[Any]) -> AdminToken:
    return AdminToken(
        id=row.id,
        kind=row.kind,
        owner=row.owner,
        name=row.name,
        prefix=row.prefix,
        last_four=row.last_four,
        permissions=known_permissions(row.permissions),
        projects=None if row.projects is None else frozenset(json.loads(row.projects)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        last_used_address=row.last_used_address,
        issued_by=row.issued_by,
        issued_through=tuple(json.loads(row.issued_through)),
    )


def known_permissions(text: str) -> frozenset[Permission]:
    """The permissions in a JSON list; what a later version may have had is left out."""
    return frozenset(cast("Permission", item) for item in json.loads(text) if item in PERMISSIONS)
