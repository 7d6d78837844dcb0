"""Concurrency limits: at most ``amount`` requests in flight, in all workers together."""

from __future__ import annotations

from wardgate.domain.limit import Limit
from wardgate.limits.counter import Shortage
from wardgate.limits.lease import Leases
from wardgate.limits.messages import Item, Message

#: From this amount on a worker keeps permits of finished requests for the next ones, even beside other workers.
LEASED_FROM = 32
_FOREVER = float("inf")


class ConcurrencyCounter:
    """A ``concurrency`` limit's counter at the authority: permits by worker, in flight or kept. They do not expire."""

    __slots__ = ("leases", "limit", "touched")

    def __init__(self, limit: Limit, now: float) -> None:
        self.limit = limit
        self.leases = Leases()
        self.touched = now

    def configure(self, limit: Limit, now: float) -> None:
        """Counts on under a changed amount; permits in flight above a lowered one run out by themselves."""
        self.limit = limit

    def report(self, worker: int, item: Item, now: float, wall: float) -> bool:
        """Takes permits back."""
        self.leases.settle(worker, item.back)
        return False

    def shortage(self, worker: int, now: float, wall: float) -> Shortage | None:
        """``None`` if a permit is free. When the next one is cannot be known: a second is a fair guess."""
        if self.leases.total < self.limit.amount:
            return None
        return Shortage(now + 1.0, now + 0.02, self.leases.others(worker) > 0)

    def grant(self, worker: int, want: int, now: float, wall: float) -> Message:
        """Gives permits: as many as wanted where they may be kept, one for each waiting request otherwise."""
        free = max(0, self.limit.amount - self.leases.total)
        permits = self.leases.share(free, want, now)
        self.leases.add(worker, permits, _FOREVER)
        return {
            "grant": permits,
            "out": self.leases.of(worker),
            "left": free - permits,
            "keep": self.limit.amount >= LEASED_FROM or self.leases.users(now) == 1,
        }

    def gone(self, worker: int, now: float) -> bool:
        """The dead worker's requests are over."""
        self.leases.gone(worker)
        return False

    def expire(self, now: float, wall: float) -> bool:
        """Permits do not expire."""
        return False

    def at_rest(self, now: float, wall: float) -> bool:
        """Nothing in flight or kept."""
        return self.leases.total == 0
