"""The listening sockets: one for each listener and worker, made once and kept open for as long as the service runs.

With ``SO_REUSEPORT`` the kernel spreads connections over the sockets of one address. A worker inherits its own
sockets; since the supervisor keeps them open too, connections that wait in the backlog of a worker that died are
accepted by its successor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import replace

from wardgate.domain.settings import Listener

BACKLOG = 4096


class ListenError(Exception):
    """A listener's address cannot be used; the message names it and what to do."""

    def __init__(self, listener: Listener, error: OSError, option: str = "") -> None:
        option = option or ("--tls-listen" if listener.tls else "--listen")
        remedy = {
            errno.EADDRINUSE: f"another process uses it: stop that one, or choose another port with {option}",
            errno.EACCES: f"the system does not allow it: choose a port above 1023 with {option}",
            errno.EADDRNOTAVAIL: f"this machine has no such address: choose another with {option}",
        }.get(error.errno or 0, f"choose another with {option}")
        super().__init__(f"cannot listen on {shown(listener)} ({os.strerror(error.errno or 0)}): {remedy}")
        self.listener = listener


def shown(listener: Listener) -> str:
    """``host:port`` with brackets around an IPv6 address."""
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{host}:{listener.port}"


class ListeningSockets:
    """One socket for each listener and each of ``workers``; ``listeners`` hold the ports really bound.

    Raises:
        ListenError: an address cannot be used; ``option`` is the command-line option that would change it.
    """

    def __init__(self, listeners: Sequence[Listener], workers: int, option: str = "") -> None:
        self.listeners: tuple[Listener, ...] = ()
        self._sockets: list[list[socket.socket]] = []
        self._option = option
        try:
            for listener in listeners:
                self._open(listener, workers)
        except BaseException:
            self.close()
            raise

    def _open(self, listener: Listener, workers: int) -> None:
        row: list[socket.socket] = []
        self._sockets.append(row)
        try:
            family, address = _resolve(listener)
            # Another process of this user could share a port through SO_REUSEPORT unnoticed: a plain bind finds it.
            with _bound(family, address, shared=False) as probe:
                address = (address[0], probe.getsockname()[1], *address[2:])
            for _ in range(workers):
                opened = _bound(family, address, shared=True)
                row.append(opened)
                opened.listen(BACKLOG)
        except OSError as error:
            raise ListenError(listener, error, self._option) from error
        self.listeners += (replace(listener, port=int(address[1])),)

    def of_worker(self, index: int) -> list[tuple[socket.socket, Listener]]:
        """The sockets that worker ``index`` inherits, with their listeners."""
        return [(row[index], listener) for row, listener in zip(self._sockets, self.listeners, strict=True)]

    def close(self) -> None:
        """Closes the supervisor's copies: new connections are refused once the workers close theirs."""
        for row in self._sockets:
            for opened in row:
                opened.close()
        self._sockets.clear()


_Address = tuple[str, int] | tuple[str, int, int, int]


def _resolve(listener: Listener) -> tuple[socket.AddressFamily, _Address]:
    """The first address of the listener's host. Raises OSError (EADDRNOTAVAIL) for a name that has none."""
    host = "0.0.0.0" if listener.host in ("", "*") else listener.host  # noqa: S104  # asked for by the operator
    try:
        found = socket.getaddrinfo(host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise OSError(errno.EADDRNOTAVAIL, str(error)) from error
    family, _, _, _, address = found[0]
    return family, address  # type: ignore[return-value]  # typeshed also allows the form without IPv6


def _bound(family: socket.AddressFamily, address: _Address, *, shared: bool) -> socket.socket:
    with contextlib.ExitStack() as undo:
        opened = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.bind(address)
        opened.setblocking(False)
        undo.pop_all()
        return opened
