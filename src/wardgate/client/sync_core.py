"""How the synchronous client asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from wardgate.client import wire


class Core:
    """One server and who asks it. ``server`` is its URL, ``token`` an access token, ``ca`` a file of authorities that are
    trusted besides the system's; ``transport`` replaces the network.

    Raises:
        UsageError: the token would be sent where others can read it, or a setting cannot be used.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str = "",
        ca: Path | None = None,
        timeout: float = wire.TIMEOUT,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._server = wire.checked_server(server)
        verify = None if transport is not None else wire.context(self._server, ca)
        self._http = httpx2.Client(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            transport=transport,
            verify=verify if verify is not None else False,
            # A proxy sees nothing of https; of http it would see the token.
            trust_env=verify is not None,
        )

    def close(self) -> None:
        """Afterwards no connection is open."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, **named: Any) -> Any:
        return self._send(wire.call(method, path, **named))

    def _pages(self, path: str, query: dict[str, Any]) -> Iterator[Any]:
        page = self._ask("GET", path, query=query)
        while True:
            yield from page["items"]
            if page["next"] is None:
                return
            page = self._send(wire.following(page["next"]))

    def _send(self, call: wire.Call) -> Any:
        attempt = 0
        while True:
            try:
                response = self._http.request(
                    call.method, call.path, params=call.query, headers=call.headers, content=call.content
                )
                return wire.result(response.status_code, response.headers, response.content)
            except httpx2.ConnectError as error:
                attempt += 1
                if attempt > wire.RETRIES:
                    raise wire.unreachable(self._server, error) from None
                time.sleep(wire.PAUSE)
            except httpx2.RequestError as error:
                raise wire.unreachable(self._server, error) from None
