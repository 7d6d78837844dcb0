"""One child process and its life: start, watch, restart with back-off, drain, kill."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from wardgate.gateway.hub import HubConnection, Message
from wardgate.gateway.launch import EXIT_CONFIG, HUB_FD

_log = logging.getLogger("wardgate.supervisor")

_lives = itertools.count(1)

State = Literal["starting", "ready", "draining", "waiting", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How a child is started: ``python -m module``, what it reads on standard input, which descriptors it keeps."""

    name: str
    module: str
    stdin: bytes
    fds: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: a child may stay silent, may take to start, must live for its crashes to be forgiven; the back-off."""

    silence: float = 10.0
    start: float = 30.0
    forgiven: float = 10.0
    delays: Sequence[float] = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)


class Child:
    """Keeps one process running until :meth:`drain`.

    ``on_message(child, message)`` gets what it says (``heartbeat``, ``ready`` and ``drained`` are also noted here),
    ``on_exit(child, status)`` runs after each end of a process, before its restart. A child that ends with
    ``EXIT_CONFIG`` before it was ever ready is not restarted: ``failed`` is then set.
    """

    def __init__(
        self,
        spec: ChildSpec,
        on_message: Callable[[Child, Message], None],
        on_exit: Callable[[Child, int], None],
        patience: Patience,
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.state: State = "starting"
        self.pid: int | None = None
        #: The number of its process's life: no two processes of one supervisor ever have the same.
        self.life = 0
        self.restarts = 0
        self.failed = asyncio.Event()
        self.was_ready = False
        self._on_message = on_message
        self._on_exit = on_exit
        self._patience = patience
        self._link: HubConnection | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._heard = 0.0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the process and from then on keeps it running."""
        self._task = asyncio.create_task(self._keep_running(), name=f"keep {self.name}")

    def send(self, message: Message) -> bool:
        """Queues ``message`` for the process; ``False`` when it is not there or does not keep up."""
        return self._link is not None and self._link.send(message)

    async def drain(self, within: float) -> None:
        """The process has ended: by itself after a ``drain`` message, or killed ``within`` seconds later."""
        self._stopping.set()
        self.state = "draining"
        if not self.send({"kind": "drain", "timeout": within}):
            self._signal(signal.SIGTERM)
        if self._task is None:
            return
        done, _ = await asyncio.wait({self._task}, timeout=within)
        if not done:
            _log.warning("%s did not end within %.0f s and is killed", self.name, within)
            self.kill()
            await self._task
        self.state = "stopped"

    def kill(self) -> None:
        """Ends the process at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _keep_running(self) -> None:
        crashes = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            status = await self._run_once()
            self._on_exit(self, status)
            if self._stopping.is_set():
                return
            if status == EXIT_CONFIG and not self.was_ready:
                self.state = "stopped"
                self.failed.set()
                return
            crashes = 0 if loop.time() - started >= self._patience.forgiven else crashes
            delay = self._patience.delays[min(crashes, len(self._patience.delays) - 1)]
            crashes += 1
            self.restarts += 1
            self.state = "waiting"
            _log.warning("%s ended (%s); starting it again in %.2f s", self.name, describe(status), delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _run_once(self) -> int:
        """One life of the process. Returns its exit status, negative for a signal's number."""
        self.state = "starting"
        self.life = next(_lives)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            environment = {**os.environ, **self.spec.env, HUB_FD: str(theirs.fileno())}
            try:
                self._process = process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", self.spec.module),
                    stdin=asyncio.subprocess.PIPE,
                    pass_fds=(theirs.fileno(), *self.spec.fds),
                    env=environment,
                    start_new_session=True,  # a Ctrl-C in the terminal reaches the supervisor alone, which drains
                )
            except OSError:
                _log.exception("%s could not be started", self.name)
                return 1
            theirs.close()
            ours.setblocking(False)
            await self._attach(ours.dup())
        self.pid = process.pid
        watch = asyncio.create_task(self._watch_heartbeat(), name=f"heartbeat {self.name}")
        try:
            if process.stdin is not None:
                with contextlib.suppress(ConnectionError):
                    process.stdin.write(self.spec.stdin)
                    await process.stdin.drain()
                    process.stdin.close()
            return await process.wait()
        finally:
            watch.cancel()
            self.pid = None
            if self._link is not None:
                await self._drained_link(self._link)
                self._link = None

    async def _drained_link(self, link: HubConnection) -> None:
        """What a process wrote before it ended has been read."""
        for _ in range(50):
            if not link.connected:
                return
            await asyncio.sleep(0.01)
        link.close()

    async def _attach(self, ours: socket.socket) -> None:
        link = HubConnection(self._heard_from, lambda: None)
        self._heard = asyncio.get_running_loop().time() + self._patience.start - self._patience.silence
        await asyncio.get_running_loop().create_connection(lambda: link, sock=ours)
        self._link = link

    def _heard_from(self, message: Message) -> None:
        kind = message["kind"]
        self._heard = asyncio.get_running_loop().time()
        if kind == "heartbeat":
            return
        if kind == "ready" and self.state == "starting":
            self.state = "ready"
            self.was_ready = True
        self._on_message(self, message)

    async def _watch_heartbeat(self) -> None:
        """Kills the process once it has said nothing for too long: its loop hangs, so it serves nobody."""
        loop = asyncio.get_running_loop()
        while True:
            left = self._heard + self._patience.silence - loop.time()
            if left <= 0:
                _log.error("%s was silent for %.0f s and is killed", self.name, self._patience.silence)
                self._signal(signal.SIGKILL)
                return
            pause = min(left, 1.0)
            asleep = loop.time()
            await asyncio.sleep(pause)
            if loop.time() - asleep > pause + 2.0:
                # This process itself was stopped: what the child said meanwhile is still to be read.
                self._heard = max(self._heard, loop.time() - self._patience.silence / 2)


def describe(status: int) -> str:
    """An exit status in words: ``status 1`` or ``signal SIGKILL``."""
    if status >= 0:
        return f"status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
