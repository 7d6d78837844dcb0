"""Workers' questions about foreign issuers, answered in the control process over the hub."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from wardgate.gateway.hub import HubClient, Message
from wardgate.identity.asking import Introspection
from wardgate.identity.issuers import Issuers
from wardgate.identity.ports import FetchError
from wardgate.storage.errors import StoreError
from wardgate.web.failures import where

_log = logging.getLogger("wardgate.identity")

#: Questions being answered at a time; one more is refused at once.
MAX_QUESTIONS = 256


class IssuerRelay:
    """Answers ``issuer.refresh`` with ``issuer.reply`` and ``introspect.ask`` with ``introspect.reply``. Tokens and
    answers are in no log; why a question failed is, and workers are told."""

    def __init__(
        self, hub: HubClient, issuers: Mapping[str, tuple[Issuers, Introspection]], primary: str
    ) -> None:
        """``issuers`` are those of each environment; ``primary`` is the one that is meant where none is named."""
        self._hub = hub
        self._issuers = issuers
        self._primary = primary
        self._tasks: set[asyncio.Task[None]] = set()
        hub.on("issuer.refresh", lambda message: self._take(message, "issuer.reply", self._refresh(message)))
        hub.on("introspect.ask", lambda message: self._take(message, "introspect.reply", self._ask(message)))

    async def close(self) -> None:
        """Questions that are open are given up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, message: Message, kind: str, answer: Coroutine[Any, Any, Message]) -> None:
        if len(self._tasks) >= MAX_QUESTIONS:
            answer.close()
            self._reply(message, kind, {"error": "too many questions at a time"})
            return
        task = asyncio.get_running_loop().create_task(self._settle(message, kind, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, message: Message, kind: str, answer: Coroutine[Any, Any, Message]) -> None:
        try:
            reply = await answer
        except FetchError as error:
            _log.warning("a worker's question about the issuer %s failed: %s", message.get("issuer"), error)
            reply = {"error": str(error)}
        except StoreError as error:
            reply = {"error": f"the store is away ({error.code})"}
        except Exception as error:
            _log.error("a worker's question about an issuer failed: %s", where(error))
            reply = {"error": "internal error"}
        self._reply(message, kind, reply)

    def _reply(self, message: Message, kind: str, reply: Message) -> None:
        envelope = {name: message.get(name) for name in ("id", "worker", "life")}
        self._hub.send({"kind": kind, **envelope, **reply})

    async def _refresh(self, message: Message) -> Message:
        issuers, _ = self._of(message)
        await issuers.refresh(str(message["issuer"]))
        return {}

    async def _ask(self, message: Message) -> Message:
        issuer, endpoint, client_id, token = (
            str(message[name]) for name in ("issuer", "endpoint", "client_id", "token")
        )
        _, introspection = self._of(message)
        return {"answer": await introspection.ask(issuer, endpoint, client_id, token)}

    def _of(self, message: Message) -> tuple[Issuers, Introspection]:
        """The issuers of the environment whose worker asks. Raises KeyError: it is not served here."""
        return self._issuers[str(message.get("environment", self._primary))]
