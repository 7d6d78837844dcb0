"""Questions of a worker that others answer over the hub: about foreign issuers, and whether a proof is new.

Every question ends: with an answer, or when nobody has answered in time, or when the hub is gone. What cannot be
answered opens nothing.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from wardgate.domain.trust import TrustedIssuer
from wardgate.gateway.hub import Handler, Message
from wardgate.gateway.ports import IssuerDesk, IssuerUnavailableError

#: Longer than control takes at most: a call of 5 s for metadata and one for keys.
ISSUER_SECONDS = 12.0
REPLAY_SECONDS = 2.0
#: Questions that wait for their answer at a time; one more is answered at once, in the negative.
MAX_WAITING = 4096
#: Keys asked about in one message.
_AT_ONCE = 500


class Hub(Protocol):
    """What is asked over: ``gateway.hub.HubClient``."""

    def on(self, prefix: str, handler: Handler) -> None: ...
    def send(self, message: Message) -> bool: ...


class HubIssuerDesk:
    """Implements ``ports.IssuerDesk``: the control process does the asking, the supervisor passes it on."""

    def __init__(self, hub: Hub, seconds: float = ISSUER_SECONDS) -> None:
        self._hub = hub
        self._seconds = seconds
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._refreshing: dict[tuple[str, str], asyncio.Task[None]] = {}
        hub.on("issuer.reply", self._reply)
        hub.on("introspect.reply", self._reply)

    def of(self, environment: str) -> IssuerDesk:
        """The same for one of several environments, whose APIs trust the issuers."""
        return _OfEnvironment(self, environment)

    def refresh(self, issuer: TrustedIssuer, environment: str = "") -> Awaitable[None]:
        """See ``IssuerDesk``; who asks for the same issuer meanwhile waits for the same answer."""
        key = environment, issuer.issuer
        flight = self._refreshing.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._refresh(*key))
            self._refreshing[key] = flight
            flight.add_done_callback(lambda done: self._refreshed(key, done))
        return asyncio.shield(flight)

    async def introspect(self, issuer: TrustedIssuer, token: str, environment: str = "") -> Mapping[str, Any]:
        """See ``IssuerDesk``."""
        reply = await self._ask(
            {
                "kind": "introspect.ask",
                "issuer": issuer.issuer,
                "endpoint": issuer.introspection_endpoint,
                "client_id": issuer.introspection_client_id,
                "token": token,
                **_named(environment),
            }
        )
        answer = reply.get("answer")
        if not isinstance(answer, dict):
            raise IssuerUnavailableError("the control process gave no answer")
        return answer

    def lost(self) -> None:
        """The supervisor is gone: nobody will answer any more."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(IssuerUnavailableError("the supervisor is gone"))

    async def _refresh(self, environment: str, name: str) -> None:
        await self._ask({"kind": "issuer.refresh", "issuer": name, **_named(environment)})

    def _refreshed(self, key: tuple[str, str], flight: asyncio.Task[None]) -> None:
        del self._refreshing[key]
        if not flight.cancelled():
            flight.exception()  # told to whoever waits, if anybody still does

    async def _ask(self, message: Message) -> Message:
        """The reply to ``message``. Raises IssuerUnavailableError."""
        if len(self._waiting) >= MAX_WAITING:
            raise IssuerUnavailableError("too many questions wait for an answer")
        number = next(self._numbers)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            if not self._hub.send({**message, "id": number}):
                raise IssuerUnavailableError("the supervisor is gone or does not keep up")
            async with asyncio.timeout(self._seconds):
                reply = await answer
        except TimeoutError:
            raise IssuerUnavailableError(
                f"the control process did not answer within {self._seconds:g} s"
            ) from None
        finally:
            del self._waiting[number]
        error = reply.get("error")
        if error:
            raise IssuerUnavailableError(str(error))
        return reply

    def _reply(self, message: Message) -> None:
        waiting = self._waiting.get(message.get("id", 0))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)


class _OfEnvironment:
    """Asks for one environment."""

    def __init__(self, desk: HubIssuerDesk, environment: str) -> None:
        self._desk = desk
        self._environment = environment

    def refresh(self, issuer: TrustedIssuer) -> Awaitable[None]:
        """See ``IssuerDesk``."""
        return self._desk.refresh(issuer, self._environment)

    def introspect(self, issuer: TrustedIssuer, token: str) -> Awaitable[Mapping[str, Any]]:
        """See ``IssuerDesk``."""
        return self._desk.introspect(issuer, token, self._environment)


def _named(environment: str) -> Message:
    return {"environment": environment} if environment else {}


class HubReplayDesk:
    """Implements ``ports.ReplayDesk``: the supervisor remembers for all workers. Questions of one turn go together."""

    def __init__(self, hub: Hub, seconds: float = REPLAY_SECONDS) -> None:
        self._hub = hub
        self._seconds = seconds
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._asked: list[tuple[int, str, float]] = []
        hub.on("replay.reply", self._reply)

    async def first(self, key: str, until: float) -> bool:
        """See ``ReplayDesk``."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        answer: asyncio.Future[bool] = loop.create_future()
        self._waiting[number] = answer
        if not self._asked:
            loop.call_soon(self._flush)
        self._asked.append((number, key, until))
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except TimeoutError:
            return False
        finally:
            del self._waiting[number]

    def lost(self) -> None:
        """The supervisor is gone: nothing can be known to be new."""
        self._settle((number, False) for number in list(self._waiting))

    def _flush(self) -> None:
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), _AT_ONCE):
            part = asked[start : start + _AT_ONCE]
            if not self._hub.send({"kind": "replay.ask", "asked": part}):
                self._settle((number, False) for number, _, _ in part)

    def _reply(self, message: Message) -> None:
        self._settle(message["answers"])

    def _settle(self, answers: Any) -> None:
        for number, first in answers:
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(first is True)
