"""Writes what gateway workers counted: roll-ups, uses of credentials, quotas. Standard library only.

The supervisor calls it from threads; calls take turns. One :meth:`Ledger.write` is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from wardgate.domain.environment import Retention
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.limits.window import window_end
from wardgate.storage.layout import BUSY_TIMEOUT_MS
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.rollups import COUNTED, LATENCIES, WIDTH, Rollup, added
from wardgate.telemetry.top import TopLine, top_callers, top_resources
from wardgate.telemetry.uses import Use

QuotaRow = tuple[str, str, int]

#: Seconds for which changes stay in the feed; a reader further behind has lost its place and flushes everything.
CHANGE_SECONDS = 86_400.0
#: Seconds for which an ended quota window is kept.
WINDOW_SECONDS = 86_400.0

#: Minutes whose rows are held in memory: the present one, and the one before it, of which counts still come.
_OPEN_MINUTES = 2

_SET_ROLLUP = """
INSERT INTO rollups
    (minute, environment, api, resource, application, status, reason, count, bytes_in, bytes_out, seconds, buckets)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (minute, environment, api, resource, application, status, reason) DO UPDATE SET
    count = excluded.count, bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out,
    seconds = excluded.seconds, buckets = excluded.buckets
"""
_MINUTE = """
SELECT minute, environment, api, resource, application, status, reason, count, bytes_in, bytes_out, seconds, buckets
FROM rollups WHERE minute = ? AND environment = ?
"""
_ADD_USE = """
UPDATE credential_uses SET count = count + ?2,
    address = CASE WHEN ?3 >= last_at THEN ?4 ELSE address END, last_at = max(last_at, ?3)
WHERE credential = ?1
"""
#: For those that the statement above finds no row of. Uses of a credential that was deleted meanwhile find none here either.
_FIRST_USE = """
INSERT INTO credential_uses (credential, count, last_at, address)
SELECT id, ?2, ?3, ?4 FROM credentials
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM credential_uses WHERE credential = ?1)
"""
_SET_QUOTA = """
INSERT INTO quota_windows (key, window, used) VALUES (?, ?, ?)
ON CONFLICT (key, window) DO UPDATE SET used = excluded.used
"""
#: Only what stands before the oldest change to keep: the feed never gets holes, whatever the clock did.
_SWEEP_CHANGES = """
DELETE FROM changes
WHERE seq < coalesce((SELECT min(seq) FROM changes WHERE at >= ?), 9223372036854775807)
"""
#: How long each environment asks for its figures to be kept; those that have no settings ask for the usual.
_ROLLUP_DAYS = """
SELECT e.name, coalesce(json_extract(s.document, '$.retention.rollups'), ?)
FROM environments AS e LEFT JOIN environment_settings AS s ON s.environment = e.name
"""
_SWEEP_ROLLUPS = "DELETE FROM rollups WHERE minute < ?"
#: From the minute that the last sweep came to: what others keep for longer is not looked through each time.
_SWEEP_SOME = "DELETE FROM rollups WHERE minute >= ? AND minute < ? AND environment = ?"
_RECENT = """
SELECT r.minute, r.environment, r.api, r.resource, coalesce(a.name, r.application) AS application, r.status, r.reason,
       r.count, r.bytes_in, r.bytes_out, r.seconds, r.buckets
FROM rollups AS r LEFT JOIN applications AS a ON a.id = r.application
WHERE r.minute >= ? AND r.environment = ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The most trafficked resources and the heaviest applications of the last ``seconds``."""

    seconds: float
    resources: list[TopLine]
    applications: list[TopLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many rows a sweep deleted."""

    rollups: int
    windows: int
    changes: int


