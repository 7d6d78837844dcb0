"""How the asynchronous client asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from wardgate.client import wire


class AsyncCore:
    """One server and who asks it, as :class:`wardgate.client.sync_core.Core`."""

    def __init__(
        self,
        server: str,
        *,
        token: str = "",
        ca: Path | None = None,
        timeout: float = wire.TIMEOUT,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._server = wire.checked_server(server)
        verify = None if transport is not None else wire.context(self._server, ca)
        self._http = httpx2.AsyncClient(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            transport=transport,
            verify=verify if verify is not None else False,
            trust_env=verify is not None,
        )

    async def close(self) -> None:
        """Afterwards no connection is open."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, **named: Any) -> Any:
        return await self._send(wire.call(method, path, **named))

    async def _pages(self, path: str, query: dict[str, Any]) -> AsyncIterator[Any]:
        page = await self._ask("GET", path, query=query)
        while True:
            for each in page["items"]:
                yield each
            if page["next"] is None:
                return
            page = await self._send(wire.following(page["next"]))

    async def _send(self, call: wire.Call) -> Any:
        attempt = 0
        while True:
            try:
                response = await self._http.request(
                    call.method, call.path, params=call.query, headers=call.headers, content=call.content
                )
                return wire.result(response.status_code, response.headers, response.content)
            except httpx2.ConnectError as error:
                attempt += 1
                if attempt > wire.RETRIES:
                    raise wire.unreachable(self._server, error) from None
                await asyncio.sleep(wire.PAUSE)
            except httpx2.RequestError as error:
                raise wire.unreachable(self._server, error) from None
