"""What the limits refuse, or have yet to decide: apart from the step that spends them, as few requests come here."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable

from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Denied, Exchange, LimitSet


def refusal(denied: Denied) -> Rejection:
    """The rejection for a refusal of the limits, with their headers and when to retry."""
    lines = tuple(line for line in denied.headers.split(b"\r\n") if line)
    return Rejection.of(denied.reason, *lines, retry_after=denied.retry_after)


def refused(
    exchange: Exchange, limit_set: LimitSet, verdict: Denied | Awaitable[Denied | None]
) -> Rejection | Awaitable[Rejection | None]:
    """The rejection, or what waits for the verdict."""
    if isinstance(verdict, Awaitable):
        return _waited(exchange, limit_set, verdict)
    return refusal(verdict)


async def _waited(
    exchange: Exchange, limit_set: LimitSet, pending: Awaitable[Denied | None]
) -> Rejection | None:
    try:
        verdict = await pending
    except BaseException:
        if limit_set.holds and _was_admitted(pending):
            limit_set.release()
        raise
    if verdict is not None:
        return refusal(verdict)
    exchange.limit_set = limit_set
    return None


@runtime_checkable
class _Answerable(Protocol):
    """An awaitable that may have been answered before its waiter was cancelled, as futures are."""

    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def result(self) -> Denied | None: ...


def _was_admitted(pending: object) -> bool:
    """Whether the wait for ``pending`` was cancelled only after the request had been counted."""
    return (
        isinstance(pending, _Answerable)
        and pending.done()
        and not pending.cancelled()
        and pending.result() is None
    )
