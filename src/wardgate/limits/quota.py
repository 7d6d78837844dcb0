"""Quotas: at most ``amount`` requests in a calendar window, by all workers together."""

from __future__ import annotations

from wardgate.domain.limit import Limit
from wardgate.limits.counter import Shortage
from wardgate.limits.lease import Leases
from wardgate.limits.messages import Item, Message
from wardgate.limits.window import Window, window_at

#: Leases end this long before their window does (seconds), so that rounding between clocks spends no token twice.
_EDGE = 0.001


class QuotaCounter:
    """A ``quota`` limit's counter at the authority.

    Tokens belong to the window they were leased in and end with it. A wall clock set back opens no old window again.
    """

    __slots__ = ("leases", "limit", "touched", "used", "window")

    def __init__(self, limit: Limit, now: float, wall: float, used: int = 0) -> None:
        self.limit = limit
        self.leases = Leases()
        self.touched = now
        self.used = used
        self.window: Window = window_at(limit.per or "", limit.timezone, wall)

    def configure(self, limit: Limit, now: float) -> None:
        """Counts on under a changed amount."""
        self.limit = limit

    def roll(self, wall: float) -> None:
        """Begins a new count if the window is over."""
        if wall >= self.window.end:
            self.window = window_at(self.limit.per or "", self.limit.timezone, wall)
            self.used = 0
            self.leases.clear()

    def report(self, worker: int, item: Item, now: float, wall: float) -> bool:
        """Books spent tokens; a report of a past window changes nothing in this one."""
        self.roll(wall)
        if item.window != self.window.id:
            return False
        used = self.leases.settle(worker, item.used)
        self.leases.settle(worker, item.back)
        self.used += used
        return used > 0

    def shortage(self, worker: int, now: float, wall: float) -> Shortage | None:
        """``None`` if a request is left; else the window's end."""
        self.roll(wall)
        if self.limit.amount - self.used - self.leases.total > 0:
            return None
        at = now + self.window.end - wall
        others = self.leases.others(worker) > 0
        return Shortage(at, min(at, now + (0.05 if others else 1.0)), others)

    def grant(self, worker: int, want: int, now: float, wall: float) -> Message:
        """Leases tokens of this window; they end with it."""
        self.roll(wall)
        free = max(0, self.limit.amount - self.used - self.leases.total)
        tokens = self.leases.share(free, want, now)
        end = now + self.window.end - wall
        until = min(now + self.leases.lifetime(now), end - _EDGE)
        if want or self.leases.of(worker):
            self.leases.add(worker, tokens, until)
        return {
            "grant": tokens,
            "out": self.leases.of(worker),
            "until": until,
            "left": free - tokens,
            "window": self.window.id,
            "reset": end,
        }

    def gone(self, worker: int, now: float) -> bool:
        """What the dead worker held counts as used."""
        return self._charge(self.leases.gone(worker))

    def expire(self, now: float, wall: float) -> bool:
        """Leases that ended unreported count as used."""
        self.roll(wall)
        return self._charge(self.leases.overdue(now))

    def at_rest(self, now: float, wall: float) -> bool:
        """Nothing used, nothing out in the current window."""
        self.roll(wall)
        return self.leases.total == 0 and self.used == 0

    def _charge(self, tokens: int) -> bool:
        self.used += tokens
        return tokens > 0
