"""Counts on their way to the store: merged while they wait, bounded in number, put back whole when writing fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardgate.supervisor.limits import QuotaRow
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.uses import Use, unpack

#: Distinct roll-up rows, and credentials, that may wait; what exceeds them is given up and counted.
MAX_ROWS = 200_000
MAX_USES = 1_000_000

_TEXTS = ("environment", "api", "resource", "application", "reason")
_NAMES = ("minute", "environment", "api", "resource", "application", "status", "reason")
_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction writes."""

    rollups: Sequence[Mapping[str, Any]]
    uses: Sequence[Use]
    quotas: Sequence[QuotaRow]


class Pending:
    """Roll-ups and uses by what they count, and the newest count of each quota."""

    def __init__(self) -> None:
        self._rollups: dict[_Key, dict[str, Any]] = {}
        self._uses: dict[str, Use] = {}
        self._quotas: dict[str, QuotaRow] = {}
        self._lost = 0

    @property
    def rows(self) -> int:
        """How many roll-up rows wait."""
        return len(self._rollups)

    def add(self, rollups: Iterable[Mapping[str, Any]], uses: Mapping[str, Sequence[Any]]) -> None:
        """Adds counts to those that wait; ``uses`` are packed as in ``telemetry/uses.py``.

        Raises:
            KeyError, TypeError, ValueError: a row has another form; none was added.
        """
        self._merge([_row(item) for item in rollups], unpack(uses))

    def set_quotas(self, quotas: Iterable[QuotaRow]) -> None:
        """Replaces the count of each quota given."""
        for row in quotas:
            self._quotas[row[0]] = row

    def take(self) -> Batch | None:
        """All that waits, which then waits no more; ``None`` when nothing does."""
        if not (self._rollups or self._uses or self._quotas):
            return None
        batch = Batch(
            rollups=list(self._rollups.values()),
            uses=list(self._uses.values()),
            quotas=list(self._quotas.values()),
        )
        self._rollups, self._uses, self._quotas = {}, {}, {}
        return batch

    def put_back(self, batch: Batch) -> None:
        """A batch that was not written waits again, merged with what came since."""
        newer = self._quotas
        self._quotas = {row[0]: row for row in batch.quotas} | newer
        since, self._uses = self._uses, {}
        self._merge([dict(row) for row in batch.rollups], batch.uses)
        self._merge_uses(list(since.values()))

    def take_lost(self) -> int:
        """Roll-up rows given up since the last call."""
        lost, self._lost = self._lost, 0
        return lost

    def _merge(self, rollups: Iterable[dict[str, Any]], uses: Sequence[Use]) -> None:
        for row in rollups:
            key = tuple(row[name] for name in _NAMES)
            known = self._rollups.get(key)
            if known is not None:
                for name in ("count", "bytes_in", "bytes_out", "seconds"):
                    known[name] += row[name]
                known["buckets"] = [a + b for a, b in zip(known["buckets"], row["buckets"], strict=True)]
            elif len(self._rollups) < MAX_ROWS:
                self._rollups[key] = row
            else:
                self._lost += 1
        self._merge_uses(uses)

    def _merge_uses(self, uses: Sequence[Use]) -> None:
        waiting = self._uses
        fresh = {use[0]: use for use in uses}
        if waiting.keys().isdisjoint(fresh) and len(waiting) + len(fresh) <= MAX_USES:
            waiting.update(fresh)
            return
        for use in fresh.values():
            known = waiting.get(use[0])
            if known is not None:
                newest = use if use[2] >= known[2] else known
                waiting[use[0]] = (use[0], known[1] + use[1], newest[2], newest[3])
            elif len(waiting) < MAX_USES:
                waiting[use[0]] = use


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    """A checked copy: one wrong row would keep every later flush from being written."""
    buckets = [int(value) for value in item["buckets"]]
    if len(buckets) != BUCKETS:
        raise ValueError(f"a roll-up has {BUCKETS} latency buckets, not {len(buckets)}")
    row: dict[str, Any] = {name: str(item[name]) for name in _TEXTS}
    for name in ("minute", "status", "count", "bytes_in", "bytes_out"):
        row[name] = int(item[name])
    return {**row, "seconds": float(item["seconds"]), "buckets": buckets}
