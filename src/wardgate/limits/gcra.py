"""Rate limits: the generic cell rate algorithm (ITU-T I.371) with leased tokens.

The bound: in any span of ``w`` seconds at most ``burst + w * amount / period`` requests are admitted, by all workers
together. A counter is one number, the theoretical arrival time (TAT): when the bucket would be full again. Tokens that
are out on lease do not age: they occupy room until reported. A report says when tokens were spent through the
worker's own TAT, so a late report costs nobody a token. Merging reports out of order only ever raises the TAT:

    fold(tat) of ``tat = max(tat, t) + step`` over spends at ``t1 <= ... <= tn``
        = ``max(tat + n * step, fold(minus infinity))``
"""

from __future__ import annotations

import math

from wardgate.domain.limit import Limit
from wardgate.limits.counter import EPSILON, Shortage
from wardgate.limits.lease import Leases
from wardgate.limits.messages import Item, Message, burst_of, step_of


class RateCounter:
    """A ``rate`` limit's counter at the authority."""

    __slots__ = ("burst", "leases", "limit", "step", "tat", "touched")

    def __init__(self, limit: Limit, now: float) -> None:
        self.leases = Leases()
        self.tat = now
        self.touched = now
        self.configure(limit, now)

    def configure(self, limit: Limit, now: float) -> None:
        """Counts on under a changed rate; the time at which the bucket would be full stays."""
        self.limit = limit
        self.step = step_of(limit)
        self.burst = burst_of(limit)

    def report(self, worker: int, item: Item, now: float, wall: float) -> bool:
        """Books spent tokens at the times they were spent and unspent ones as never taken."""
        used = self.leases.settle(worker, item.used)
        self.leases.settle(worker, item.back)
        if used:
            self.tat = max(self.tat + used * self.step, item.tat)
        return False

    def free(self, now: float) -> int:
        """How many tokens could be leased now."""
        level = max(0.0, self.tat - now) / self.step
        return max(0, math.floor(self.burst - level - self.leases.total + EPSILON))

    def shortage(self, worker: int, now: float, wall: float) -> Shortage | None:
        """``None`` if a token is free; else when one comes back if all leased ones are spent now."""
        if self.free(now) > 0:
            return None
        at = max(self.tat, now) - (self.burst - self.leases.total - 1) * self.step
        others = self.leases.others(worker) > 0
        return Shortage(at, min(at, now + 0.05) if others else at, others)

    def grant(self, worker: int, want: int, now: float, wall: float) -> Message:
        """Leases tokens; ``until`` renews all that the worker holds."""
        tokens = self.leases.share(self.free(now), want, now)
        if want or self.leases.of(worker):
            self.leases.add(worker, tokens, now + self.leases.lifetime(now))
        return {
            "grant": tokens,
            "out": self.leases.of(worker),
            "until": now + self.leases.lifetime(now),
            "tat": self.tat,
            "left": self.free(now),
        }

    def gone(self, worker: int, now: float) -> bool:
        """What the dead worker held counts as spent now."""
        self._charge(self.leases.gone(worker), now)
        return False

    def expire(self, now: float, wall: float) -> bool:
        """Leases that ended unreported count as spent now."""
        self._charge(self.leases.overdue(now), now)
        return False

    def at_rest(self, now: float, wall: float) -> bool:
        """Full bucket, nothing out."""
        return self.leases.total == 0 and self.tat <= now

    def _charge(self, tokens: int, now: float) -> None:
        if tokens:
            self.tat = max(self.tat, now) + tokens * self.step
