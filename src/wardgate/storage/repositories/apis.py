"""Deployed APIs and their immutable revisions."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ids import new_id
from wardgate.control.ports import Deployment, RevisionInfo
from wardgate.domain.api import Api
from wardgate.domain.codec import decode_api, encode_api
from wardgate.domain.document import ApiEntry
from wardgate.storage.errors import stored
from wardgate.storage.tables import apis, revisions


class SqlApis:
    """The rows of ``apis`` and ``revisions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def deployed(self, environment: str) -> list[Deployment]:
        rows = await self._connection.execute(_in_force().where(apis.c.environment == environment))
        return [_deployment(row) for row in rows]

    async def in_force(self, environment: str) -> dict[str, int]:
        rows = await self._connection.execute(
            select(apis.c.id, apis.c.revision).where(
                apis.c.environment == environment, apis.c.revision.is_not(None)
            )
        )
        return {row.id: row.revision for row in rows}

    async def trusting(self, environment: str) -> list[Api]:
        # As the codec writes it: other APIs need not be decoded, which takes time where they are large.
        listed = revisions.c.resolved.contains('"issuers":[{', autoescape=True)
        rows = await self._connection.execute(_in_force().where(apis.c.environment == environment, listed))
        return [_deployment(row).entry.api for row in rows]

    async def everywhere(self) -> list[Deployment]:
        return [_deployment(row) for row in await self._connection.execute(_in_force())]

    async def deploy(
        self, environment: str, entry: ApiEntry, content_hash: str, *, at: float, actor: str, note: str
    ) -> int:
        api_id = await self._id(environment, entry.api.name, entry.api.version)
        if api_id is None:
            api_id = new_id("api", at)
            await self._connection.execute(
                insert(apis).values(
                    id=api_id, environment=environment, name=entry.api.name, version=entry.api.version
                )
            )
        newest = await self._connection.scalar(
            select(func.max(revisions.c.number)).where(revisions.c.api == api_id)
        )
        number = (newest or 0) + 1
        await self._connection.execute(
            insert(revisions).values(
                id=new_id("rev", at),
                api=api_id,
                number=number,
                hash=content_hash,
                source=json.dumps(dict(entry.source), separators=(",", ":")),
                openapi_name=entry.openapi_name,
                openapi_text=entry.openapi_text,
                resolved=json.dumps(encode_api(entry.api), separators=(",", ":")),
                created_at=at,
                actor=actor,
                note=note,
            )
        )
        await self._connection.execute(update(apis).where(apis.c.id == api_id).values(revision=number))
        return number

    async def withdraw(self, environment: str, api: str) -> None:
        name, _, version = api.partition("/")
        await self._connection.execute(
            update(apis)
            .where(apis.c.environment == environment, apis.c.name == name, apis.c.version == version)
            .values(revision=None)
        )

    async def revisions(self, environment: str, api: str) -> list[RevisionInfo]:
        name, _, version = api.partition("/")
        columns = revisions.c
        rows = await self._connection.execute(
            select(columns.id, columns.number, columns.hash, columns.created_at, columns.actor, columns.note)
            .join(apis, apis.c.id == columns.api)
            .where(apis.c.environment == environment, apis.c.name == name, apis.c.version == version)
            .order_by(columns.number.desc())
        )
        return [
            RevisionInfo(
                id=row.id,
                number=row.number,
                hash=row.hash,
                created_at=row.created_at,
                actor=row.actor,
                note=row.note,
            )
            for row in rows
        ]

    async def _id(self, environment: str, name: str, version: str) -> str | None:
        found: str | None = await self._connection.scalar(
            select(apis.c.id).where(
                apis.c.environment == environment, apis.c.name == name, apis.c.version == version
            )
        )
        return found


def _in_force() -> Select[Any]:
    return (
        select(
            apis.c.id,
            apis.c.environment,
            revisions.c.number,
            revisions.c.hash,
            revisions.c.source,
            revisions.c.openapi_name,
            revisions.c.openapi_text,
            revisions.c.resolved,
        )
        .join(revisions, (revisions.c.api == apis.c.id) & (revisions.c.number == apis.c.revision))
        .order_by(apis.c.id)
    )


def _deployment(row: Row[Any]) -> Deployment:
    with stored(f"revision {row.number} of API {row.id}"):
        entry = ApiEntry(
            api=decode_api(json.loads(row.resolved)),
            source=json.loads(row.source),
            openapi_name=row.openapi_name,
            openapi_text=row.openapi_text,
        )
    return Deployment(id=row.id, environment=row.environment, revision=row.number, hash=row.hash, entry=entry)