class Ledger:
    """The counters' tables of the database at ``path``, which must be there. Opened when first used.

    The roll-ups of the minutes it writes to are held in memory, so that a row is written without being read: nobody else
    may write those of the same environment meanwhile.

    Every method raises StoreUnavailableError when the database cannot be used; nothing was written then, and the
    next call opens it again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        #: What is stored of each minute and environment, by what the rows count; none while a write has not ended.
        self._stored: dict[tuple[int, str], dict[Rollup, Rollup]] = {}
        #: Up to which minute the roll-ups were deleted of environments that keep them for less than others.
        self._swept: dict[str, int] = {}

    def write(
        self,
        rollups: Sequence[Rollup],
        uses: Sequence[Use],
        quotas: Sequence[QuotaRow],
    ) -> None:
        """Adds roll-ups and uses to what is stored, and sets the count of each ``(key, window, used)``: all or nothing.

        Roll-ups are as in ``telemetry/rollups.py``; each credential has one use at most. Uses of a credential that was
        deleted meanwhile are dropped.

        Raises:
            ValueError: a roll-up has another number of latency buckets than the stored ones.
        """
        if any(len(row) != WIDTH for row in rollups):
            raise ValueError(f"a roll-up has {WIDTH} fields, {BUCKETS} of them latency buckets")
        # In the order of the table: what lies on one page is changed in one turn.
        used = sorted(uses, key=itemgetter(0))
        with self._transaction() as connection:
            connection.executemany(_SET_ROLLUP, self._totals(connection, rollups))
            if connection.executemany(_ADD_USE, used).rowcount < len(used):
                connection.executemany(_FIRST_USE, used)
            connection.executemany(_SET_QUOTA, quotas)

    def _totals(self, connection: sqlite3.Connection, rollups: Sequence[Rollup]) -> list[Rollup]:
        """The rows as they are to be stored, ``rollups`` added, in the order of the table."""
        changed: dict[Rollup, Rollup] = {}
        for row in rollups:
            key = row[:COUNTED]
            minute = row[:2]
            stored = self._stored.get(minute)
            if stored is None:
                stored = self._stored[minute] = _read(connection, minute)
            known = stored.get(key)
            total = row if known is None else added(known, row)
            stored[key] = changed[key] = total
        while len(self._stored) > _OPEN_MINUTES:
            del self._stored[min(self._stored)]
        return [(*changed[key][:LATENCIES], str(list(changed[key][LATENCIES:]))) for key in sorted(changed)]

    def load_quotas(self, now: float) -> list[QuotaRow]:
        """``(key, window, used)`` of every quota whose window holds at ``now`` (Unix seconds) or begins later."""
        with self._transaction("BEGIN") as connection:
            ended = set(_ended(connection, now))
            rows = connection.execute("SELECT key, window, used FROM quota_windows").fetchall()
        return [(key, window, used) for key, window, used in rows if window not in ended]

    def sweep(self, now: float) -> Swept:
        """Deletes roll-ups older than their environment keeps them, and windows and changes that ended over a day ago."""
        with self._transaction() as connection:
            self._stored.clear()
            rollups = windows = 0
            days = dict(connection.execute(_ROLLUP_DAYS, (Retention().rollups,)).fetchall())
            longest = max(days.values())
            for environment, kept in days.items():
                done, until = self._swept.get(environment, 0), int(now) - kept * 86_400
                if kept < longest and until > done:
                    rollups += connection.execute(_SWEEP_SOME, (done, until, environment)).rowcount
                    self._swept[environment] = until
            rollups += connection.execute(_SWEEP_ROLLUPS, (int(now) - longest * 86_400,)).rowcount
            for window in _ended(connection, now - WINDOW_SECONDS):
                windows += connection.execute(
                    "DELETE FROM quota_windows WHERE window = ?", (window,)
                ).rowcount
            changes = connection.execute(_SWEEP_CHANGES, (now - CHANGE_SECONDS,)).rowcount
        return Swept(rollups=rollups, windows=windows, changes=changes)

    def recent(self, since: float, environment: str) -> list[dict[str, Any]]:
        """The roll-ups of minutes that begin at ``since`` (Unix seconds) or later, applications by name."""
        with self._transaction("BEGIN") as connection:
            found = connection.execute(_RECENT, (since, environment))
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]

    def top(self, minutes: int, *, now: float, environment: str, limit: int = 10) -> Top:
        """What carried most requests in the current minute and the ``minutes - 1`` before it.

        Raises:
            ValueError: ``minutes`` is not positive.
        """
        if minutes < 1:
            raise ValueError(f"top looks at one or more minutes, not {minutes}")
        since = int(now) // 60 * 60 - (minutes - 1) * 60
        rows = self.recent(since, environment)
        seconds = max(now - since, 1.0)
        return Top(
            seconds=seconds,
            resources=top_resources(rows, seconds, limit),
            applications=top_callers(rows, seconds, limit),
        )

    def close(self) -> None:
        """Closes the connection; a later call opens another."""
        with self._lock:
            self._drop()

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._connection or self._connect()
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._drop()
                raise StoreUnavailableError(f"{self._path.name} cannot be used: {error}") from error
            except BaseException:
                self._drop()
                raise

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        # Counts survive a killed process; losing the last second of them with the whole machine is not worth an fsync.
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _drop(self) -> None:
        """Closing rolls back what was open, so what is held of it holds no more."""
        self._stored.clear()
        self._swept.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _read(connection: sqlite3.Connection, minute: tuple[Any, ...]) -> dict[Rollup, Rollup]:
    """What is stored of a minute and environment."""
    found: dict[Rollup, Rollup] = {}
    for row in connection.execute(_MINUTE, minute):
        found[row[:COUNTED]] = (*row[:LATENCIES], *json.loads(row[LATENCIES]))
    return found


def _ended(connection: sqlite3.Connection, now: float) -> Iterable[str]:
    """Windows over by ``now``; one whose name says no end is over."""
    known = [row[0] for row in connection.execute("SELECT DISTINCT window FROM quota_windows")]
    return [window for window in known if (window_end(window) or 0.0) <= now]
