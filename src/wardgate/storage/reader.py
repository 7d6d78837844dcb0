"""What a gateway worker reads, straight from SQLite: microseconds a call, nothing heavy to import."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from wardgate.domain.change import Change, ChangeKind
from wardgate.domain.consumer import Application, Restrictions, Subscription, throttled
from wardgate.domain.principal import Principal, Shown
from wardgate.gateway.ports import LostPlaceError, SigningKey, StoreUnavailableError
from wardgate.storage.controls import controls_from_text, limits_from_text
from wardgate.storage.digests import lookup_of
from wardgate.storage.errors import MasterKeyError
from wardgate.storage.reader_apis import ApiReads
from wardgate.storage.reader_oauth import Consumer, OAuthReads, Row
from wardgate.storage.restrictions import NONE, restrictions_from_text
from wardgate.storage.signing import open_signing_key
from wardgate.storage.vault import Vault

#: A worker serves nobody while it waits for the disk, so it waits briefly: readers in WAL mode hardly ever do.
_TIMEOUT_SECONDS = 0.25
#: KiB of pages a connection keeps: the inner pages of the indexes over a million credentials, with room to spare.
_CACHE_KIB = 4096
#: Seconds for which a retired signing key is still published.
_RETIRED_SECONDS = 3600.0

#: What the request path judges a credential by. Each column costs.
_CREDENTIAL = """
SELECT id, environment, expires_at, revoked_at, restrictions, application_id
FROM credentials WHERE lookup = ? AND digest = ?
"""
#: Names of groups and roles hold no blank. The inner selects depend on no row: each is done once.
_CONSUMER = """
SELECT a.name, a.owner, a.status, a.limits, a.throttle,
    (SELECT group_concat(group_name, ' ') FROM group_applications WHERE application_id = ?2),
    (SELECT group_concat(DISTINCT r.role) FROM group_applications AS g JOIN group_roles AS r USING (group_name)
     WHERE g.application_id = ?2),
    s.id, s.api, s.plan, s.status, s.controls, s.expires_at
