"""Revisions as stored: added once, signed, never changed."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ids import new_id
from wardgate.control.ports_apis import RevisionCheck, RevisionInfo
from wardgate.domain.codec import decode_api, decode_plan
from wardgate.domain.document import ApiEntry
from wardgate.domain.limit import Plan
from wardgate.domain.revision import Revision, content, hash_of, signed_part
from wardgate.storage.errors import StoreError, stored
from wardgate.storage.instance import open_instance_key, public_of, verified
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_apis import instance_keys, revisions
from wardgate.storage.vault import Vault

_NEWEST = Prepared(
    select(func.max(revisions.c.number).label("newest")).where(revisions.c.api == bindparam("api"))
)
_ADD = Prepared(insert(revisions))


class SqlRevisions:
    """The rows of ``revisions``; APIs are given by the ids of their rows (``row_id``) and by ``name/version``."""

    def __init__(self, connection: AsyncConnection, master_key: bytes) -> None:
        self._connection = connection
        self._master_key = master_key
        self._key: tuple[str, Ed25519PrivateKey] | None = None

    async def newest(self, row_id: str) -> int:
        """The number of the newest revision, 0 where there is none."""
        row = await _NEWEST.first(self._connection, api=row_id)
        return row.newest or 0

    async def add(
        self,
        row_id: str,
        number: int,
        entry: ApiEntry,
        plans: tuple[Plan, ...],
        *,
        at: float,
        actor: str,
        note: str,
    ) -> None:
        data = content(entry, plans)
        hash_ = hash_of(data)
        key_id, key = await self._signing_key()
        signed = signed_part(
            api_id=entry.api.id, number=number, content_hash=hash_, created_at=at, actor=actor, note=note
        )
        await _ADD.run(
            self._connection,
            id=new_id("rev", at),
            api=row_id,
            number=number,
            hash=hash_,
            source=_text(data["source"]),
            openapi_name=entry.openapi_name,
            openapi_text=entry.openapi_text,
            resolved=_text(data["api"]),
            plans=_text(data["plans"]),
            created_at=at,
            actor=actor,
            note=note,
            key=key_id,
            signature=key.sign(signed),
        )

    async def all(self, row_id: str) -> list[RevisionInfo]:
        columns = revisions.c
        rows = await self._connection.execute(
            select(
                columns.id,
                columns.number,
                columns.hash,
                columns.created_at,
                columns.actor,
                columns.note,
                columns.key,
            )
            .where(columns.api == row_id)
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
                key_id=row.key,
            )
            for row in rows
        ]

    async def find(self, row_id: str, api: str, number: int) -> Revision | None:
        row = await self._row(row_id, number)
        if row is None:
            return None
        with stored(f"revision {number} of {api}"):
            return Revision(
                api_id=api,
                number=row.number,
                hash=row.hash,
                entry=entry_of(row),
                plans=plans_of(row),
                created_at=row.created_at,
                actor=row.actor,
                note=row.note,
                key_id=row.key,
                signature=bytes(row.signature),
            )

    async def check(self, row_id: str, api: str, number: int) -> RevisionCheck | None:
        row = await self._row(row_id, number)
        if row is None:
            return None
        try:
            data = {
                "api": json.loads(row.resolved),
                "source": json.loads(row.source),
                "openapi_name": row.openapi_name,
                "openapi_text": row.openapi_text,
                "plans": json.loads(row.plans),
            }
        except ValueError:
            return RevisionCheck(content=False, signature=await self._signed(row, api))
        return RevisionCheck(content=hash_of(data) == row.hash, signature=await self._signed(row, api))

    async def _signed(self, row: Row[Any], api: str) -> bool:
        sealed = await self._connection.scalar(
            select(instance_keys.c.sealed).where(instance_keys.c.id == row.key)
        )
        if sealed is None:
            return False
        signed = signed_part(
            api_id=api,
            number=row.number,
            content_hash=row.hash,
            created_at=row.created_at,
            actor=row.actor,
            note=row.note,
        )
        public = public_of(Vault(self._master_key), row.key, bytes(sealed))
        return verified(public, bytes(row.signature), signed)

    async def _row(self, row_id: str, number: int) -> Row[Any] | None:
        found = await self._connection.execute(
            select(revisions).where(revisions.c.api == row_id, revisions.c.number == number)
        )
        return found.first()

    async def _signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        if self._key is None:
            row = (
                await self._connection.execute(
                    select(instance_keys.c.id, instance_keys.c.sealed)
                    .order_by(instance_keys.c.created_at.desc(), instance_keys.c.id)
                    .limit(1)
                )
            ).first()
            if row is None:
                raise StoreError(
                    "instance_key_missing",
                    "The database holds no key to sign revisions with",
                    "Restore the database from a backup; it was changed by something else than Wardgate",
                )
            self._key = (
                row.id,
                open_instance_key(Vault(self._master_key), row.id, bytes(row.sealed)),
            )
        return self._key


def entry_of(row: Row[Any]) -> ApiEntry:
    """The entry in a row with the revision's columns. Raises ValueError."""
    return ApiEntry(
        api=decode_api(json.loads(row.resolved)),
        source=json.loads(row.source),
        openapi_name=row.openapi_name,
        openapi_text=row.openapi_text,
    )


def plans_of(row: Row[Any]) -> tuple[Plan, ...]:
    """The plans in a row with the revision's columns. Raises ValueError."""
    return tuple(decode_plan(each) for each in json.loads(row.plans)) if row.plans != "[]" else ()


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
