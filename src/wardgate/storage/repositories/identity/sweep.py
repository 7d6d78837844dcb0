"""Deletes what expired long enough ago to matter to nobody."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.storage import advisory

HOUR = 3600.0
DAY = 86_400.0
#: Rows of one table that one call deletes at most, so that nobody waits long for the write lock.
MOST = 2000


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of ``table`` whose ``column`` is more than ``keep`` seconds ago go; ``key`` is its primary key."""

    table: str
    key: str
    column: str
    keep: float


#: Used codes are kept for an hour after they expired and refresh tokens for a day: their reuse is a sign of theft. Anybody
#: can make a request wait, so what waits in ``once`` is kept no longer than that.
RULES = (
    Rule("once", "space, digest", "expires_at", HOUR),
    Rule("replay_guards", "guard, key", "until", 0.0),
    Rule("access_tokens", "digest", "expires_at", HOUR),
    Rule("refresh_tokens", "digest", "expires_at", DAY),
    Rule("refresh_families", "id", "expires_at", DAY),
    Rule("device_codes", "digest", "expires_at", HOUR),
    Rule("grants", "id", "expires_at", 30 * DAY),
    Rule("grants", "id", "revoked_at", 30 * DAY),
    Rule("sessions", "id", "expires_at", DAY),
    Rule("sessions", "id", "revoked_at", DAY),
    Rule("client_secrets", "client, digest", "expires_at", 30 * DAY),
    Rule("throttle", "key", "until", 0.0),
    Rule("outbox", "id", "created_at", 7 * DAY),
    Rule("token_keys", "kid", "expires_at", DAY),
    Rule("revocations", "kind, key", "until", HOUR),
    Rule("webhook_deliveries", "id", "created_at", 30 * DAY),
    Rule("issuer_documents", "issuer", "at", 30 * DAY),
    Rule("admin_tokens", "id", "expires_at", 90 * DAY),
    Rule("idempotency", "digest", "at", DAY),
)
# Constants only, apart from the bound values.
_STATEMENTS = [
    (
        text(
            f"DELETE FROM {rule.table} WHERE ({rule.key}) IN (SELECT {rule.key} FROM {rule.table} "  # noqa: S608
            f"WHERE {rule.column} < :before ORDER BY {rule.column} LIMIT :most)"
        ),
        rule.keep,
    )
    for rule in RULES
]
#: On SQLite the ledger sweeps the feed. The newest row stays: the next one's number follows from it.
_CHANGES = text(
    "DELETE FROM changes WHERE seq < coalesce((SELECT min(seq) FROM changes WHERE at >= :before), "
    "(SELECT max(seq) FROM changes))"
)


async def sweep(connection: AsyncConnection, now: float) -> int:
    """How many rows were deleted; 0 as well while another transaction sweeps a PostgreSQL database."""
    postgres = connection.dialect.name == "postgresql"
    if postgres and not await advisory.try_hold(connection, advisory.SWEEP):
        return 0
    deleted = 0
    for statement, keep in _STATEMENTS:
        done = await connection.execute(statement, {"before": now - keep, "most": MOST})
        deleted += done.rowcount
    if postgres:
        done = await connection.execute(_CHANGES, {"before": now - DAY})
        deleted += done.rowcount
    return deleted
