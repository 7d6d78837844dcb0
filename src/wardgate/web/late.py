"""An application that takes a while to make, and is not waited for at the start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Late:
    """Stands for what ``make`` returns. It is made once, in a thread: at :meth:`prepare`, or for the first request, which
    waits for it. An error of ``make`` is that of every request."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._making: asyncio.Task[ASGIApp] | None = None

    async def prepare(self) -> None:
        """Returns when it is made. Raises what ``make`` raises."""
        await self._made()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await self._made()
        await app(scope, receive, send)

    async def _made(self) -> ASGIApp:
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)
