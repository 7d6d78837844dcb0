"""Tokens taken back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.domain.oauth import Revocation, Token
from wardgate.storage.prepared import Prepared
from wardgate.storage.repositories.feed import SqlFeed

#: What was taken back stays so: neither time ever moves back.
_ADD = text(
    "INSERT INTO revocations (kind, key, at_ms, until) VALUES (:kind, :key, :at_ms, :until) "
    "ON CONFLICT (kind, key) DO UPDATE SET "
    "at_ms = CASE WHEN excluded.at_ms > revocations.at_ms THEN excluded.at_ms ELSE revocations.at_ms END, "
    "until = CASE WHEN excluded.until > revocations.until THEN excluded.until ELSE revocations.until END"
)
_COVERS = Prepared(
    text(
        "SELECT at_ms FROM revocations WHERE at_ms >= :issued_ms AND (kind, key) IN ("
        "('jti', :jti), ('grant', :grant), ('subject', :subject), ('client', :client), ('application', :application))"
        " LIMIT 1"
    )
)


class SqlRevocations:
    """The rows of ``revocations``."""

    def __init__(self, connection: AsyncConnection, feed: SqlFeed) -> None:
        self._connection = connection
        self._feed = feed

    async def add(self, revocations: Sequence[Revocation], *, at: float) -> None:
        for each in revocations:
            if not each.key:
                raise ValueError(f"a revocation by {each.kind} needs a key; an empty one covers nothing")
        # In one order, so that two transactions that take back the same never wait for each other in a ring.
        ordered = sorted(revocations, key=lambda each: (each.kind, each.key))
        if ordered:
            await self._connection.execute(
                _ADD,
                [
                    {"kind": each.kind, "key": each.key, "at_ms": each.at_ms, "until": each.until}
                    for each in ordered
                ],
            )
        for each in ordered:
            await self._feed.append("revocation", f"{each.kind} {each.key}", at=at)

    async def covers(self, token: Token, application: str) -> bool:
        found = await _COVERS.first(
            self._connection,
            issued_ms=token.issued_ms,
            jti=token.id,
            grant=token.grant,
            subject=token.subject,
            client=token.client,
            application=application,
        )
        return found is not None
