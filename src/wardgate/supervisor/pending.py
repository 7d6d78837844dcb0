"""Counts on their way to the store: merged while they wait, bounded in number, put back whole when writing fails."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardgate.supervisor.limits import QuotaRow
from wardgate.telemetry.rollups import COUNTED, Rollup, added
from wardgate.telemetry.uses import Use, check, unpack

#: Distinct roll-up rows, and credentials, that may wait; what exceeds them is given up and counted.
MAX_ROWS = 200_000
MAX_USES = 1_000_000
#: Where the uses of more credentials wait, they leave by ranges of ids in turns, so many ranges at most: what waits gathers
#: more uses, and rows that lie together in the store are written together.
USES_A_BATCH = 4096
USES_BATCHES = 20
#: Ids looked at for each range to find where it ends.
_SAMPLE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction writes."""

    rollups: Sequence[Rollup]
    uses: Sequence[Use]
    quotas: Sequence[QuotaRow]


class Pending:
    """Roll-ups and uses by what they count, and the newest count of each quota."""

    def __init__(self) -> None:
        self._rollups: dict[Rollup, Rollup] = {}
        #: Of each credential its uses, and when and from where the last was.
        self._counts: Counter[str] = Counter()
        self._latest: dict[str, tuple[float, str]] = {}
        #: No use that waits was later.
        self._newest = 0.0
        self._turns: list[list[str]] = []
        self._quotas: dict[str, QuotaRow] = {}
        self._lost = 0

    @property
    def rows(self) -> int:
        """How many roll-up rows wait."""
        return len(self._rollups)

    def add(self, rollups: Iterable[Rollup], uses: Mapping[str, Sequence[Any]]) -> None:
        """Adds counts to those that wait; ``uses`` are packed as in ``telemetry/uses.py``.

        Raises:
            KeyError, TypeError, ValueError: uses have another form; nothing was added.
        """
        check(uses)
        self._merge_rollups(rollups)
        self._merge_packed(uses)

    def set_quotas(self, quotas: Iterable[QuotaRow]) -> None:
        """Replaces the count of each quota given."""
        for row in quotas:
            self._quotas[row[0]] = row

    def take(self, *, everything: bool = False) -> Batch | None:
        """What waits, which then waits no more; ``None`` when nothing does.

        Of many uses the range whose turn it is (see :meth:`crowd`), unless ``everything`` is asked for.
        """
        if not (self._rollups or self._counts or self._quotas):
            return None
        batch = Batch(
            rollups=list(self._rollups.values()),
            uses=self._take_uses(everything),
            quotas=list(self._quotas.values()),
        )
        self._rollups, self._quotas = {}, {}
        return batch

    def take_quotas(self) -> Batch | None:
        """The counts of quotas that wait, and nothing else; ``None`` when there are none."""
        if not self._quotas:
            return None
        batch = Batch(rollups=(), uses=(), quotas=list(self._quotas.values()))
        self._quotas = {}
        return batch

    def crowd(self) -> list[str] | None:
        """The credentials whose uses wait, where they are too many for one batch and have to be told their turns."""
        if self._turns or len(self._counts) <= USES_A_BATCH:
            return None
        return list(self._counts)

    def take_turns(self, turns: list[list[str]]) -> None:
        """Each of the next batches takes the uses of one of ``turns`` (see :func:`ranges`), the last first."""
        self._turns = turns

    def put_back(self, batch: Batch) -> None:
        """A batch that was not written waits again, merged with what came since."""
        newer = self._quotas
        self._quotas = {row[0]: row for row in batch.quotas} | newer
        since = self._take_all()
        self._merge_rollups(batch.rollups)
        self._merge_uses(batch.uses)
        self._merge_uses(since)

    def take_lost(self) -> int:
        """Roll-up rows given up since the last call."""
        lost, self._lost = self._lost, 0
        return lost

    def _take_uses(self, everything: bool) -> list[Use]:
        if everything or not self._turns or len(self._counts) <= USES_A_BATCH:
            self._turns = []
            return self._take_all()
        counts, latest = self._counts, self._latest
        return [
            (credential, counts.pop(credential), *latest.pop(credential))
            for credential in self._turns.pop()
            if credential in counts
        ]

    def _take_all(self) -> list[Use]:
        uses = [(credential, count, *self._latest[credential]) for credential, count in self._counts.items()]
        self._counts, self._latest = Counter(), {}
        return uses

    def _merge_rollups(self, rollups: Iterable[Rollup]) -> None:
        waiting = self._rollups
        for row in rollups:
            key = row[:COUNTED]
            known = waiting.get(key)
            if known is not None:
                waiting[key] = added(known, row)
            elif len(waiting) < MAX_ROWS:
                waiting[key] = row
            else:
                self._lost += 1

    def _merge_packed(self, uses: Mapping[str, Sequence[Any]]) -> None:
        """Adds checked uses; where each credential was used once and all of them last, without a step for each."""
        if not uses:
            return
        ids, counts, times, addresses = uses["ids"], uses["counts"], uses["times"], uses["addresses"]
        alike = len(times) == len(addresses) == 1 and list(counts) == [1] and times[0] >= self._newest
        if not alike or len(self._counts) + len(ids) > MAX_USES:
            self._merge_uses(unpack(uses))
            return
        self._newest = times[0]
        self._counts.update(ids)
        self._latest.update(dict.fromkeys(ids, (times[0], addresses[0])))

    def _merge_uses(self, uses: Iterable[Use]) -> None:
        counts, latest = self._counts, self._latest
        for credential, count, last_at, address in uses:
            known = counts.get(credential)
            if known is None:
                if len(counts) >= MAX_USES:
                    continue
                counts[credential] = count
                latest[credential] = (last_at, address)
            else:
                counts[credential] = known + count
                if last_at >= latest[credential][0]:
                    latest[credential] = (last_at, address)
            if last_at > self._newest:
                self._newest = last_at


def ranges(ids: list[str]) -> list[list[str]]:
    """``ids`` by ranges of about the same number, in falling order; within a range in any."""
    count = min(USES_BATCHES, len(ids) // USES_A_BATCH + 1)
    sample = sorted(ids[:: max(1, len(ids) // (count * _SAMPLE))])
    ends = sample[_SAMPLE::_SAMPLE]
    found: list[list[str]] = [[] for _ in range(len(ends) + 1)]
    for identity in ids:
        found[bisect_right(ends, identity)].append(identity)
    return found[::-1]
