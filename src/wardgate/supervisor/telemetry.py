"""The desk that takes the workers' telemetry: adds it up for metrics, and has it written to the store every second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from wardgate.gateway.hub import Message
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.ledger import Ledger
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.limits import QuotaRow
from wardgate.supervisor.pending import Batch, Pending, ranges
from wardgate.supervisor.processes import Child
from wardgate.telemetry.metrics import Metrics
from wardgate.telemetry.rollups import unpack

FLUSH_SECONDS = 1.0
#: Quotas are written more often: with the time until a worker reports, a ``kill -9`` forgets less than ``FLUSH_SECONDS``.
QUOTA_SECONDS = 0.35
#: What is past its time is deleted from the store this often.
SWEEP_SECONDS = 600.0
#: Times the last flush is tried while the service stops.
LAST_TRIES = 5

_log = logging.getLogger("wardgate.supervisor")


class TelemetryDesk:
    """Takes ``telemetry``, answers ``metrics.request``, and flushes to ``ledger`` every ``FLUSH_SECONDS``, quotas every
    ``QUOTA_SECONDS``.

    While the store cannot be written the counts are kept, within bounds, and written later.
    """

    def __init__(self, ledger: Ledger, take_quotas: Callable[[], list[QuotaRow]]) -> None:
        self._ledger = ledger
        self._take_quotas = take_quotas
        self._metrics = Metrics()
        self._pending = Pending()
        self._hub: Hub | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    async def open(self, hub: Hub) -> None:
        """From now on telemetry is taken and written."""
        self._hub = hub
        hub.on("telemetry", self._absorb)
        hub.on("metrics.request", self._answer)
        self._task = asyncio.create_task(self._keep_flushing(), name="telemetry")

    def child_ended(self, child: Child) -> None:
        """What the process counted stays counted."""
        self._metrics.worker_ended(child.name)
        if child.state != "draining":
            self._metrics.worker_restarted(child.name)

    async def close(self) -> None:
        """Everything taken is written, if the store can be written within ``LAST_TRIES``."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for _ in range(LAST_TRIES):
            if await self._flush(everything=True):
                self._ledger.close()
                return
            await asyncio.sleep(FLUSH_SECONDS / 2)
        _log.error("%d roll-up rows could not be written before the end", self._pending.rows)

    def _absorb(self, child: Child, message: Message) -> None:
        rows = unpack(message["rows"])
        self._pending.add(rows, message["uses"])
        self._metrics.absorb(child.name, rows, message["metrics"])
        self._metrics.telemetry_lost(self._pending.take_lost())

    def _answer(self, child: Child, message: Message) -> None:
        body, content_type = self._metrics.render(str(message.get("accept", "")))
        children = self._hub.children if self._hub is not None else ()
        child.send(
            {
                "kind": "metrics.reply",
                "id": message.get("id"),
                "body": body.decode(),
                "content_type": content_type,
                "children": [
                    {"name": other.name, "state": other.state, "pid": other.pid, "restarts": other.restarts}
                    for other in children
                ],
            }
        )

    async def _keep_flushing(self) -> None:
        swept = flushed = time.monotonic()
        while True:
            await asyncio.sleep(min(QUOTA_SECONDS, FLUSH_SECONDS))
            if time.monotonic() - flushed < FLUSH_SECONDS:
                await asyncio.shield(self._flush_quotas())
                continue
            flushed = time.monotonic()
            await asyncio.shield(self._flush())
            if time.monotonic() - swept >= SWEEP_SECONDS and not self._failing:
                swept = time.monotonic()
                await self._sweep()

    async def _sweep(self) -> None:
        try:
            await asyncio.to_thread(self._ledger.sweep, time.time())
        except StoreUnavailableError as error:
            _log.error("old counts cannot be deleted now: %s", error)  # no stack wanted

    async def _give_turns(self) -> None:
        """Where very many uses wait, putting them in order takes longer than anybody should wait for the supervisor."""
        crowd = self._pending.crowd()
        if crowd is not None:
            self._pending.take_turns(await asyncio.to_thread(ranges, crowd))

    async def _flush(self, *, everything: bool = False) -> bool:
        """Writes what is pending (of many uses a part); ``False`` when it could not be and is kept."""
        self._pending.set_quotas(self._take_quotas())
        if not everything:
            await self._give_turns()
        return await self._write(self._pending.take(everything=everything))

    async def _flush_quotas(self) -> bool:
        """Writes the quotas that changed; ``False`` when they could not be and are kept."""
        self._pending.set_quotas(self._take_quotas())
        return await self._write(self._pending.take_quotas())

    async def _write(self, batch: Batch | None) -> bool:
        if batch is None:
            return True
        try:
            await asyncio.to_thread(self._ledger.write, batch.rollups, batch.uses, batch.quotas)
        except StoreUnavailableError as error:
            self._pending.put_back(batch)
            if not self._failing:
                _log.error("counts cannot be written and are kept: %s", error)  # no stack wanted
            self._failing = True
            return False
        if self._failing:
            _log.info("counts are written again")
        self._failing = False
        return True
