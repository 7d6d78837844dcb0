"""The authority's book of leases on one counter: how many tokens are out, with whom, and until when."""

from __future__ import annotations

#: How long a lease lives (seconds): alone a worker may keep it longer, since nobody waits for its tokens.
LEASE_ALONE = 5.0
LEASE_SHARED = 0.5
#: A lease nobody reported on is charged as used this long after its end (a stalled worker reports late).
GRACE = 1.0
#: A worker counts as a user of a counter this long after it last asked.
ACTIVE = 2.0
#: Unused tokens are called back at most once in RECALL_EVERY seconds; asks wait RECALL_WAIT for the returns.
RECALL_EVERY = 0.1
RECALL_WAIT = 0.03


class Leases:
    """Outstanding tokens by worker, and which workers asked lately. ``total`` is the sum of all outstanding."""

    __slots__ = ("_seen", "_until", "held", "recalled_at", "total")

    def __init__(self) -> None:
        self.held: dict[int, int] = {}
        self.total = 0
        self.recalled_at = float("-inf")
        self._until: dict[int, float] = {}
        self._seen: dict[int, float] = {}

    def saw(self, worker: int, now: float) -> None:
        """Notes that ``worker`` uses this counter."""
        self._seen[worker] = now

    def users(self, now: float) -> int:
        """How many workers used this counter lately (at least 1)."""
        if len(self._seen) > 1:
            for worker in [w for w, at in self._seen.items() if now - at > ACTIVE and w not in self.held]:
                del self._seen[worker]
        return len(self._seen) or 1

    def add(self, worker: int, tokens: int, until: float) -> None:
        """``worker`` holds ``tokens`` more, and all it holds until ``until``."""
        if tokens:
            self.held[worker] = self.held.get(worker, 0) + tokens
            self.total += tokens
        self._until[worker] = until

    def settle(self, worker: int, tokens: int) -> int:
        """Takes up to ``tokens`` off what ``worker`` holds; returns how many there were to take."""
        held = self.held.get(worker, 0)
        taken = min(held, tokens)
        if taken == held:
            self.held.pop(worker, None)
            self._until.pop(worker, None)
        else:
            self.held[worker] = held - taken
        self.total -= taken
        return taken

    def of(self, worker: int) -> int:
        """What ``worker`` holds."""
        return self.held.get(worker, 0)

    def others(self, worker: int) -> int:
        """What all but ``worker`` hold."""
        return self.total - self.held.get(worker, 0)

    def gone(self, worker: int) -> int:
        """Forgets ``worker``; returns what it held."""
        self._seen.pop(worker, None)
        return self.settle(worker, self.held.get(worker, 0))

    def overdue(self, now: float) -> int:
        """Takes back every lease that ended more than the grace ago; returns the tokens nobody reported."""
        late = [w for w, until in self._until.items() if now > until + GRACE]
        return sum(self.settle(worker, self.held.get(worker, 0)) for worker in late)

    def clear(self) -> None:
        """Ends every lease."""
        self.held.clear()
        self._until.clear()
        self.total = 0

    def may_recall(self, now: float) -> bool:
        """Whether calling unused tokens back is due again."""
        return now - self.recalled_at >= RECALL_EVERY

    def recalling(self, now: float) -> bool:
        """Whether returns of a recall may still be on their way."""
        return now - self.recalled_at < RECALL_WAIT

    def share(self, free: int, want: int, now: float) -> int:
        """How many of ``free`` tokens to lease to one worker that wants ``want``: all it wants if it is alone, else
        at most half of its part, so that others find some; never 0 if any is free and wanted."""
        users = self.users(now)
        most = free if users == 1 else max(1, free // (2 * users))
        return max(0, min(want, most, free))

    def lifetime(self, now: float) -> float:
        """Seconds a lease given now lives."""
        return LEASE_ALONE if self.users(now) == 1 else LEASE_SHARED
