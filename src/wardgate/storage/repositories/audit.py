"""The audit trail: a chain in which every link seals the one before it.

A link's hash is a BLAKE2b-256 MAC under a key derived from the master key, so that who can write the database alone can
neither change a link nor make a new one fit. The sealed ends tell when links were taken off either end.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent, AuditRecord
from wardgate.storage import advisory
from wardgate.storage.tables_audit import audit, audit_ends

_LABEL = b"wardgate/audit/v1"
#: What the first link follows.
ORIGIN = bytes(32)


class SqlAudit:
    """The rows of ``audit``, written by ``actor`` unless told otherwise."""

    def __init__(self, connection: AsyncConnection, actor: Actor, master_key: bytes) -> None:
        self._connection = connection
        self._actor = actor
        self._key = hashlib.blake2b(_LABEL, key=master_key, digest_size=32).digest()

    async def record(self, event: AuditEvent, *, at: float, actor: Actor | None = None) -> None:
        """Adds a link; on PostgreSQL writers of the trail wait for each other until they commit."""
        who = actor or self._actor
        if self._connection.dialect.name == "postgresql":
            await advisory.hold(self._connection, advisory.AUDIT)
        seq, previous = await self._last()
        row: dict[str, Any] = {
            "seq": seq + 1,
            "at": at,
            "actor_kind": who.kind,
            "actor_id": who.id,
            "actor_name": who.name,
            "address": who.address,
            "token": who.token,
            "action": event.action,
            "target": event.target,
            "outcome": event.outcome,
            "environment": event.environment,
            "project": event.project,
            "before": _text(event.before),
            "after": _text(event.after),
            "note": event.note,
            "previous": previous,
        }
        row["hash"] = link_hash(self._key, row)
        await self._connection.execute(insert(audit), row)
        await self._set_end("last", seq + 1, row["hash"])

    async def page(self, after: int, limit: int) -> list[AuditRecord]:
        rows = await self._connection.execute(
            select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        )
        return [_record(row) for row in rows]

    async def _last(self) -> tuple[int, bytes]:
        row = (
            await self._connection.execute(
                select(audit_ends.c.seq, audit_ends.c.hash).where(audit_ends.c.end == "last")
            )
        ).first()
        return (0, ORIGIN) if row is None else (row.seq, bytes(row.hash))

    async def _set_end(self, end: str, seq: int, hash_: bytes) -> None:
        await self._connection.execute(delete(audit_ends).where(audit_ends.c.end == end))
        await self._connection.execute(
            insert(audit_ends).values(end=end, seq=seq, hash=hash_, mac=end_mac(self._key, end, seq, hash_))
        )


def link_hash(key: bytes, row: dict[str, Any]) -> bytes:
    """The MAC over every column of ``row`` but ``hash``, in the order of the table."""
    values = [
        value.hex() if isinstance(value, bytes) else value
        for value in (row[column.name] for column in audit.columns if column.name != "hash")
    ]
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), key=key, digest_size=32).digest()


def end_mac(key: bytes, end: str, seq: int, hash_: bytes) -> bytes:
    """The MAC that seals an end of the chain."""
    return hashlib.blake2b(f"{end} {seq} {hash_.hex()}".encode(), key=key, digest_size=32).digest()


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=dict)


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        seq=row.seq,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        address=row.address,
        token=row.token,
        event=AuditEvent(
            action=row.action,
            target=row.target,
            outcome=row.outcome,
            environment=row.environment,
            project=row.project,
            before=json.loads(row.before),
            after=json.loads(row.after),
            note=row.note,
        ),
        previous=bytes(row.previous),
        hash=bytes(row.hash),
    )
