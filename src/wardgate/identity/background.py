"""Work that goes on after the answer has left: held on to until it is done, bounded, and ended with the process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger("wardgate.identity")

#: Pieces of work under way at a time; further ones are dropped, and the log says so.
MOST = 2000


class Tasks:
    """The pieces of work of one process."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Begins ``work`` on the running loop; whether there was room. What it raises is logged, by kind only."""
        if len(self._running) >= MOST:
            _log.error("%s was dropped: %d pieces of work wait already", name, MOST)
            return False
        task = asyncio.get_running_loop().create_task(work(), name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return True

    async def settle(self) -> None:
        """Waits until all that was begun is done."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Ends what is under way, and waits for it."""
        for task in self._running:
            task.cancel()
        await self.settle()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("%s failed: %s", task.get_name(), type(error).__name__)
