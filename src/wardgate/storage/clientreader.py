"""Clients by id, fast: what the token endpoint reads on every request."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from wardgate.domain.consumer import Application
from wardgate.domain.oauth import Client, ClientSecret
from wardgate.identity.ports import KnownClient, Store
from wardgate.storage.documents import client_from_text
from wardgate.storage.errors import StoreError, stored
from wardgate.storage.layout import BUSY_TIMEOUT_MS

_VERSION = "PRAGMA data_version"
#: AUTOINCREMENT keeps the newest seq here, also when every row was swept.
_POSITION = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'"
#: Whether anything after the place could concern a client. What does not is written far more often: every revoked
#: token, every key an issuer renews. Rows that were swept before they were read could have been anything.
_CONCERNED = """
SELECT max(seq), count(*), sum(kind NOT IN ('revocation', 'issuer', 'signing_key', 'credential')) FROM changes WHERE seq > ?
"""
_CLIENT = """
SELECT c.id, c.application, c.environment, c.status, c.created_at, c.document,
       a.name, a.owner, a.status AS application_status
FROM clients AS c JOIN applications AS a ON a.id = c.application
WHERE c.id = ?
"""
_SECRETS = (
    "SELECT digest, created_at, expires_at FROM client_secrets WHERE client = ? ORDER BY created_at, digest"
)
_APIS = "SELECT api FROM subscriptions WHERE application_id = ? AND environment = ? AND status = 'active'"
#: Clients kept; past it all are dropped and read again.
MOST_CLIENTS = 4096


class SqliteClientReader:
    """Implements ``identity.ports.ClientReader`` on a read-only connection of its own; one thread only.

    Every call asks SQLite whether anybody committed (a microsecond), and if so the change feed whether a client, an
    application or a subscription changed: what is returned is as the last commit left it. It connects when first asked
    and again after a failure.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._execute: Callable[..., sqlite3.Cursor] | None = None
        self._version: int | None = None
        self._position = 0
        self._known: dict[str, KnownClient] = {}

    async def known(self, client_id: str) -> KnownClient | None:
        """The client with its secrets, application and subscribed APIs; ``None`` if there is none.

        Raises:
            StoreError: the database cannot be read, or holds what this version cannot decode.
        """
        try:
            execute = self._execute or self._connect()
            version = execute(_VERSION).fetchone()[0]
            if version != self._version:
                self._forget(execute, version)
            return self._known.get(client_id) or self._read(execute, client_id)
        except sqlite3.Error as error:
            self.close()
            raise StoreError(
                "store_unavailable",
                f"{self._path} cannot be read ({error})",
                "Check that it is readable and on a local disk, and try again",
            ) from error

    def close(self) -> None:
        """Closes the connection; a later call opens another."""
        connection, self._connection = self._connection, None
        self._execute = self._version = None
        self._known.clear()
        if connection is not None:
            connection.close()

    def _forget(self, execute: Callable[..., sqlite3.Cursor], version: int) -> None:
        """Drops what is known if the feed says that any of it may have changed.

        What is read here may be newer than ``version``: then the next call sees another one, and looks again.
        """
        row = execute(_POSITION).fetchone()
        position = row[0] if row else 0
        if self._version is None:
            self._known.clear()
        elif position != self._position:
            newest, count, concerned = execute(_CONCERNED, (self._position,)).fetchone()
            if concerned or not count or count != newest - self._position:
                self._known.clear()
            position = newest or position
        self._version, self._position = version, position

    def _read(self, execute: Callable[..., sqlite3.Cursor], client_id: str) -> KnownClient | None:
        """Reads one client in one state of the database, and remembers it if that is the state that others are of."""
        execute("BEGIN")
        try:
            current = execute(_VERSION).fetchone()[0] == self._version
            row = execute(_CLIENT, (client_id,)).fetchone()
            if row is None:
                return None
            secrets = execute(_SECRETS, (client_id,)).fetchall()
            apis = execute(_APIS, (row["application"], row["environment"])).fetchall()
        finally:
            execute("COMMIT")
        known = KnownClient(
            client=_client(row),
            secrets=tuple(
                ClientSecret(client=client_id, digest=digest, created_at=created_at, expires_at=expires_at)
                for digest, created_at, expires_at in secrets
            ),
            application=Application(
                id=row["application"],
                name=row["name"],
                owner=row["owner"],
                status=row["application_status"],
            ),
            apis=frozenset(api for (api,) in apis),
        )
        if current:
            if len(self._known) >= MOST_CLIENTS:
                self._known.clear()
            self._known[client_id] = known
        return known

    def _connect(self) -> Callable[..., sqlite3.Cursor]:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
        )
        connection.row_factory = sqlite3.Row
        execute = self._execute = connection.cursor().execute
        return execute


class StoreClientReader:
    """Implements ``identity.ports.ClientReader`` on any store, PostgreSQL too: every call reads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, client_id: str) -> KnownClient | None:
        """The client with its secrets, application and subscribed APIs; ``None`` if there is none. Raises StoreError."""
        async with self._store.reading() as tx:
            client = await tx.clients.get(client_id)
            if client is None:
                return None
            application = await tx.applications.find(client.application)
            if application is None:
                return None
            return KnownClient(
                client=client,
                secrets=tuple(await tx.clients.secrets(client_id)),
                application=application,
                apis=frozenset(
                    each.api
                    for _, each in await tx.applications.subscriptions(client.environment)
                    if each.application == application.id and each.status == "active"
                ),
            )


def _client(row: sqlite3.Row) -> Client:
    with stored(f"the client {row['id']}"):
        return client_from_text(row["document"], dict(row))
