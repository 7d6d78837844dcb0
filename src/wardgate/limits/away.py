"""A worker's own share of a limit, for ``when_away: local`` while the authority cannot be asked."""

from __future__ import annotations

from wardgate.domain.limit import Limit
from wardgate.limits.cell import Cell, PermitCell
from wardgate.limits.counter import EPSILON
from wardgate.limits.messages import burst_of, step_of
from wardgate.limits.window import Window, window_at


class LocalShare:
    """One worker's part of ``limit`` among ``workers``: 1/workers of the amount, at least one request.

    It begins empty-handed of history: a rate's bucket is full, a quota has what was left at the last answer. All
    workers together stay within the limit as long as it is at least one for each of them, not counting what was
    used just before the authority was lost.
    """

    def __init__(self, limit: Limit, workers: int, left: int, now: float, wall: float) -> None:
        workers = max(1, workers)
        self._limit = limit
        self._amount = max(1, limit.amount // workers)
        self._tat = now
        self._remaining = 0
        self._window: Window | None = None
        self._step = 0.0
        self._span = 0.0
        if limit.kind == "rate":
            self._step = step_of(limit) * workers
            self._span = max(1, burst_of(limit) // workers) * self._step
        elif limit.kind == "spike":
            self._step = self._span = step_of(limit) * workers
        elif limit.kind == "quota":
            self._window = window_at(limit.per or "", limit.timezone, wall)
            self._remaining = min(self._amount, left // workers)

    def wait(self, cell: Cell, now: float, wall: float) -> float:
        """Seconds until one request fits in the share; 0 if one fits now."""
        if isinstance(cell, PermitCell):
            return 0.0 if cell.busy < self._amount else 1.0
        if self._window is not None:
            if wall >= self._window.end:
                self._window = window_at(self._limit.per or "", self._limit.timezone, wall)
                self._remaining = self._amount
            return 0.0 if self._remaining > 0 else self._window.end - wall
        excess = max(self._tat, now) + self._step - now - self._span
        return 0.0 if excess <= EPSILON * self._step else excess

    def spend(self, now: float) -> None:
        """One request is admitted on this share."""
        self._remaining -= 1
        self._tat = max(self._tat, now) + self._step
