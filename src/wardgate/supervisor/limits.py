"""The desk of the limits authority: workers' ``limits.*`` messages, answered from the supervisor's memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from wardgate.gateway.hub import Message
from wardgate.limits.authority import Authority
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child

TICK_SECONDS = 0.05

QuotaRow = tuple[str, str, int]


class LimitDesk:
    """Serves one :class:`Authority` to all workers. A worker is known to it by the number of its process's life."""

    def __init__(self, restored: Iterable[QuotaRow]) -> None:
        self._authority = Authority()
        self._authority.quota_restore(restored)
        self._workers: dict[int, Child] = {}
        self._task: asyncio.Task[None] | None = None

    async def open(self, hub: Hub) -> None:
        """From now on ``limits.*`` is answered and leases that nobody reports on end."""
        hub.on("limits.", self._handle)
        self._task = asyncio.create_task(self._tick(), name="limits authority")

    def child_ended(self, child: Child) -> None:
        """What the process held of rates and quotas counts as used; its requests in flight are over."""
        if self._workers.pop(child.life, None) is not None:
            self._authority.worker_gone(child.life, time.monotonic())

    def take_quotas(self) -> list[QuotaRow]:
        """Every quota count that changed since the last call: ``(key, window, used)``."""
        return self._authority.quota_dump()

    async def close(self) -> None:
        """No lease is given any more."""
        if self._task is not None:
            self._task.cancel()

    def _handle(self, child: Child, message: Message) -> None:
        self._workers[child.life] = child
        reply = self._authority.handle(child.life, message, time.monotonic(), time.time())
        if reply is not None:
            child.send(reply)
        self._deliver(self._authority.outbox())

    def _deliver(self, messages: Iterable[tuple[int, Message]]) -> None:
        for worker, message in messages:
            child = self._workers.get(worker)
            if child is not None:
                child.send(message)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._deliver(self._authority.tick(time.monotonic(), time.time()))
