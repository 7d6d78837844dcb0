"""Authorizes the application: active, subscribed to this API, and the key covers this resource."""

from __future__ import annotations

from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange

_SUSPENDED = Rejection.of("application_suspended")
_MISSING = Rejection.of("subscription_missing")
_RESOURCE = Rejection.of("key_resource_refused")


def subscription(exchange: Exchange) -> Rejection | None:
    """The step: afterwards ``exchange.subscription`` is the application's to this API."""
    principal = exchange.principal
    if principal is None:
        return _MISSING
    if principal.application.status != "active":
        return _SUSPENDED
    resource = exchange.resource
    found = principal.subscriptions.get(resource.api_id)
    if found is None:
        return _MISSING
    covered = principal.credential.restrictions.resources
    if covered and resource.names[0] not in covered and resource.names[1] not in covered:
        return _RESOURCE
    exchange.subscription = found
    return None
