"""A worker's side of one counter: the tokens it holds on lease and what it has to report of them. Sans-I/O.

``tokens``, ``low`` and ``soon`` are plain attributes of every cell because the request path reads them in place: as long
as ``tokens > low`` and ``now < soon`` a request needs no more than to take one.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from wardgate.domain.limit import Limit
from wardgate.limits.messages import Message, burst_of, encode_limit, step_of

#: A lease is sized for this many seconds of the observed demand.
HORIZON = 2.0
#: The first lease asks for so many tokens, and each next one for at most so many times the one before.
FIRST = 32
GROWTH = 8
#: What was used is reported at least this often (seconds).
REPORT_EVERY = 0.5
_NEVER = float("-inf")
_FOREVER = float("inf")


class Cell(Protocol):
    """What a limit set asks of each of its cells."""

    key: str
    limit: Limit
    tokens: int
    low: int
    soon: float
    hold: float
    retry_at: float

    def ready(self, now: float) -> bool:
        """Whether one request can be admitted now."""

    def spend(self, now: float) -> None:
        """Takes what one request needs; :meth:`ready` held."""

    def ask(self, now: float, waiting: int) -> Message:
        """The item of an ask: reports, and wishes for ``waiting`` requests and those expected soon."""

    def reply(self, part: Message, now: float) -> None:
        """Takes the authority's answer to the last ask in."""

    def settle(self, now: float) -> Message | None:
        """What a tick has to report or return, if anything."""

    def surrender(self, now: float) -> Message | None:
        """Gives all back that is not in use (recall, eviction, shutdown)."""

    def empty(self) -> bool:
        """Whether nothing is held and nothing is left to report."""

    def lost(self) -> None:
        """The authority is gone: every lease is void."""

    def left(self, now: float) -> tuple[int, float]:
        """Requests left as far as this worker knows, and seconds until the count is restored."""


class _Refusal:
    """What every cell remembers of the last refusal."""

    __slots__ = ("hold", "key", "limit", "low", "retry_at", "soon", "tokens")

    def __init__(self, key: str, limit: Limit) -> None:
        self.key = key
        self.limit = limit
        self.tokens = 0
        self.low = 0
        self.soon = _NEVER
        self.hold = _NEVER
        self.retry_at = _NEVER

    def refused(self, part: Message, now: float) -> None:
        """Remembers until when the authority's refusal stands."""
        if "hold" in part:
            self.retry_at = part["retry_at"]
            # A millisecond at least: those who waited for this very answer must all hear it.
            self.hold = max(part["hold"], now + 0.001)


class TokenCell(_Refusal):
    """A ``rate`` or ``quota`` limit in a worker."""

    __slots__ = (
        "_asked_at",
        "_asked_for",
        "_asked_tokens",
        "_base",
        "_demand",
        "_reported",
        "_reported_at",
        "_wanted",
        "burst",
        "free",
        "reset",
        "step",
        "tat",
        "until",
        "window",
    )

    def __init__(self, key: str, limit: Limit) -> None:
        super().__init__(key, limit)
        self._base = 0
        #: Used and reported since the last ask.
        self._reported = 0
        self._asked_tokens = self._asked_for = 0
        self._asked_at = self._reported_at = _NEVER
        self._demand = 0.0
        self._wanted = 0
        self.free = limit.amount if limit.kind == "quota" else burst_of(limit)
        self.until = _NEVER
        self.tat = 0.0
        self.window = ""
        self.reset = 0.0
        self.step = step_of(limit) if limit.kind == "rate" else 0.0
        self.burst = burst_of(limit)

    def ready(self, now: float) -> bool:
        """A token is at hand and its lease has not ended."""
        return self.tokens > 0 and now < self.until

    def spend(self, now: float) -> None:
        """One token is used at ``now``."""
        self.tokens -= 1
        if self.step:
            self.tat = (self.tat if self.tat > now else now) + self.step

    def ask(self, now: float, waiting: int) -> Message:
        """Reports all, drops what has expired, wishes for :data:`HORIZON` seconds of demand."""
        used = self._reported + self._base - self.tokens
        elapsed = now - self._asked_at
        if elapsed > 2.0:
            self._demand = 0.0
        else:
            self._demand = max((used + waiting) / max(elapsed, 1e-3), self._demand * 0.5)
        most = max(FIRST, GROWTH * self._wanted)
        self._wanted = min(math.ceil(self._demand * HORIZON), most) if self._demand else min(FIRST, most)
        self._asked_at = now
        item = self._report(now, self.tokens if now >= self.until else 0)
        self._reported = 0
        self._asked_tokens = self.tokens
        item["limit"] = encode_limit(self.limit)
        self._asked_for = max(waiting, self._wanted + waiting - self.tokens)
        item["want"] = self._asked_for
        # Until the answer is here the tokens at hand may all be spent without asking again.
        self.low = 0
        self.soon = self.until
        return item

    def reply(self, part: Message, now: float) -> None:
        """Adds the granted tokens and renews the lease; tokens the authority has already charged are dropped."""
        granted: int = part["grant"]
        missing = max(0, self._asked_tokens + granted - part["out"])
        used = self._base - self.tokens
        window = part.get("window", "")
        if window != self.window:
            # The window the unreported ones were used in is over, and with it their count.
            self.tokens, used = granted, 0
            self.window = window
        else:
            self.tokens = max(0, self.tokens + granted - missing)
        self._base = self.tokens + used
        self.free = part["left"]
        self.until = part["until"]
        self.reset = part.get("reset", 0.0)
        if part.get("tat", 0.0) > self.tat:
            self.tat = part["tat"]
        # What was refused is not asked for again before the tokens at hand are spent.
        more = granted > 0 or self._asked_for == 0
        self.low = self.tokens // 4 if more else 0
        self.soon = self.until - 0.25 * (self.until - now) if more else self.until
        self.refused(part, now)

    def settle(self, now: float) -> Message | None:
        """Returns an ended lease; reports what was used when none is left or the last report is old."""
        used = self._base - self.tokens
        if now >= self.until and self.tokens:
            return self._report(now, self.tokens)
        if used and (self.tokens == 0 or now - self._reported_at >= REPORT_EVERY):
            return self._report(now, 0)
        return None

    def surrender(self, now: float) -> Message | None:
        """Reports and returns everything."""
        if self._base == 0:
            return None
        item = self._report(now, self.tokens)
        self.low = 0
        return item

    def empty(self) -> bool:
        """No token, no report."""
        return self._base == 0

    def lost(self) -> None:
        """Nothing is held and nothing is left to report: the authority counts all that was held as used."""
        self.tokens = self._base = self.low = 0
        self._asked_tokens = 0
        self.soon = self.until = self.hold = _NEVER

    def left(self, now: float) -> tuple[int, float]:
        """A rate's from its TAT, a quota's from the last answer."""
        if self.step:
            full = self.tat - now
            if full <= 0.0:
                return self.burst, 0.0
            count = int(self.burst - full / self.step + 1e-6)
            if count > 0:
                return count, full
            return 0, max(0.0, full - (self.burst - 1) * self.step)
        return self.free + self.tokens, max(0.0, self.reset - now)

    def _report(self, now: float, back: int) -> Message:
        item: dict[str, Any] = {"key": self.key}
        used = self._base - self.tokens
        if used:
            item["used"] = used
            if self.step:
                item["tat"] = self.tat
        if back:
            item["back"] = back
            self.tokens -= back
            self.free += back
            # What was refused for want of these may now be granted.
            self.hold = _NEVER
        if self.window:
            item["window"] = self.window
        self._base = self.tokens
        self._reported += used
        self._reported_at = now
        return item


