"""Answers a client's requests in this very process: the admin API on the local store, asked by whoever runs the command."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from wardgate.domain.actor import Actor
    from wardgate.identity.server import Server
    from wardgate.storage.database import SqlStore
    from wardgate.web.admin_api.ask import Services

#: What the requests name as their server; nothing ever looks it up.
LOCAL = "http://127.0.0.1"


class LocalTransport(httpx2.BaseTransport):
    """Opens the store with the first request, and imports only the room that is asked."""

    def __init__(
        self,
        data_dir: Path,
        environment: str,
        issuer: str,
        outbound_allow: tuple[str, ...],
        actor: Actor,
    ) -> None:
        self._outbound_allow = outbound_allow
        self._data_dir = data_dir
        self._environment = environment
        self._issuer = issuer
        self._actor = actor
        self._runner = asyncio.Runner()
        self._store: SqlStore | None = None
        self._rooms: dict[str, httpx2.ASGITransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer of the admin API.

        Raises:
            StoreError: the store cannot be opened.
        """
        return self._runner.run(self._handle(request))

    def close(self) -> None:
        """Afterwards the store is closed."""
        if self._store is not None:
            self._runner.run(self._store.close())
        self._runner.close()

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        from wardgate.web.admin_api.prefix import PREFIX
        from wardgate.web.admin_api.rooms import first_segment

        room = first_segment(request.url.path.removeprefix(PREFIX))
        if room not in self._rooms:
            self._rooms[room] = await self._open(room)
        response = await self._rooms[room].handle_async_request(request)
        content = await response.aread()
        return httpx2.Response(response.status_code, headers=response.headers, content=content)

    async def _open(self, room: str) -> httpx2.ASGITransport:
        from wardgate.web.admin_api.actor import always
        from wardgate.web.admin_api.app import admin_app

        app = admin_app(await self._services(), always(self._actor), (room,))
        return httpx2.ASGITransport(app=app)

    async def _services(self) -> Services:
        from wardgate.domain.settings import ServerSettings
        from wardgate.storage.database import open_store
        from wardgate.web.admin_api.ask import Services

        if self._store is None:
            self._store = await open_store(self._data_dir)
        settings = ServerSettings(
            data_dir=str(self._data_dir),
            environment=self._environment,
            issuer=self._issuer or "https://unnamed.invalid",
            outbound_allow=self._outbound_allow,
        )
        store = self._store

        def identity() -> Server:
            from wardgate.web.identity_server import build_server

            return build_server(settings, store.overlapping)

        return Services(store=store, settings=settings, identity=cache(identity))
