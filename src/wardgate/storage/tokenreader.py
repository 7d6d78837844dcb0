"""What is stored of access tokens, fast: what introspection and userinfo read on every request."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from wardgate.domain.oauth import Grant, Token
from wardgate.identity.ports import TokenStanding
from wardgate.storage.documents import grant_from_text, token_from_text
from wardgate.storage.errors import StoreError, stored
from wardgate.storage.layout import BUSY_TIMEOUT_MS

T = TypeVar("T")
_Execute = Callable[..., sqlite3.Cursor]

#: A token whose grant is revoked or gone is void.
_OPAQUE = """
SELECT document FROM access_tokens WHERE digest = ? AND (
    grant_id = '' OR EXISTS (SELECT 1 FROM grants WHERE id = grant_id AND revoked_at IS NULL)
)
"""
#: ``kind`` and ``key`` are the primary key: each part is one descent.
_REVOKED = """
SELECT 1 FROM revocations WHERE kind = 'jti' AND key = ?2 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'grant' AND key = ?3 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'subject' AND key = ?4 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'client' AND key = ?5 AND at_ms >= ?1
UNION ALL SELECT 1 FROM revocations WHERE kind = 'application' AND key = ?6 AND at_ms >= ?1
LIMIT 1
"""
_GRANT = """
SELECT id, environment, client, subject, session, created_at, expires_at, revoked_at, document
FROM grants WHERE id = ?
"""


class SqliteTokenReader:
    """Implements ``identity.ports.TokenReader`` on a read-only connection of its own; one thread only.

    Nothing is kept: every call reads what the last commit left, in microseconds and without waiting for a writer. It
    connects when first asked and again after a failure.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def opaque(self, digest: bytes) -> Token | None:
        """The opaque token, expired or not; ``None``: unknown, or its grant is revoked or gone. Raises StoreError."""

        def read(execute: _Execute) -> Token | None:
            row = execute(_OPAQUE, (digest,)).fetchone()
            if row is None:
                return None
            with stored("an access token"):
                return token_from_text(row["document"])

        return self._reading(read)

    async def standing(self, token: Token, application: str) -> TokenStanding:
        """What holds of a token now, all of it in one state of the database. Raises StoreError."""
        keys = (token.issued_ms, token.id, token.grant, token.subject, token.client, application)

        def read(execute: _Execute) -> TokenStanding:
            if not token.grant:
                return TokenStanding(revoked=execute(_REVOKED, keys).fetchone() is not None, grant=None)
            execute("BEGIN")
            try:
                revoked = execute(_REVOKED, keys).fetchone() is not None
                row = execute(_GRANT, (token.grant,)).fetchone()
            finally:
                execute("COMMIT")
            return TokenStanding(revoked=revoked, grant=None if row is None else _grant(row))

        return self._reading(read)

    def close(self) -> None:
        """Closes the connection; a later call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _reading(self, read: Callable[[_Execute], T]) -> T:
        try:
            connection = self._connection or self._connect()
            return read(connection.execute)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(
                "store_unavailable",
                f"{self._path} cannot be read ({error})",
                "Check that it is readable and on a local disk, and try again",
            ) from error

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
        )
        connection.row_factory = sqlite3.Row
        return connection


def _grant(row: sqlite3.Row) -> Grant:
    with stored(f"the grant {row['id']}"):
        return grant_from_text(row["document"], dict(row))
