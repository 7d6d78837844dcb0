"""How often, by key: the generic cell rate algorithm (ITU-T I.371) in one process, bounded, on a clock it is told."""

from __future__ import annotations

from collections import OrderedDict

#: Seconds that rounding may cost: Unix times keep some tenths of a microsecond.
_ROUNDING = 1e-3
_MOST_KEYS = 50_000


class Rates:
    """In any ``w`` seconds a key may take ``burst + w * a_minute / 60``, whatever others take.

    A key is one number, the time at which it may take its whole burst again. At that time it is forgotten; when there
    are more than ``most`` keys, those that took nothing for the longest time are forgotten sooner.
    """

    def __init__(self, a_minute: int, burst: int, most: int = _MOST_KEYS) -> None:
        self._step = 60.0 / a_minute
        self._span = burst * self._step
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float, count: int = 1) -> float:
        """Takes ``count`` at ``now`` (seconds) and returns 0; or takes nothing and returns the seconds to wait.

        ``count`` is at most the burst, or the wait never ends. When the clock was set back, what was taken is forgotten.
        """
        full_at = self._full_at.get(key, now)
        if not now <= full_at <= now + self._span + _ROUNDING:
            full_at = now
        full_at += count * self._step
        wait = full_at - self._span - now
        if wait > _ROUNDING:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Two keys a call: more than come, so that what is not used any more goes."""
        for _ in range(2):
            key, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= self._most:
                return
            del self._full_at[key]
