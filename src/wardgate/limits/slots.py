"""A ``spike`` limit in a worker: the spans of time it may admit in, and the distance it keeps within them. Sans-I/O."""

from __future__ import annotations

import math

from wardgate.domain.limit import Limit
from wardgate.limits.cell import _NEVER, _Refusal
from wardgate.limits.messages import Message, encode_limit, step_of
from wardgate.limits.spike import RUN, queue_of

#: Slots closer than this (seconds) are finer than the event loop's timer; a waiting request served late by up to the
#: timer's grain does not push the following ones back.
_FINE = 0.01
_GRAIN = 0.001


class SlotCell(_Refusal):
    """The spans leased, the newest admission, and when the next is due. ``soon`` stays in the past: a set with a spike
    limit always takes the long way."""

    __slots__ = ("_asked_at", "_demand", "_reported", "_since", "_spans", "last", "queue", "step")

    def __init__(self, key: str, limit: Limit) -> None:
        super().__init__(key, limit)
        self._spans: list[list[float]] = []
        self.last: float | None = None
        self._reported = True
        self._asked_at = _NEVER
        self._since = 0
        self._demand = 0.0
        self.step = step_of(limit)
        self.queue = queue_of(limit)

    def due(self, now: float) -> float | None:
        """When the next request may be admitted within the spans at hand (``now`` or later); ``None`` if none fits."""
        earliest = now if self.last is None else max(now, self.last + self.step)
        spans = self._spans
        while spans:
            start, end = spans[0]
            at = start if start > earliest else earliest
            if at <= end:
                return at
            del spans[0]
        return None

    def ready(self, now: float) -> bool:
        """A slot is due now."""
        due = self.due(now)
        return due is not None and due <= now

    def spend(self, now: float) -> None:
        """A request that did not wait is admitted at ``now``."""
        self.last = now
        self._since += 1
        self._reported = False

    def spend_late(self, now: float) -> None:
        """A request that waited for its slot is admitted at ``now``, maybe a little late."""
        due = now
        if self.step < _FINE and self._spans:
            earliest = (
                self._spans[0][0] if self.last is None else max(self._spans[0][0], self.last + self.step)
            )
            due = min(now, max(earliest, now - _GRAIN))
        self.spend(now)
        self.last = due

    def covers(self, now: float, waiting: int) -> bool:
        """Whether the spans at hand hold a slot for each of ``waiting`` requests."""
        at = now if self.last is None else max(now, self.last + self.step)
        for start, end in self._spans:
            at = max(at, start)
            if at <= end:
                slots = int((end - at) / self.step + 1e-6) + 1
                waiting -= slots
                at += slots * self.step
        return waiting <= 0

    def estimate(self, now: float, before: int) -> float:
        """About when a request behind ``before`` waiting ones would be admitted."""
        due = self.due(now)
        if due is None:
            due = now if self.last is None else max(now, self.last + self.step)
        return due + before * self.step

    def ask(self, now: float, waiting: int) -> Message:
        """Reports the newest admission; wishes for a slot for each waiting request, or a run of them where dense."""
        elapsed = now - self._asked_at
        self._demand = self._since / max(elapsed, 1e-3) if elapsed < 1.0 else 0.0
        self._asked_at = now
        self._since = 0
        item: Message = {"key": self.key, "limit": encode_limit(self.limit)}
        run = min(math.ceil(RUN / self.step), math.ceil(self._demand * RUN)) if self.step < RUN else 0
        item["want"] = max(1, waiting, run)
        if self.last is not None:
            item["last"] = self.last
        self._reported = True
        return item

    def reply(self, part: Message, now: float) -> None:
        """Adds the leased span, or makes the newest one longer."""
        if part["grant"]:
            span = [part["start"], part["end"]]
            if self._spans and self._spans[-1][0] == span[0]:
                self._spans[-1] = span
            else:
                self._spans.append(span)
        self.refused(part, now)

    def settle(self, now: float) -> Message | None:
        """Reports the newest admission and gives the rest of the spans up once nothing is due in them."""
        if self._reported or self.due(now) is not None:
            return None
        return self.surrender(now)

    def surrender(self, now: float) -> Message | None:
        """Gives every span up."""
        if not self._spans and self._reported:
            return None
        self._spans.clear()
        self._reported = True
        item: Message = {"key": self.key, "done": True}
        if self.last is not None:
            item["last"] = self.last
        return item

    def empty(self) -> bool:
        """No span, no report."""
        return not self._spans and self._reported

    def lost(self) -> None:
        """Every span is void; the distance to the newest admission is still kept."""
        self._spans.clear()
        self.hold = _NEVER

    def left(self, now: float) -> tuple[int, float]:
        """Whether a request would be admitted now, and seconds until the next slot."""
        at = self.estimate(now, 0)
        return int(at <= now), at - now
