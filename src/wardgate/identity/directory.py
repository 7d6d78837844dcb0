"""Which deployed API is at which base path: what resource indicators are looked up in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wardgate.identity.server import Server

#: Seconds a reading is good for. A path that is not in it is looked for in the store before it is refused.
FRESH = 30.0
#: Seconds between two readings on account of paths that nobody knows.
_UNKNOWN_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class _Reading:
    by_path: Mapping[str, frozenset[str]] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    read_at: float = float("-inf")


class ApiDirectory:
    """Base paths and scopes of the APIs deployed to the server's environment."""

    def __init__(self) -> None:
        self._reading = _Reading()

    async def at(self, server: Server, base_path: str) -> frozenset[str]:
        """The ids (``name/version``) of the APIs at ``base_path``, which starts with a slash or is empty."""
        reading = await self._read(server, FRESH)
        if base_path not in reading.by_path:
            reading = await self._read(server, _UNKNOWN_EVERY)
        return reading.by_path.get(base_path, frozenset())

    async def path_of(self, server: Server, api: str) -> str | None:
        """The base path of the API ``name/version``; ``None`` where it is not deployed."""
        for most in (FRESH, _UNKNOWN_EVERY):
            for path, apis in (await self._read(server, most)).by_path.items():
                if api in apis:
                    return path
        return None

    async def scopes(self, server: Server) -> Mapping[str, str]:
        """What each scope of the deployed APIs lets an application do, in words."""
        return (await self._read(server, FRESH)).scopes

    async def _read(self, server: Server, most: float) -> _Reading:
        now = server.clock()
        if not self._reading.read_at <= now < self._reading.read_at + most:
            by_path: dict[str, frozenset[str]] = {}
            scopes: dict[str, str] = {}
            async with server.store.reading() as tx:
                for deployment in await tx.apis.deployed(server.settings.environment):
                    api = deployment.entry.api
                    path = api.base_path.rstrip("/")
                    by_path[path] = by_path.get(path, frozenset()) | {api.id}
                    scopes.update(api.scopes)
            self._reading = _Reading(by_path, scopes, now)
        return self._reading
