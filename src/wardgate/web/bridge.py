"""Control's questions to the supervisor over the hub: what the gateway workers count, and whether they are ready."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from wardgate.gateway.hub import HubClient, Message

REPLY_SECONDS = 2.0


class SupervisorSilentError(Exception):
    """The supervisor did not answer in time, or is gone."""


class SupervisorBridge:
    """Asks the supervisor and waits for the answer, many questions at a time."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._ids = itertools.count(1)
        hub.on("metrics.reply", self._reply)

    async def status(self, accept: str = "") -> dict[str, Any]:
        """The merged metrics of all workers as text (``body``, of ``content_type``, chosen by ``accept``), and the
        state of each child process (``children``).

        Raises:
            SupervisorSilentError: no answer came within ``REPLY_SECONDS``.
        """
        number = next(self._ids)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            if not self._hub.send({"kind": "metrics.request", "id": number, "accept": accept}):
                raise SupervisorSilentError("the supervisor is gone")
            return await asyncio.wait_for(answer, REPLY_SECONDS)
        except TimeoutError as error:
            raise SupervisorSilentError(f"the supervisor did not answer within {REPLY_SECONDS} s") from error
        finally:
            del self._waiting[number]

    def _reply(self, message: Message) -> None:
        waiting = self._waiting.get(message.get("id", 0))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
