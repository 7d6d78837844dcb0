"""The supervisor: its children, what it hosts for them, and the order of starting and stopping."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from wardgate.control.feed import wake_socket
from wardgate.domain.serving import served, with_issuers
from wardgate.domain.settings import Listener, ServerSettings
from wardgate.gateway.hub import Message
from wardgate.gateway.launch import InheritedSocket, Launch
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.processes import Child, ChildSpec, Patience
from wardgate.supervisor.sockets import ListenError, ListeningSockets, shown
from wardgate.supervisor.state import run_dir, write_state
from wardgate.supervisor.wake import WakeSocket

_log = logging.getLogger("wardgate.supervisor")

GATEWAY_MODULE = "wardgate.supervisor.gateway_process"
CONTROL_MODULE = "wardgate.web.main"
CONTROL = "control"
#: Seconds beyond ``bounds.drain_timeout`` before a draining child is killed.
DRAIN_GRACE = 5.0


class StartError(Exception):
    """The service could not be started; what is wrong was said on standard error."""


class Desk(Protocol):
    """A part of the supervisor that serves the children over the hub."""

    async def open(self, hub: Hub) -> None:
        """It takes its kinds of messages from ``hub`` from now on."""

    def child_ended(self, child: Child) -> None:
        """A child's process ended: what it held is taken back."""

    async def close(self) -> None:
        """Everything it was told is written down."""


class Supervisor:
    """Runs one service: ``settings.workers`` gateway processes and one control process, and ``desks`` for them.

    ``say`` prints one line to the operator. ``patience`` decides when a child is hung and how soon it comes back.
    ``hosts`` are those of the environments' gateways, by which several of them are told apart.
    """

    def __init__(
        self,
        settings: ServerSettings,
        desks: Sequence[Desk],
        say: Callable[[str], None],
        patience: Patience | None = None,
        *,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        workers = settings.workers or len(os.sched_getaffinity(0))
        self.sockets = ListeningSockets(settings.listeners, workers)
        try:
            self.control_socket = ListeningSockets([settings.control], 1, option="--control")
        except ListenError:
            self.sockets.close()
            raise
        placed = replace(
            settings,
            workers=workers,
            listeners=self.sockets.listeners,
            control=self.control_socket.listeners[0],
            data_dir=str(Path(settings.data_dir).resolve()),
        )
        self.settings = with_issuers(placed, hosts or {})
        self.hub = Hub()
        self.workers: list[Child] = []
        self._desks = desks
        self._say = say
        self._patience = patience or Patience()
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self.hub.on("ready", self._child_ready)
        self.hub.on("drained", lambda child, message: None)

    def stop(self) -> None:
        """The first call makes :meth:`run` drain and return, a second one kill what still drains."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def reload_certificates(self) -> None:
        """Every worker reads its certificate files again."""
        _log.info("reloading certificates")
        self.hub.broadcast({"kind": "reload"})

    async def run(self) -> None:
        """Serves until :meth:`stop`; afterwards every child has ended and everything counted is written.

        Raises:
            StartError: a worker says that its settings cannot work.
        """
        data_dir = Path(self.settings.data_dir)
        run_dir(data_dir)
        wakes = [
            WakeSocket(wake_socket(data_dir, name), partial(self._wake, name))
            for name in served(self.settings)
        ]
        try:
            for desk in self._desks:
                await desk.open(self.hub)
            self._start_children()
            await self._until_stopped()
        finally:
            await self._drain()
            for wake in wakes:
                wake.close()
            for desk in reversed(self._desks):
                await desk.close()

    def _wake(self, environment: str) -> None:
        self.hub.broadcast({"kind": "wake", "environment": environment})

    def _start_children(self) -> None:
        for index in range(self.settings.workers):
            inherited = self.sockets.of_worker(index)
            self.workers.append(self._start(f"gateway-{index}", GATEWAY_MODULE, inherited, index))
        self._start(CONTROL, CONTROL_MODULE, self.control_socket.of_worker(0), 0)

    def _start(
        self, name: str, module: str, inherited: list[tuple[socket.socket, Listener]], index: int
    ) -> Child:
        sockets = tuple(InheritedSocket(fd=s.fileno(), listener=listener) for s, listener in inherited)
        spec = ChildSpec(
            name=name,
            module=module,
            stdin=Launch(settings=self.settings, sockets=sockets, index=index).dump(),
            fds=tuple(s.fileno() for s, _ in inherited),
        )
        child = Child(spec, self.hub.receive, self._child_ended, self._patience)
        self.hub.add(child)
        child.start()
        return child

    async def _until_stopped(self) -> None:
        failures = [asyncio.ensure_future(child.failed.wait()) for child in self.hub.children]
        stop = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([stop, *failures], return_when=asyncio.FIRST_COMPLETED)
            failed = [child.name for child in self.hub.children if child.failed.is_set()]
            if failed:
                raise StartError(f"{failed[0]} cannot start with these settings; it said why above")
        finally:
            for waiting in (stop, *failures):
                waiting.cancel()

    def _child_ready(self, child: Child, message: Message) -> None:
        if self._ready.is_set() or not all(worker.state == "ready" for worker in self.workers):
            return
        self._ready.set()
        addresses = [_url(listener) for listener in self.settings.listeners]
        environments = served(self.settings)
        for environment in environments:
            write_state(
                Path(self.settings.data_dir),
                environment,
                {
                    "pid": os.getpid(),
                    "environment": environment,
                    "gateway": [
                        _url(listener)
                        for listener in self.settings.listeners
                        if listener.environment in ("", environment)
                    ],
                    "control": _url(self.settings.control),
                    "workers": len(self.workers),
                },
            )
        self._say(
            f"wardgate serves {' and '.join(environments)} at {' and '.join(addresses)} "
            f"with {len(self.workers)} worker{'s' if len(self.workers) != 1 else ''}; "
            f"control at {_url(self.settings.control)}"
        )

    def _child_ended(self, child: Child, status: int) -> None:
        for desk in self._desks:
            desk.child_ended(child)

    async def _drain(self) -> None:
        """Workers finish what they serve, then control stops; both are bounded in time."""
        self.sockets.close()
        timeout = self.settings.bounds.drain_timeout + DRAIN_GRACE
        hurry = asyncio.create_task(self._kill_in_a_hurry())
        await asyncio.gather(*(worker.drain(timeout) for worker in self.workers))
        self.control_socket.close()
        await asyncio.gather(
            *(child.drain(DRAIN_GRACE) for child in self.hub.children if child.name == CONTROL)
        )
        hurry.cancel()

    async def _kill_in_a_hurry(self) -> None:
        await self._hurry.wait()
        for child in self.hub.children:
            child.kill()


def _url(listener: Listener) -> str:
    return f"{'https' if listener.tls else 'http'}://{shown(listener)}"
