"""Spends the subscription's limits: all of them or none."""

from __future__ import annotations

from collections.abc import Awaitable

from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange
from wardgate.policy.refused import refused


def limits(exchange: Exchange) -> Rejection | Awaitable[Rejection | None] | None:
    """The step: afterwards one request is counted in every limit, or none was and the request is refused."""
    subscription = exchange.subscription
    if subscription is None:
        return None
    if exchange.overridden:
        return effective_limits(exchange)
    if subscription.plan is None:
        return None
    limit_set = exchange.directory.limits(subscription)
    if limit_set is None:
        return None
    verdict = limit_set.take(exchange.now)
    if verdict is None:
        exchange.limit_set = limit_set
        return None
    return refused(exchange, limit_set, verdict)


def own_limits(exchange: Exchange) -> Rejection | Awaitable[Rejection | None] | None:
    """The step of an API without plans: only what was set for the subscription or its application is counted."""
    return effective_limits(exchange) if exchange.overridden else None


def effective_limits(exchange: Exchange) -> Rejection | Awaitable[Rejection | None] | None:
    """The step of an API with limits of its own: what is in force may come from any place that sets limits."""
    if exchange.subscription is None:
        return None
    limit_set = exchange.directory.effective_limits(exchange)
    if limit_set is None:
        return None
    verdict = limit_set.take(exchange.now)
    if verdict is None:
        exchange.limit_set = limit_set
        return None
    return refused(exchange, limit_set, verdict)
