"""What the control process does besides answering: small jobs, each on its own, again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wardgate.web.failures import where

_log = logging.getLogger("wardgate.jobs")

_LONGEST_PAUSE = 60.0
#: Seconds between two calls of a job that has more to do: others write too.
_BREATH = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``run`` is called, and called again ``seconds`` after it returned, or at once if it says that more waits."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[bool]]


class Jobs:
    """Runs jobs while the block lasts. One that fails is logged without details and tried again, later each time; the
    others do not notice."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(_repeat(job), name=job.name) for job in self._jobs]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Afterwards none runs; a transaction that was open is rolled back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _repeat(job: Job) -> None:
    failures = 0
    while True:
        try:
            more = await job.run()
        except Exception as error:
            failures += 1
            pause = min(_LONGEST_PAUSE, job.seconds * 2.0 ** min(failures, 10))
            _log.error("%s failed, next try in %.0f s: %s", job.name, pause, where(error))
        else:
            failures = 0
            pause = _BREATH if more else job.seconds
        await asyncio.sleep(pause)
