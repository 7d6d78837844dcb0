"""The desk that remembers what may be seen once (ids of DPoP proofs), exactly, for all workers (RFC 9449 section 11.1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from wardgate.gateway.hub import Message
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child

#: Keys remembered at a time: some 100 MB. When there is no room nothing counts as new.
MAX_KEYS = 500_000
MAX_KEY = 128
#: Seconds ahead a key may be remembered for; settings allow proofs of 600 s at most, and clocks may differ.
MAX_AHEAD = 1300.0


class SeenKeys:
    """A set whose members leave by themselves. Times are Unix seconds; each call costs the same whatever it holds."""

    def __init__(self, size: int = MAX_KEYS) -> None:
        self._size = size
        self._keys: set[str] = set()
        #: By the second they leave in.
        self._leaving: dict[int, list[str]] = {}
        self._swept = 0

    def first(self, key: str, until: float, now: float) -> bool:
        """Whether ``key`` is new; then it is remembered until then at least. ``False`` where that cannot be told."""
        self._sweep(int(now))
        if key in self._keys:
            return False
        if not now < until <= now + MAX_AHEAD or len(key) > MAX_KEY or len(self._keys) >= self._size:
            return False
        self._keys.add(key)
        self._leaving.setdefault(int(until) + 1, []).append(key)
        return True

    def __len__(self) -> int:
        return len(self._keys)

    def _sweep(self, now: int) -> None:
        if now <= self._swept:
            return
        if now - self._swept > MAX_AHEAD + 1:
            past = [second for second in self._leaving if second <= now]
        else:
            past = [second for second in range(self._swept + 1, now + 1) if second in self._leaving]
        self._swept = now
        for second in past:
            self._keys.difference_update(self._leaving.pop(second))


class ReplayDesk:
    """Answers workers' ``replay.ask``."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._seen = SeenKeys()
        self._clock = clock

    async def open(self, hub: Hub) -> None:
        """From now on ``replay.ask`` is answered."""
        hub.on("replay.ask", self._handle)

    def child_ended(self, child: Child) -> None:
        """Nothing is forgotten with a worker: another must not take what it has seen for new."""

    async def close(self) -> None:
        """Nothing is kept: proofs live for a minute."""

    def _handle(self, child: Child, message: Message) -> None:
        now = self._clock()
        answers: list[list[Any]] = [
            [number, self._seen.first(str(key), float(until), now)] for number, key, until in message["asked"]
        ]
        child.send({"kind": "replay.reply", "answers": answers})
