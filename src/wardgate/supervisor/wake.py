"""``run/wake-<environment>.sock``: any datagram to it means that the change feed moved, whoever committed the change."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

#: A Unix socket's path has 107 bytes at most (``sun_path``); a longer one is reached through its directory's descriptor.
_LONGEST_PATH = 107


class WakeSocket:
    """Listens at ``path`` until :meth:`close`; ``on_wake`` runs once for all datagrams that wait at a time."""

    def __init__(self, path: Path, on_wake: Callable[[], None]) -> None:
        self.path = path
        self._on_wake = on_wake
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        path.unlink(missing_ok=True)
        _bind(self._socket, path)
        path.chmod(0o600)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(64)
        self._on_wake()

    def close(self) -> None:
        """Nothing listens there any more."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self.path.unlink(missing_ok=True)


def _bind(endpoint: socket.socket, path: Path) -> None:
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        endpoint.bind(os.fspath(path))
        return
    directory = os.open(path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        endpoint.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
