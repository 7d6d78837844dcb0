"""What the authority asks of a counter, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wardgate.domain.limit import Limit
from wardgate.limits.lease import Leases
from wardgate.limits.messages import Item, Message

#: Free tokens within this part of a whole one count as whole: float rounding must not cost a request.
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why nothing can be granted now. ``retry_at``: when a request may succeed. ``hold``: until then the worker may
    refuse without asking again. ``recallable``: other workers hold tokens that may be unused."""

    retry_at: float
    hold: float
    recallable: bool = False


class Counter(Protocol):
    """One counter at the authority. Times are monotonic seconds, ``wall`` is Unix seconds."""

    limit: Limit
    touched: float
    leases: Leases

    def configure(self, limit: Limit, now: float) -> None:
        """Counts on under a changed definition of the same kind."""

    def report(self, worker: int, item: Item, now: float, wall: float) -> bool:
        """Books what ``worker`` used and returned; whether a count that must survive a restart changed."""

    def shortage(self, worker: int, now: float, wall: float) -> Shortage | None:
        """``None`` if at least one token can be granted to ``worker`` now. Changes no count."""

    def grant(self, worker: int, want: int, now: float, wall: float) -> Message:
        """Leases up to ``want`` tokens (possibly none, for 0) and says how the counter stands."""

    def gone(self, worker: int, now: float) -> bool:
        """``worker`` died: what it may have used counts as used. Whether a durable count changed."""

    def expire(self, now: float, wall: float) -> bool:
        """Charges leases that ended unreported. Whether a durable count changed."""

    def at_rest(self, now: float, wall: float) -> bool:
        """Whether forgetting this counter would admit nothing that is refused today."""
