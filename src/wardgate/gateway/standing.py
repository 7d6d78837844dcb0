"""Whether a caller whose answer is still streaming, or whose tunnel is open, would still be let in.

A request is decided once, but a stream or a WebSocket may outlive the right to it. When a credential, an application
or an API changes, the exchanges it concerns are judged again by the same steps, limits apart; and so is one whose
answer begins only after a change, as it was decided before.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection
from time import monotonic
from typing import TYPE_CHECKING, Final

from wardgate.domain.rejection import Rejection
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.answering import BUSY, TUNNEL
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.policy.exchange import Exchange

if TYPE_CHECKING:
    from wardgate.domain.oauth import Token
    from wardgate.gateway.connection import ClientConnection
    from wardgate.policy.compiled import CompiledResource
    from wardgate.policy.exchange import Directory, Step

_PHASES = frozenset({"network", "authenticate", "authorize"})
_SKEW: Final = OAuth2Settings().skew
#: Verdicts that are waited for; kept until they are in.
_waiting: Final[set[asyncio.Task[None]]] = set()


def is_open(connection: ClientConnection) -> bool:
    """Whether the connection's answer has begun and is not over: a stream, or a tunnel."""
    return connection.state == TUNNEL or (connection.state == BUSY and connection.answer_started)


def outlived(connection: ClientConnection, wall: float) -> str | None:
    """The reason to end a stream or tunnel whose credential or subscription has expired since it was let in; else
    ``None``."""
    exchange = connection.exchange
    if exchange is None or exchange.principal is None or not is_open(connection):
        return None
    principal = exchange.principal
    expires_at = principal.credential.expires_at
    if expires_at is not None and expires_at <= wall:
        return "key_expired"
    subscription = exchange.subscription
    if subscription is not None and subscription.expires_at is not None and subscription.expires_at <= wall:
        return "subscription_expired"
    token = principal.token
    if token is None:
        return None
    settings = exchange.resource.api.oauth2
    skew = settings.skew if settings is not None else _SKEW
    return "token_expired" if token.expires_at + skew <= wall else None


def of_client(exchange: Exchange, client_id: str) -> bool:
    """Whether the exchange runs on a token of the client."""
    token = _token(exchange)
    return token is not None and token.client == client_id


def of_issuer(exchange: Exchange, issuer: str) -> bool:
    """Whether the exchange runs on a token of the issuer."""
    token = _token(exchange)
    return token is not None and token.issuer == issuer


def of_person(exchange: Exchange) -> bool:
    """Whether the exchange runs on a token that a person gave (its grant), or that another issuer says is one's."""
    token = _token(exchange)
    return token is not None and bool(token.grant or token.groups)


def _token(exchange: Exchange) -> Token | None:
    return exchange.principal.token if exchange.principal is not None else None


class Standing:
    """Judges again what is open. ``current`` gives a resource as it is served now, or the reason that it is not.

    Of several environments' connections only those are judged whose exchanges ``directory`` decides; ``None``: all.
    """

    __slots__ = ("_changed_at", "_connections", "_current", "_directory")

    def __init__(
        self,
        connections: Collection[ClientConnection],
        current: Callable[[CompiledResource], CompiledResource | str],
        directory: Directory | None = None,
    ) -> None:
        self._directory = directory
        self._connections = connections
        self._current = current
        #: Monotonic time of the last change.
        self._changed_at = -math.inf

    def changed(self, concerns: Callable[[Exchange], bool]) -> int:
        """Cuts the open exchanges that ``concerns`` names and that would be refused now; how many were cut at once.

        Where a verdict has to be waited for (a token that its issuer is asked about), the exchange is cut once it is in.
        """
        self._changed_at = monotonic()
        cut = 0
        for connection in list(self._connections):
            exchange = connection.exchange
            if exchange is None or self._directory not in (None, exchange.directory):
                continue
            if is_open(connection) and concerns(exchange):
                cut += self._judge(connection, exchange)
        return cut

    def begun(self, connection: ClientConnection) -> None:
        """A stream or tunnel begins: it is judged again, soon, if anything changed since it was asked for. Meanwhile it
        was not open, and what it runs on perhaps not known."""
        if connection.started <= self._changed_at:
            asyncio.get_running_loop().call_soon(self._judge_begun, connection, connection.exchange)

    def _judge_begun(self, connection: ClientConnection, exchange: Exchange | None) -> None:
        if exchange is not None and connection.exchange is exchange and is_open(connection):
            self._judge(connection, exchange)

    def _judge(self, connection: ClientConnection, exchange: Exchange) -> bool:
        """Whether the exchange was cut."""
        now = self._current(exchange.resource)
        reason: str | Awaitable[str | None] | None
        try:
            reason = now if isinstance(now, str) else refusal(exchange, now)
        except Exception as error:
            # A step that fails decides nothing about others, and lets nobody stay.
            connection.worker.report(error)
            reason = "gateway_error"
        if isinstance(reason, Awaitable):
            task = asyncio.get_running_loop().create_task(_cut_later(connection, exchange, reason))
            _waiting.add(task)
            task.add_done_callback(_waiting.discard)
        elif reason is not None:
            connection.cut_off(reason)
            return True
        return False


def refusal(exchange: Exchange, resource: CompiledResource) -> str | Awaitable[str | None] | None:
    """Why the steps of ``resource`` up to authorization would refuse the same request now; ``None`` if they would not."""
    again = Exchange(
        exchange.head,
        resource,
        exchange.digest,
        exchange.client,
        exchange.secure,
        exchange.now,
        exchange.directory,
    )
    again.token = exchange.token
    again.certificate = exchange.certificate
    again.scheme = exchange.scheme
    # A proof is good once; that it was shown when the exchange began does not change.
    again.proven = exchange.proven
    calls = [named.call for named in resource.table if named.phase in _PHASES]
    for index, call in enumerate(calls):
        try:
            verdict = call(again)
        except StoreUnavailableError:
            return "store_unavailable"
        if isinstance(verdict, Rejection):
            return verdict.reason.name
        if verdict is not None:
            return _refusal_later(again, verdict, calls[index + 1 :])
    return None


async def _refusal_later(
    again: Exchange, pending: Awaitable[Rejection | None], calls: list[Step]
) -> str | None:
    try:
        verdict = await pending
        for call in calls:
            if verdict is not None:
                break
            outcome = call(again)
            verdict = await outcome if isinstance(outcome, Awaitable) else outcome
    except StoreUnavailableError:
        return "store_unavailable"
    return verdict.reason.name if verdict is not None else None


async def _cut_later(
    connection: ClientConnection, exchange: Exchange, pending: Awaitable[str | None]
) -> None:
    reason: str | None
    try:
        reason = await pending
    except Exception as error:
        connection.worker.report(error)
        reason = "gateway_error"
    if reason is not None and connection.exchange is exchange and is_open(connection):
        connection.cut_off(reason)
