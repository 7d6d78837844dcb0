"""Whether a caller whose answer is still streaming, or whose tunnel is open, would still be let in.

A request is decided once, but a stream or a WebSocket may outlive the right to it. When a credential, an application
or an API changes, the exchanges it concerns are judged again by the same steps, limits apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from wardgate.domain.rejection import Rejection
from wardgate.gateway.answering import BUSY, TUNNEL
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.policy.exchange import Exchange

if TYPE_CHECKING:
    from wardgate.gateway.connection import ClientConnection

_PHASES = frozenset({"network", "authenticate", "authorize"})


def is_open(connection: ClientConnection) -> bool:
    """Whether the connection's answer has begun and is not over: a stream, or a tunnel."""
    return connection.state == TUNNEL or (connection.state == BUSY and connection.answer_started)


def outlived(connection: ClientConnection, wall: float) -> bool:
    """Whether the credential of a stream or tunnel has expired since it was let in."""
    exchange = connection.exchange
    if exchange is None or exchange.principal is None or not is_open(connection):
        return False
    expires_at = exchange.principal.credential.expires_at
    return expires_at is not None and expires_at <= wall


def end_revoked(
    connections: Iterable[ClientConnection],
    concerns: Callable[[Exchange], bool],
    served: Callable[[str], bool],
) -> int:
    """Cuts the open exchanges that ``concerns`` names and that would be refused now; how many were cut.

    ``served`` tells whether an API is still deployed.
    """
    cut = 0
    for connection in list(connections):
        exchange = connection.exchange
        if exchange is None or not is_open(connection) or not concerns(exchange):
            continue
        reason = "api_not_found" if not served(exchange.resource.api_id) else refusal(exchange)
        if reason is not None:
            connection.cut_off(reason)
            cut += 1
    return cut


def refusal(exchange: Exchange) -> str | None:
    """Why the steps up to authorization would refuse the same request now; ``None`` if they would not."""
    again = Exchange(
        exchange.head,
        exchange.resource,
        exchange.digest,
        exchange.client,
        exchange.secure,
        exchange.now,
        exchange.directory,
    )
    for named in exchange.resource.table:
        if named.phase not in _PHASES:
            continue
        try:
            verdict = named.call(again)
        except StoreUnavailableError:
            return "store_unavailable"
        if isinstance(verdict, Rejection):
            return verdict.reason.name
        if isinstance(verdict, Awaitable) and inspect.iscoroutine(verdict):
            verdict.close()
    return None