class PermitCell(_Refusal):
    """A ``concurrency`` limit in a worker: ``tokens`` permits are idle, ``have - tokens`` requests in flight."""

    __slots__ = ("_checked_at", "_idle", "free", "have", "keep", "step", "tat")

    def __init__(self, key: str, limit: Limit) -> None:
        super().__init__(key, limit)
        self.step = 0.0
        self.tat = 0.0
        self.have = 0
        self.keep = False
        self.free = limit.amount
        self._idle = 0
        self._checked_at = _NEVER
        self.soon = _FOREVER

    @property
    def busy(self) -> int:
        """Requests in flight."""
        return self.have - self.tokens

    def ready(self, now: float) -> bool:
        """A permit is idle."""
        return self.tokens > 0

    def spend(self, now: float) -> None:
        """One more request is in flight."""
        self.tokens -= 1

    def release(self) -> Message | None:
        """One request less is in flight; the permit goes back at once if others may wait for it."""
        self.tokens += 1
        self.hold = _NEVER
        if self.keep or self.tokens <= 0:
            return None
        return self._back(self.tokens)

    def ask(self, now: float, waiting: int) -> Message:
        """Wishes for one permit for each waiting request, and some more where they may be kept."""
        more = max(1, self.busy // 4) if self.keep else 0
        self.low = 0
        return {"key": self.key, "limit": encode_limit(self.limit), "want": waiting + more}

    def reply(self, part: Message, now: float) -> None:
        """Adds the granted permits."""
        granted: int = part["grant"]
        self.have += granted
        self.tokens += granted
        self.keep = part["keep"]
        self.free = part["left"]
        self.refused(part, now)

    def settle(self, now: float) -> Message | None:
        """Returns half of the permits that stayed idle for a second, and all of them if nothing is in flight."""
        if now - self._checked_at < 1.0:
            self._idle = min(self._idle, self.tokens)
            return None
        idle, self._idle, self._checked_at = min(self._idle, self.tokens), self.tokens, now
        if idle <= 0:
            return None
        return self._back(idle if idle == self.have else (idle + 1) // 2)

    def surrender(self, now: float) -> Message | None:
        """Returns every idle permit."""
        return self._back(self.tokens) if self.tokens > 0 else None

    def empty(self) -> bool:
        """No permit, no request in flight."""
        return self.have == 0 and self.tokens == 0

    def lost(self) -> None:
        """No permit is held any more; requests in flight go on."""
        self.tokens -= self.have
        self.have = 0

    def left(self, now: float) -> tuple[int, float]:
        """What nobody holds, and what is idle here."""
        return max(0, self.free + self.tokens), 0.0

    def _back(self, permits: int) -> Message:
        self.tokens -= permits
        self.have -= permits
        self.free += permits
        return {"key": self.key, "back": permits}
