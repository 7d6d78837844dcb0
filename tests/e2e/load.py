"""Clients that keep asking while something happens to the installation, and count what they were told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from tests.e2e.stack import Stack
from tests.e2e.wire import Closed, Wire


class Load:
    """``clients`` threads that send ``path`` again and again inside the block; afterwards the counts are final.

    ``told`` counts answers by status and reason, ``broken`` connections that ended before an answer although no
    ``Connection: close`` announced it.
    """

    def __init__(
        self,
        stack: Stack,
        path: str,
        clients: int = 4,
        *,
        key: str = "",
        pause: float = 0.002,
        fresh: bool = False,
    ) -> None:
        self.told: Counter[tuple[int, str]] = Counter()
        self.broken: list[str] = []
        self.refused_connections = 0
        self._stack = stack
        self._request = stack.request(path, key=key)
        self._pause = pause
        self._fresh = fresh
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def total(self) -> int:
        """Answers so far."""
        return sum(self.told.values())

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                wire = Wire(self._stack.port)
            except ConnectionError:
                self.refused_connections += 1
                time.sleep(0.01)
                continue
            with wire:
                self._talk(wire)

    def _talk(self, wire: Wire) -> None:
        while not self._stop.is_set():
            try:
                wire.send(self._request)
                answer = wire.answer()
            except (Closed, ConnectionError, TimeoutError) as error:
                with self._lock:
                    self.broken.append(repr(error))
                return
            with self._lock:
                self.told[answer.status, answer.reason] += 1
            if self._fresh or answer.values("connection") == ["close"]:
                return
            time.sleep(self._pause)
