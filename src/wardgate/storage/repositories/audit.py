"""The audit trail: rows of ``audit``, chained and sealed as ``domain/chain.py`` says."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent, AuditFilter, AuditRecord
from wardgate.domain.chain import BROKEN, COLUMNS, End, Link, Seal, SealedEnd
from wardgate.domain.redaction import clean_text, redacted
from wardgate.storage import advisory
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_audit import audit, audit_ends

_END = Prepared(select(audit_ends).where(audit_ends.c.end == bindparam("end")))
_MOVE_END = Prepared(
    update(audit_ends)
    .where(audit_ends.c.end == bindparam("which"))
    .values(seq=bindparam("to_seq"), hash=bindparam("to_hash"), mac=bindparam("to_mac"))
)
_ADD = Prepared(insert(audit))
_NAMES = tuple(name for name, _ in COLUMNS)
_COLUMNS = [audit.c[name] for name in _NAMES]


class SqlAudit:
    """Collects a transaction's events; :meth:`flush` chains and writes them, just before the commit.

    So the order of links is that of commits, and on PostgreSQL, where writers of the trail wait for each other, they do
    so only from there until the commit.
    """

    def __init__(
        self, connection: AsyncConnection, actor: Actor, master_key: bytes, pending: list[dict[str, Any]]
    ) -> None:
        """``pending``: what was recorded and not written yet, in whosever name."""
        self._connection = connection
        self._actor = actor
        self._seal = Seal(master_key)
        self._pending = pending

    async def record(self, event: AuditEvent, *, at: float, actor: Actor | None = None) -> None:
        who = actor or self._actor
        kept = redacted(event)
        self._pending.append(
            {
                "at": float(at),
                "actor_kind": who.kind,
                "actor_id": clean_text(who.id, 200),
                "actor_name": clean_text(who.name, 200),
                "address": clean_text(who.address, 100),
                "token": clean_text(who.token, 100),
                "action": kept.action,
                "target": kept.target,
                "outcome": kept.outcome,
                "environment": kept.environment,
                "project": kept.project,
                "before": _text(kept.before),
                "after": _text(kept.after),
                "note": kept.note,
            }
        )

    async def flush(self) -> None:
        """Afterwards what was recorded is in the chain, to be committed."""
        rows = list(self._pending)
        self._pending.clear()
        if not rows:
            return
        if self._connection.dialect.name == "postgresql":
            await advisory.hold(self._connection, advisory.AUDIT)
        last = await self.end("last")
        if last is not None and self._seal.holds("last", last):
            seq, previous = last.seq, last.hash
        else:
            # Somebody has been at the end. What happens goes on being kept, and verifying finds the break for ever.
            seq = max(0, await self._connection.scalar(select(func.max(audit.c.seq))) or 0)
            previous = BROKEN
        for row in rows:
            seq += 1
            row |= {"seq": seq, "previous": previous}
            sealed = self._seal.link([row[name] for name in _NAMES])
            if sealed is None:
                raise TypeError(f"an event of {row['action']} has a value of the wrong type")
            row["hash"] = previous = sealed
        if len(rows) == 1:
            await _ADD.run(self._connection, **rows[0])
        else:
            await self._connection.execute(insert(audit), rows)
        await self.set_end("last", self._seal.end("last", seq, previous))

    async def find(self, wanted: AuditFilter, *, before: int | None, limit: int) -> list[AuditRecord]:
        query = _filtered(select(audit), wanted).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.seq < before)
        return [_record(row) for row in await self._connection.execute(query)]

    async def page(self, after: int, limit: int, wanted: AuditFilter | None = None) -> list[AuditRecord]:
        query = _filtered(select(audit), wanted or AuditFilter())
        rows = await self._connection.execute(
            query.where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        )
        return [_record(row) for row in rows]

    async def links(self, after: int | None, limit: int) -> list[Link]:
        query = select(*_COLUMNS, audit.c.hash).order_by(audit.c.seq).limit(limit)
        if after is not None:
            query = query.where(audit.c.seq > after)
        rows = (await self._connection.execute(query)).all()
        return [Link(tuple(_plain(value) for value in row[:-1]), _plain(row[-1])) for row in rows]

    async def end(self, end: End) -> SealedEnd | None:
        row = await _END.first(self._connection, end=end)
        return None if row is None else SealedEnd(row.seq, _plain(row.hash), _plain(row.mac))

    async def set_end(self, end: End, sealed: SealedEnd) -> None:
        moved = await _MOVE_END.run(
            self._connection, which=end, to_seq=sealed.seq, to_hash=sealed.hash, to_mac=sealed.mac
        )
        if moved == 0:
            await self._connection.execute(
                insert(audit_ends).values(end=end, seq=sealed.seq, hash=sealed.hash, mac=sealed.mac)
            )

    async def cut(self, through: int) -> None:
        await self._connection.execute(delete(audit).where(audit.c.seq <= through))


def _filtered(query: Select[Any], wanted: AuditFilter) -> Select[Any]:
    if wanted.actor:
        query = query.where(or_(audit.c.actor_id == wanted.actor, audit.c.actor_name == wanted.actor))
    if wanted.action.endswith("."):
        query = query.where(audit.c.action.startswith(wanted.action, autoescape=True))
    elif wanted.action:
        query = query.where(audit.c.action == wanted.action)
    for name in ("target", "outcome", "environment", "project"):
        if getattr(wanted, name):
            query = query.where(audit.c[name] == getattr(wanted, name))
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    return query


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _plain(value: Any) -> Any:
    """PostgreSQL's driver gives bytes in other clothes."""
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


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
