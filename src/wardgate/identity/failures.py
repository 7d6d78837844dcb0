"""Which failed sign-ins are kept one by one: so many that guessing shows, and so few that they never fill the disk."""

from __future__ import annotations

from wardgate.identity.gcra import Rates

#: Failures a minute that are kept one by one, after a burst: of one address, and of all.
A_MINUTE, BURST = 2, 20
ALL_A_MINUTE, ALL_BURST = 6, 200


class Failures:
    """Decides in one process which failures are kept one by one; the others are counted and told of together."""

    def __init__(self) -> None:
        self._of_address = Rates(A_MINUTE, BURST)
        self._of_all = Rates(ALL_A_MINUTE, ALL_BURST)
        self._left_out = 0

    def admit(self, address: str, now: float) -> bool:
        """Whether this failure is kept; if not, it is counted."""
        kept = not self._of_address.take(address, now) and not self._of_all.take("", now)
        self._left_out += not kept
        return kept

    def left_out(self) -> int:
        """How many were counted since this was last asked."""
        count, self._left_out = self._left_out, 0
        return count
