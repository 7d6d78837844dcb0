"""A gateway worker's process: adopts its sockets, serves until told to drain, and ships what it counts."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from wardgate.domain.serving import served, settings_of
from wardgate.domain.settings import Listener, ServerSettings
from wardgate.gateway.hub import HubClient, Message
from wardgate.gateway.issuer_desk import HubIssuerDesk, HubReplayDesk
from wardgate.gateway.launch import Launch, hub_fd
from wardgate.gateway.nowhere import Nowhere
from wardgate.gateway.ports import GatewaySource
from wardgate.gateway.reception import Shared
from wardgate.gateway.worker import Worker
from wardgate.limits.client import LimitClient
from wardgate.telemetry.access_log import AccessLog
from wardgate.telemetry.recorder import Recorder, added

LIMITS_SECONDS = 0.1
LOG_SECONDS = 0.2
TELEMETRY_SECONDS = 1.0
USES_SECONDS = 0.05


class WorkerConfigError(Exception):
    """The settings can never work here, such as a certificate that cannot be read; the message says which."""


async def serve(launch: Launch, sources: Mapping[str, GatewaySource]) -> None:
    """Serves the environments of ``sources`` on the inherited sockets until the supervisor says ``drain`` or is gone,
    or SIGTERM comes.

    Afterwards every request taken was finished or ``bounds.drain_timeout`` is over, and all counts were sent.

    Raises:
        WorkerConfigError: a setting cannot work.
        StoreUnavailableError: the store could not be read at the start.
    """
    hub = await HubClient.connect(hub_fd())
    try:
        process = WorkerProcess(launch.settings, sources, hub)
    except (OSError, ValueError) as error:
        raise WorkerConfigError(str(error)) from error
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, process.stop)
    _calm_collector()
    await process.run([(socket.socket(fileno=item.fd), item.listener) for item in launch.sockets])
    hub.close()


def _calm_collector() -> None:
    """What was loaded to start lives as long as the process: the cycle collector leaves it alone, and looks less often.

    Caches of many thousand entries would otherwise be walked again and again; requests make no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


class WorkerProcess:
    """One worker with what it is wired to: hub, limits, telemetry and the access log."""

    def __init__(
        self, settings: ServerSettings, sources: Mapping[str, GatewaySource], hub: HubClient
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._stop = asyncio.Event()
        self._timers: list[asyncio.TimerHandle | None] = []
        environments = served(settings)
        self._recorders = [Recorder(environment) for environment in environments]
        self._access_logs = [_access_log(settings, environment) for environment in environments]
        self._limits = LimitClient(self._send_limits, time.monotonic, time.time)
        self._issuers = HubIssuerDesk(hub)
        self._replay = HubReplayDesk(hub)
        self._worker = self._made(0, sources, hub, None)
        if settings.also:
            shared = self._worker.shared
            others = [self._made(place, sources, hub, shared) for place in range(1, len(environments))]
            nowhere = Nowhere(self._worker, sources[environments[0]].master_key())
            self._worker.serve_also(others, nowhere)
        hub.on("drain", lambda message: self.stop())
        hub.on("reload", lambda message: self._reload())
        hub.on("wake", lambda message: self._worker.on_wake(str(message.get("environment", ""))))
        hub.on("limits.", self._limits.on_message)
        hub.on_lost = self._supervisor_lost

    def _made(
        self, place: int, sources: Mapping[str, GatewaySource], hub: HubClient, shared: Shared | None
    ) -> Worker:
        """The worker of one of the environments, by its place among them."""
        environment = served(self._settings)[place]
        return Worker(
            settings_of(self._settings, environment),
            sources[environment],
            self._limits,
            self._recorders[place],
            self._access_logs[place],
            hub,
            issuers=self._issuers.of(environment) if self._settings.also else self._issuers,
            replay=self._replay,
            shared=shared,
            several=bool(self._settings.also),
        )

    def stop(self) -> None:
        """Makes :meth:`run` drain and return."""
        self._stop.set()

    async def run(self, sockets: list[tuple[socket.socket, Listener]]) -> None:
        """Serves ``sockets`` until :meth:`stop`, then drains."""
        await self._worker.start(sockets)
        self._every(LIMITS_SECONDS, lambda: self._limits.tick(time.monotonic()))
        self._every(LOG_SECONDS, self._flush_log)
        self._every(TELEMETRY_SECONDS, self._ship)
        self._every(USES_SECONDS, self._ship_uses)
        self._hub.send({"kind": "ready"})
        await self._stop.wait()
        await self._worker.drain(self._settings.bounds.drain_timeout)
        for timer in self._timers:
            if timer is not None:
                timer.cancel()
        self._limits.close()
        while self._ship():
            continue
        for log in self._logs():
            log.close()
        self._hub.send({"kind": "drained"})

    def _every(self, seconds: float, deed: Callable[[], object]) -> None:
        """Runs ``deed`` every ``seconds`` until the process drains."""
        loop = asyncio.get_running_loop()
        place = len(self._timers)

        def turn() -> None:
            self._timers[place] = loop.call_later(seconds, turn)
            deed()

        self._timers.append(loop.call_later(seconds, turn))

    def _ship(self) -> bool:
        """Sends what was counted; whether there may be more. What cannot be sent is kept for the next time."""
        self._recorders[0].set("limit_authority_away", self._limits.away_decisions.total())
        more = False
        for recorder in self._recorders:
            more = self._send_counts(recorder, recorder.drain()) or more
        return more

    def _ship_uses(self) -> None:
        """Sends uses of many credentials a little at a time."""
        for recorder in self._recorders:
            self._send_counts(recorder, recorder.drain_uses())

    def _send_counts(self, recorder: Recorder, message: Message | None) -> bool:
        if message is None:
            return False
        if len(self._recorders) > 1:
            message["metrics"] = added([each.snapshot() for each in self._recorders])
        if self._hub.send(message):
            return bool(message["rows"] or message["uses"])
        recorder.restore(message)
        return False

    def _flush_log(self) -> None:
        dropped = 0
        for log in self._logs():
            log.flush()
            dropped += log.dropped
        self._recorders[0].set("access_log_dropped", dropped)

    def _logs(self) -> list[AccessLog]:
        return [log for log in self._access_logs if log is not None]

    def _reload(self) -> None:
        self._worker.reload_certificates()
        for log in self._logs():
            log.reopen()

    def _send_limits(self, message: Message) -> None:
        self._hub.send(message)

    def _supervisor_lost(self) -> None:
        """Without the supervisor nobody counts: limits do what their ``when_away`` says while this worker drains."""
        self._limits.authority_lost()
        self._issuers.lost()
        self._replay.lost()
        self.stop()


def _access_log(settings: ServerSettings, environment: str) -> AccessLog | None:
    """The access log of an environment; all write to one file, a relative path being below the data directory.

    Raises:
        OSError: it cannot be opened.
    """
    if settings.access_log == "off":
        return None
    path = settings.access_log
    return AccessLog(path if path == "-" else str(Path(settings.data_dir) / path), environment)
