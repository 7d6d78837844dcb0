"""Which of several environments a host belongs to, at listeners that are bound to none of them.

A host that no environment has, or that two have, is nobody's: its requests are refused (421), never served by a default.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wardgate.gateway.connection import ClientConnection
    from wardgate.gateway.worker import Worker

log = logging.getLogger("wardgate.gateway")


class HostTable:
    """Hosts by environment: exact ones, with the port they name or without, and then the longest ``*.suffix``.

    It is asked once for each connection and host. ``nowhere`` takes what belongs to none.
    """

    def __init__(self, hosts: Mapping[Worker, Callable[[], tuple[str, ...]]], nowhere: Worker) -> None:
        """Raises StoreUnavailableError: hosts cannot be read."""
        self.nowhere = nowhere
        self._hosts = hosts
        self._known: dict[str, Worker] = {}
        self.read(())

    def read(self, connections: Iterable[ClientConnection]) -> None:
        """Takes the hosts as they are now; of each of ``connections`` the next request is looked at anew.

        Raises:
            StoreUnavailableError: they cannot be read; nothing has changed then.
        """
        known: dict[str, Worker] = {}
        twice: set[str] = set()
        for worker, hosts in self._hosts.items():
            for host in hosts():
                name = host.lower()
                if known.setdefault(name, worker) is not worker:
                    twice.add(name)
        for name in twice:
            log.error("the host %s belongs to two environments that are served here: it is not served", name)
            known[name] = self.nowhere
        self._known = known
        for connection in connections:
            if connection.hosts is self:
                connection.forget_host()

    def of(self, host: str, authority: bytes) -> Worker:
        """Who serves ``host`` (lower case, without port); ``authority`` is what the client wrote."""
        known = self._known
        _, colon, port = authority[authority.rfind(b"]") + 1 :].decode().rpartition(":")
        found = (known.get(f"{host}:{port}") if colon else None) or known.get(host)
        dot = host.find(".")
        while found is None and dot >= 0:
            found = known.get(f"*{host[dot:]}")
            dot = host.find(".", dot + 1)
        return found or self.nowhere
