"""Spike arrest: admissions at least ``period / amount`` apart, in all workers together.

The authority leases spans of time. Within ``[start, end]`` one worker alone may admit, keeping the distance itself; the
next worker's span begins a distance after the end. So the distance holds whatever the messages' delays, and a worker
that goes on alone has no gap between its spans.
"""

from __future__ import annotations

import math

from wardgate.domain.limit import Limit
from wardgate.limits.counter import EPSILON, Shortage
from wardgate.limits.lease import Leases
from wardgate.limits.messages import Item, Message, step_of

#: Seconds of slots leased at once where they are dense.
RUN = 0.02
QUEUE = 1.0


def queue_of(limit: Limit) -> float:
    """Seconds a request may wait for its slot."""
    return QUEUE if limit.queue is None else limit.queue


def leeway(step: float) -> float:
    """Seconds a slot stays usable after it begins: the time a worker needs to hear of it and act."""
    return RUN if step < RUN else min(0.05, max(0.005, step / 20))


class SpikeCounter:
    """A ``spike`` limit's counter at the authority: who holds the newest span, and where it ends."""

    __slots__ = ("end", "holder", "last", "leases", "limit", "start", "step", "touched")

    def __init__(self, limit: Limit, now: float) -> None:
        self.leases = Leases()
        self.touched = now
        self.holder: int | None = None
        self.start = self.end = self.last = float("-inf")
        self.configure(limit, now)

    def configure(self, limit: Limit, now: float) -> None:
        """Counts on under a changed distance."""
        self.limit = limit
        self.step = step_of(limit)

    def report(self, worker: int, item: Item, now: float, wall: float) -> bool:
        """Notes the newest admission; a span given up ends with it."""
        if worker != self.holder:
            return False
        if item.last is not None:
            self.last = max(self.last, item.last)
        if item.done:
            self.end = min(self.end, max(self.last, self.start - self.step))
            self.holder = None
        return False

    def shortage(self, worker: int, now: float, wall: float) -> Shortage | None:
        """``None`` if this worker's next slot comes within the queue's seconds."""
        begin = self._begin(worker, now)
        if begin - now <= queue_of(self.limit) + EPSILON:
            return None
        return Shortage(begin, min(begin - queue_of(self.limit), now + 0.05))

    def grant(self, worker: int, want: int, now: float, wall: float) -> Message:
        """Leases a span of ``want`` slots, as far as the queue reaches; a worker that holds the newest goes on in it."""
        begin = self._begin(worker, now)
        if want and begin - now <= queue_of(self.limit) + EPSILON:
            room = max(0.0, now + max(queue_of(self.limit), RUN) - begin)
            slots = min(want, 1 + math.floor(room / self.step + EPSILON))
            end = begin + max((slots - 1) * self.step, 0.0) + leeway(self.step)
            if worker == self.holder:
                self.end = max(self.end, end)
            else:
                self.holder, self.start, self.end, self.last = worker, begin, end, float("-inf")
            return {"grant": slots, "start": self.start, "end": self.end}
        return {"grant": 0}

    def gone(self, worker: int, now: float) -> bool:
        """The dead worker admitted nothing after now; the span before its own stands."""
        if worker == self.holder:
            self.end = max(min(self.end, now), self.start - self.step)
            self.holder = None
        return False

    def expire(self, now: float, wall: float) -> bool:
        """Spans end by themselves."""
        return False

    def at_rest(self, now: float, wall: float) -> bool:
        """The next slot is free at once for anybody."""
        return self.end + self.step <= now and (self.holder is None or now - self.touched > 1.0)

    def _begin(self, worker: int, now: float) -> float:
        if worker == self.holder:
            return max(now, self.start, self.last + self.step)
        return max(now, self.end + self.step)