FROM applications AS a
LEFT JOIN subscriptions AS s ON s.application_id = a.id AND s.environment = ?1
WHERE a.id = ?2
"""
_GROUPS_OF = """
SELECT group_name FROM group_users WHERE user_id = ?1 UNION SELECT group_name FROM federated_members WHERE user_id = ?1
ORDER BY group_name
"""
_CHANGES = "SELECT seq, kind, key, at FROM changes WHERE seq > ? ORDER BY seq"
#: AUTOINCREMENT keeps the newest seq here, also when every row was swept.
_POSITION = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'"
_SIGNING_KEYS = """
SELECT kid, encrypted_private FROM signing_keys
WHERE algorithm = 'ES256' AND (retired_at IS NULL OR retired_at > ?)
ORDER BY retired_at IS NOT NULL, created_at DESC, kid
"""

_DATA_VERSION = "PRAGMA data_version"
#: Applications remembered until the feed moves.
_MAX_CONSUMERS = 4096

Execute = Callable[[str, Row], sqlite3.Cursor]


class SqliteSource(ApiReads, OAuthReads):
    """Implements ``gateway.ports.GatewaySource`` on a read-only connection of its own.

    It connects when first asked and again after a failure, so it may be made before the database is there. One
    thread only. Every read raises StoreUnavailableError when the database cannot be read or holds what this version
    cannot decode.
    """

    def __init__(
        self, path: Path, environment: str, master_key: bytes, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._environment = environment
        self._master_key = master_key
        self._wall = wall
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._consumers: dict[tuple[str, str], Consumer] = {}
        self._execute: Execute | None = None

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
        return self._master_key

    def principal(self, digest: bytes) -> Principal | None:
        """The credential stored under ``digest`` (what it is judged by), its application and subscriptions.

        The latter two are as new as the last ``changed`` or ``changes``: what the feed has announced is in them.
        """
        rows = self._rows(_CREDENTIAL, (lookup_of(digest), digest))
        if not rows:
            return None
        credential_id, environment, expires_at, revoked_at, narrowed, application_id = rows[0]
        consumer = self._consumers.get((application_id, environment))
        if consumer is None:
            consumer = self._consumer(application_id, environment)
            if consumer is None:
                raise StoreUnavailableError(
                    f"application {application_id} of a credential is not there (any more)"
                )
        restrictions = _restrictions(credential_id, narrowed) if narrowed else NONE
        shown = Shown(credential_id, sys.intern(environment), expires_at, revoked_at, restrictions)
        return Principal(shown, *consumer)

    def groups_of(self, user_id: str) -> tuple[str, ...]:
        """The groups a person is in; true at the feed position last read (``subject``)."""
        return tuple(name for (name,) in self._rows(_GROUPS_OF, (user_id,)))

    def position(self) -> int:
        """The newest ``seq`` of the change feed."""
        rows = self._rows(_POSITION)
        return int(rows[0][0]) if rows else 0

    def changes(self, after: int) -> list[Change]:
        """The feed after ``after``. Raises LostPlaceError when rows after it were swept, or the feed is another one."""
        found = [
            Change(seq, cast("ChangeKind", kind), key, at)
            for seq, kind, key, at in self._rows(_CHANGES, (after,))
        ]
        if found:
            self._consumers.clear()
            if found[0].seq != after + 1:
                raise LostPlaceError(f"the feed starts at {found[0].seq}, after the asked {after + 1}")
        elif self.position() != after:
            raise LostPlaceError(f"the feed holds nothing after {after}, and that is not its end")
        return found

    def changed(self) -> bool:
        """Whether any writer committed since the last call; ``True`` after a reconnection."""
        version = int(self._rows(_DATA_VERSION)[0][0])
        changed = version != self._version
        self._version = version
        if changed:
            self._consumers.clear()
        return changed

    def signing_keys(self) -> list[SigningKey]:
        """The assertion keys, newest first; keys retired within the last hour come last."""
        rows = self._rows(_SIGNING_KEYS, (self._wall() - _RETIRED_SECONDS,))
        vault = Vault(self._master_key)
        try:
            return [open_signing_key(vault, kid, sealed) for kid, sealed in rows]
        except MasterKeyError as error:
            raise StoreUnavailableError(str(error)) from error

    def close(self) -> None:
        """Closes the connection; a later read opens another."""
        connection, self._connection = self._connection, None
        self._execute = self._version = None
        self._consumers.clear()
        if connection is not None:
            connection.close()

    def _consumer(self, application_id: str, environment: str) -> Consumer | None:
        """The application and its subscriptions in ``environment``, remembered.

        What changes them appends to the feed in the same transaction, so they stand until it says so.
        """
        consumer = self._consumers.get((application_id, environment))
        if consumer is not None:
            return consumer
        rows = self._rows(_CONSUMER, (environment, application_id))
        if not rows:
            return None
        if len(self._consumers) >= _MAX_CONSUMERS:
            self._consumers.clear()
        consumer = self._consumers[application_id, environment] = _consumer(application_id, rows)
        return consumer

    def _rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        try:
            return (self._execute or self._connect())(statement, parameters).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailableError(f"{self._path.name} cannot be read: {error}") from error

    def _connect(self) -> Execute:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=_TIMEOUT_SECONDS,
            isolation_level=None,
        )
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        execute = self._execute = connection.cursor().execute
        return execute


def _restrictions(credential_id: str, text: str) -> Restrictions:
    try:
        return restrictions_from_text(text)
    except ValueError as error:
        raise StoreUnavailableError(f"restrictions of {credential_id} cannot be read: {error}") from error


def _consumer(application_id: str, rows: list[Row]) -> Consumer:
    """One row a subscription, each with the application; one with NULLs for an application without any."""
    name, owner, status, limits, throttle, groups, roles, *_ = rows[0]
    try:
        application = Application(
            id=application_id,
            name=name,
            owner=owner,
            status=status,
            groups=tuple(sorted(groups.split(" "))) if groups else (),
            limits=throttled(limits_from_text(limits), limits_from_text(throttle)),
            roles=tuple(sorted(roles.split(","))) if roles else (),
        )
        return application, {
            row[8]: Subscription(
                id=row[7],
                application=application_id,
                api=row[8],
                plan=row[9],
                status=row[10],
                controls=controls_from_text(row[11]),
                expires_at=row[12],
            )
            for row in rows
            if row[7] is not None
        }
    except ValueError as error:
        raise StoreUnavailableError(
            f"what is stored of the application {application_id} cannot be read: {error}"
        ) from error
