"""What one gateway worker counts: per-minute roll-ups, uses of credentials, and figures for metrics.

``record`` runs once a request and only adds to cells (``cells.py``); everything else runs on the worker's coarse timer.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from wardgate.telemetry import rollups
from wardgate.telemetry.cells import Cell, Cells, Kind
from wardgate.telemetry.rollups import Rollup
from wardgate.telemetry.uses import PackedUses, pack, unpack

#: Stands for every resource and application past the bound on live cells.
OTHER = "(other)"

#: Figures a worker sets: the present value of each ...
GAUGES = (
    "connections",
    "in_flight",
    "credential_cache_entries",
    "negative_cache_entries",
    "upstream_connections",
    "store_staleness_seconds",
)
#: ... and what it has counted since it started.
COUNTERS = (
    "credential_cache_hits",
    "credential_cache_misses",
    "limit_authority_away",
    "access_log_dropped",
    "upstream_retries",
    "rollups_overflowed",
)
#: Upper bounds in seconds of the time from a committed change to a worker acting on it.
PROPAGATION_BOUNDS: tuple[float, ...] = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    5.0,
    30.0,
)

#: Roll-up rows that leave at once: written and added up, a row costs more than the requests it counts.
_ROWS = 500


class Recorder:
    """Counts what a worker does; memory is bounded whatever clients send.

    At most ``max_cells`` roll-up cells are open at once: past that, requests of new combinations are counted as
    resource and application ``(other)`` of their API. Uses of credentials are never merged or lost: what exceeds
    ``max_uses`` leaves with the next drain.
    """

    __slots__ = (
        "_cells",
        "_closed",
        "_figures",
        "_max_cells",
        "_max_uses",
        "_minute",
        "_now",
        "_propagation",
        "_sent",
        "_use_addresses",
        "_use_counts",
        "_use_times",
        "_used",
        "_used_from",
        "_wall",
        "environment",
        "overflowed",
    )

    def __init__(
        self,
        environment: str,
        wall: Callable[[], float] = time.time,
        *,
        max_cells: int = 20_000,
        max_uses: int = 20_000,
    ) -> None:
        self.environment = environment
        #: Requests counted under ``(other)`` since start.
        self.overflowed = 0
        self._wall = wall
        self._max_cells = max_cells
        self._max_uses = max_uses
        self._now = wall()
        self._minute = int(self._now) // 60 * 60
        self._cells = Cells()
        #: Cells of minutes that have ended, and of messages that came back.
        self._closed: dict[int, Cells] = {}
        #: Credentials in the order they were used, and from where, since the last :meth:`_gather`: of all ways to note a
        #: use the cheapest.
        self._used: list[str] = []
        self._used_from: list[str] = []
        #: Gathered uses: how many, when last (whole Unix seconds) and from where. The same keys in the same order.
        self._use_counts: Counter[str] = Counter()
        self._use_times: dict[str, int] = {}
        self._use_addresses: dict[str, str] = {}
        self._figures: dict[str, float] = dict.fromkeys(GAUGES + COUNTERS, 0)
        self._propagation: list[Any] = [0] * (len(PROPAGATION_BOUNDS) + 1) + [0.0]
        self._sent: dict[str, Any] = self.snapshot()

    def record(
        self,
        api: str,
        resource: str,
        application: str,
        credential: str,
        address: str,
        status: int,
        reason: str,
        bytes_in: int,
        bytes_out: int,
        seconds: float,
    ) -> None:
        """Counts one finished request. ``""`` stands for what is unknown; an undeclared path is resource ``""``.

        ``reason`` is a rejection's name, or ``ok``. ``credential`` is an id, never the secret.
        """
        kind = (api, application, status, reason)
        cell = self._cells.find(kind, resource)
        if cell is None:
            cell = self._open(kind, resource)
        cell.add(bytes_in, bytes_out, seconds)
        if credential:
            self._used.append(credential)
            self._used_from.append(address)

    def tick(self) -> None:
        """Refreshes the wall time that requests are counted under; call it about every second or oftener."""
        if self._used:
            self._gather()
        self._now = now = self._wall()
        minute = int(now) // 60 * 60
        if minute != self._minute:
            if self._cells.count:
                self._closed.setdefault(self._minute, Cells()).absorb(self._cells)
                self._cells = Cells()
            self._minute = minute

    def set(self, figure: str, value: float) -> None:
        """Sets one of :data:`GAUGES` to its present value, or one of :data:`COUNTERS` to its total since start.

        Raises:
            KeyError: there is no such figure.
        """
        if figure not in self._figures:
            raise KeyError(f"{figure!r} is no worker figure; there are {', '.join(self._figures)}")
        self._figures[figure] = value

    def propagated(self, seconds: float) -> None:
        """Counts one change of the feed that this worker acted on ``seconds`` after it was committed."""
        self._propagation[bisect_left(PROPAGATION_BOUNDS, seconds)] += 1
        self._propagation[-1] += seconds

    def snapshot(self) -> dict[str, Any]:
        """The worker's figures: gauges as they are, counters and the propagation histogram since start."""
        figures = self._figures
        figures["rollups_overflowed"] = self.overflowed
        return {
            "gauges": {name: figures[name] for name in GAUGES},
            "counters": {name: figures[name] for name in COUNTERS},
            "propagation": {"buckets": self._propagation[:-1], "sum": self._propagation[-1]},
        }

    def drain(self, limit: int = 1000) -> dict[str, Any] | None:
        """Takes what was counted since the last drain as one ``telemetry`` message; ``None`` when nothing is new.

        At most ``limit`` uses and roll-up rows leave at once, of rows no more than half a thousand, oldest first (more
        only where the bounds on memory ask for it), which lets busy cells gather more; to empty the recorder, drain
        until it returns ``None``.
        Its rows and uses are packed as in ``rollups.py`` and ``uses.py``.
        """
        self.tick()
        rows = self._take_rows(max(min(limit, _ROWS), self._cells.count - self._max_cells // 2))
        uses = self._take_uses(max(limit, len(self._use_counts) - self._max_uses))
        figures = self.snapshot()
        if not rows and not uses and figures == self._sent:
            return None
        self._sent = figures
        return {"kind": "telemetry", "rows": rollups.pack(rows), "uses": uses, "metrics": figures}

    def drain_uses(self, least: int = 1000, most: int = 4000) -> dict[str, Any] | None:
        """Takes up to ``most`` uses alone, once ``least`` wait: many callers would otherwise make one long drain."""
        if len(self._used) + len(self._use_counts) < least:
            return None
        self._gather()
        if len(self._use_counts) < least:
            return None
        return {"kind": "telemetry", "rows": [], "uses": self._take_uses(most), "metrics": self.snapshot()}

    def restore(self, message: Mapping[str, Any]) -> None:
        """Puts back a drained message that could not be sent: its rows and uses count again, each once."""
        for row in rollups.unpack(message["rows"]):
            minute, _, api, resource, application, status, reason = row[: rollups.COUNTED]
            cell = Cell()
            cell.count, cell.bytes_in, cell.bytes_out, cell.seconds = row[rollups.COUNTED : rollups.LATENCIES]
            cell.buckets = list(row[rollups.LATENCIES :])
            self._closed.setdefault(minute, Cells()).put((api, application, status, reason), resource, cell)
        self._gather()
        counts = self._use_counts
        for credential, count, last_at, address in unpack(message["uses"]):
            if credential not in counts:
                self._use_times[credential] = int(last_at)
                self._use_addresses[credential] = address
            counts[credential] += count
        self._sent = {}

    def _open(self, kind: Kind, resource: str) -> Cell:
        cells = self._cells
        if cells.count >= self._max_cells:
            self.overflowed += 1
            kind, resource = (kind[0], OTHER, kind[2], kind[3]), OTHER
            known = cells.find(kind, resource)
            if known is not None:
                return known
        cell = Cell()
        cells.put(kind, resource, cell)
        return cell

    def _take_rows(self, limit: int) -> list[Rollup]:
        rows: list[Rollup] = []
        for minute, cells in [*self._closed.items(), (self._minute, self._cells)]:
            taken = cells.take(limit - len(rows))
            rows += [self._row(minute, kind, resource, cell) for kind, resource, cell in taken]
        self._closed = {minute: cells for minute, cells in self._closed.items() if cells.count}
        return rows

    def _row(self, minute: int, kind: Kind, resource: str, cell: Cell) -> Rollup:
        api, application, status, reason = kind
        return (
            minute,
            self.environment,
            api,
            resource,
            application,
            status,
            reason,
            cell.count,
            cell.bytes_in,
            cell.bytes_out,
            round(cell.seconds, 6),
            *cell.buckets,
        )

    def _gather(self) -> None:
        """Adds up the uses noted since the last time; no step of it is taken for each use alone."""
        used = self._used
        self._use_counts.update(used)
        self._use_times.update(dict.fromkeys(used, int(self._now)))
        self._use_addresses.update(zip(used, self._used_from, strict=True))
        self._used = []
        self._used_from = []

    def _take_uses(self, limit: int) -> PackedUses:
        counts, times, addresses = self._use_counts, self._use_times, self._use_addresses
        if len(counts) <= limit:
            self._use_counts, self._use_times, self._use_addresses = Counter(), {}, {}
            return pack(list(counts), list(counts.values()), list(times.values()), list(addresses.values()))
        ids = list(islice(counts, limit))
        return pack(
            ids,
            [counts.pop(credential) for credential in ids],
            [times.pop(credential) for credential in ids],
            [addresses.pop(credential) for credential in ids],
        )


def added(snapshots: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of one process whose environments have a recorder each; gauges stand in one of them alone."""
    histograms = [each["propagation"] for each in snapshots]
    return {
        "gauges": {name: sum(each["gauges"][name] for each in snapshots) for name in GAUGES},
        "counters": {name: sum(each["counters"][name] for each in snapshots) for name in COUNTERS},
        "propagation": {
            "buckets": [
                sum(column) for column in zip(*(each["buckets"] for each in histograms), strict=True)
            ],
            "sum": sum(each["sum"] for each in histograms),
        },
    }
