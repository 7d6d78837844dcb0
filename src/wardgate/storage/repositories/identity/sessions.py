"""Browser sessions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.people import Session
from wardgate.storage.documents import to_text, to_texts
from wardgate.storage.errors import stored
from wardgate.storage.prepared import Prepared
from wardgate.storage.repositories.identity.chunks import chunks
from wardgate.storage.tables_identity import sessions

_BY_DIGEST = Prepared(select(sessions).where(sessions.c.digest == bindparam("digest")))
_BY_ID = Prepared(select(sessions).where(sessions.c.id == bindparam("id")))


class SqlSessions:
    """The rows of ``sessions``."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, session: Session, digest: bytes) -> None:
        await self._connection.execute(
            insert(sessions).values(
                id=session.id, digest=digest, revoked_at=session.revoked_at, **_columns(session)
            )
        )

    async def by_digest(self, digest: bytes) -> Session | None:
        row = await _BY_DIGEST.first(self._connection, digest=digest)
        return None if row is None else _session(row)

    async def get(self, session_id: str) -> Session | None:
        row = await _BY_ID.first(self._connection, id=session_id)
        return None if row is None else _session(row)

    async def replace(self, session: Session, digest: bytes | None = None) -> None:
        # A session that was revoked since it was read stays so.
        values = _columns(session) | {"revoked_at": func.coalesce(sessions.c.revoked_at, session.revoked_at)}
        if digest is not None:
            values["digest"] = digest
        await self._connection.execute(update(sessions).where(sessions.c.id == session.id).values(**values))

    async def of_user(self, user_id: str, now: float) -> list[Session]:
        rows = await self._connection.execute(
            select(sessions)
            .where(
                sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > now
            )
            .order_by(sessions.c.seen_at.desc(), sessions.c.id)
        )
        return [_session(row) for row in rows]

    async def revoke(self, session_ids: Collection[str], at: float) -> None:
        for some in chunks(session_ids):
            await self._connection.execute(
                update(sessions)
                .where(sessions.c.id.in_(some), sessions.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )


def _columns(session: Session) -> dict[str, Any]:
    return {
        "user_id": session.user,
        "environment": session.environment,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "expires_at": session.expires_at,
        "auth_time": session.auth_time,
        "acr": session.acr,
        "amr": to_text(session.amr),
        "address": session.address,
        "agent": session.agent,
    }


def _session(row: Any) -> Session:
    with stored(f"the session {row.id}"):
        amr = to_texts(row.amr)
    return Session(
        id=row.id,
        user=row.user_id,
        environment=row.environment,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        auth_time=row.auth_time,
        acr=row.acr,
        amr=amr,
        address=row.address,
        agent=row.agent,
        revoked_at=row.revoked_at,
    )
