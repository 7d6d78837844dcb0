"""Opaque access tokens, and device authorizations in progress."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.oauth import Token
from wardgate.identity.ports import DeviceCode
from wardgate.storage.documents import to_object, to_text, token_from_text, token_to_text
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_identity import access_tokens, device_codes

_ADD = Prepared(insert(access_tokens))
_FIND = Prepared(
    text(
        "SELECT document FROM access_tokens WHERE digest = :digest AND (grant_id = '' OR EXISTS ("
        "SELECT 1 FROM grants WHERE grants.id = access_tokens.grant_id AND grants.revoked_at IS NULL))"
    )
)


class SqlAccessTokens:
    """The rows of ``access_tokens``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, digest: bytes, token: Token, environment: str) -> None:
        await _ADD.run(
            self._connection,
            digest=digest,
            environment=environment,
            client=token.client,
            grant_id=token.grant,
            expires_at=token.expires_at,
            document=token_to_text(token),
        )

    async def find(self, digest: bytes) -> Token | None:
        row = await _FIND.first(self._connection, digest=digest)
        if row is None:
            return None
        with stored("an access token"):
            return token_from_text(row.document)

    async def revoke(self, digest: bytes) -> None:
        await self._connection.execute(delete(access_tokens).where(access_tokens.c.digest == digest))


class SqlDeviceCodes:
    """The rows of ``device_codes``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, code: DeviceCode) -> None:
        await self._connection.execute(
            insert(device_codes).values(
                digest=code.digest,
                user_code=code.user_code,
                environment=code.environment,
                client=code.client,
                document=to_text(code.document),
                created_at=code.created_at,
                expires_at=code.expires_at,
                poll_interval=code.interval,
                status=code.status,
                grant_id=code.grant,
                polled_at=code.polled_at,
            )
        )

    async def find(self, digest: bytes) -> DeviceCode | None:
        return await self._one(device_codes.c.digest == digest)

    async def by_user_code(self, digest: bytes) -> DeviceCode | None:
        return await self._one(device_codes.c.user_code == digest)

    async def decide(
        self, digest: bytes, status: Literal["approved", "denied"], grant: str, now: float
    ) -> bool:
        decided = await self._connection.execute(
            update(device_codes)
            .where(
                device_codes.c.digest == digest,
                device_codes.c.status == "pending",
                device_codes.c.expires_at > now,
            )
            .values(status=status, grant_id=grant)
        )
        return decided.rowcount == 1

    async def poll(self, digest: bytes, now: float, interval: float) -> None:
        await self._connection.execute(
            update(device_codes)
            .where(device_codes.c.digest == digest)
            .values(polled_at=now, poll_interval=interval)
        )

    async def take(self, digest: bytes, now: float) -> bool:
        taken = await self._connection.execute(
            update(device_codes)
            .where(
                device_codes.c.digest == digest,
                device_codes.c.status == "approved",
                device_codes.c.expires_at > now,
            )
            .values(status="used")
        )
        return taken.rowcount == 1

    async def _one(self, condition: ColumnElement[bool]) -> DeviceCode | None:
        found = await self._connection.execute(select(device_codes).where(condition))
        row = found.first()
        return None if row is None else _device_code(row)


def _device_code(row: Row[Any]) -> DeviceCode:
    with stored("a device authorization"):
        document = to_object(row.document)
    return DeviceCode(
        digest=bytes(row.digest),
        user_code=bytes(row.user_code),
        environment=row.environment,
        client=row.client,
        document=document,
        created_at=row.created_at,
        expires_at=row.expires_at,
        interval=row.poll_interval,
        status=row.status,
        grant=row.grant_id,
        polled_at=row.polled_at,
    )
