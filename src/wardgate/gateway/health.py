"""Active health checks: one small task per target that has them switched on."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from wardgate.gateway.pool import Target, UpstreamPool

if TYPE_CHECKING:
    from wardgate.domain.upstream import HealthCheck
    from wardgate.gateway.worker import Worker

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")


class HealthChecks:
    """Probes every target of every upstream that asks for it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._tasks: dict[int, tuple[UpstreamPool, list[asyncio.Task[None]]]] = {}
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Probes from now on."""
        self._watch = asyncio.get_running_loop().create_task(self._follow())

    def stop(self) -> None:
        """No more probes."""
        if self._watch is not None:
            self._watch.cancel()
        for _, tasks in self._tasks.values():
            for task in tasks:
                task.cancel()
        self._tasks.clear()

    async def _follow(self) -> None:
        """Starts and ends probes as snapshots come and go."""
        while True:
            current = {
                id(m.pool): m.pool for m in self._worker.mounted() if m.pool.upstream.health is not None
            }
            for key in [key for key in self._tasks if key not in current]:
                for task in self._tasks.pop(key)[1]:
                    task.cancel()
            for key, pool in current.items():
                if key not in self._tasks and pool.upstream.health is not None:
                    loop = asyncio.get_running_loop()
                    tasks = [
                        loop.create_task(_probe_forever(pool, t, pool.upstream.health)) for t in pool.targets
                    ]
                    self._tasks[key] = (pool, tasks)
            await asyncio.sleep(1.0)


async def _probe_forever(pool: UpstreamPool, target: Target, check: HealthCheck) -> None:
    while True:
        try:
            async with asyncio.timeout(check.timeout):
                ok = await _probe(pool, target, check)
        except (OSError, TimeoutError, ValueError):
            # ValueError: a line too long, or a name that cannot be encoded.
            ok = False
        pool.probe_result(target, ok=ok)
        await asyncio.sleep(check.interval)


async def _probe(pool: UpstreamPool, target: Target, check: HealthCheck) -> bool:
    """Whether a GET of the check's path answers 2xx or 3xx."""
    reader, writer = await asyncio.open_connection(
        target.host,
        target.port,
        ssl=pool.tls if target.tls else None,
        server_hostname=pool.server_name(target),
    )
    try:
        writer.write(
            b"GET "
            + target.prefix
            + check.path.encode()
            + b" HTTP/1.1\r\n"
            + target.host_line
            + b"User-Agent: wardgate-health\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        match = _STATUS.match(await reader.readline())
        return match is not None and 200 <= int(match.group(1)) < 400
    finally:
        # Nothing else is wanted of it; waiting for the other side to close would be taken for its being slow.
        writer.transport.abort()
