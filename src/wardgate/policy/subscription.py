"""Authorizes the application: active, subscribed to this API, and the key covers this resource."""

from __future__ import annotations

from wardgate.domain.api import Api, Resource
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange, Step

_SUSPENDED = Rejection.of("application_suspended")
_MISSING = Rejection.of("subscription_missing")
_RESOURCE = Rejection.of("key_resource_refused")


def compile_step(api: Api, resource: Resource) -> Step:
    """The step: afterwards ``exchange.subscription`` is the application's to this API."""
    api_id = api.id
    accepted = frozenset({api_id, f"{api_id} {resource.name}"})

    def subscription(exchange: Exchange) -> Rejection | None:
        principal = exchange.principal
        if principal is None:
            return _MISSING
        if principal.application.status != "active":
            return _SUSPENDED
        found = principal.subscriptions.get(api_id)
        if found is None:
            return _MISSING
        covered = principal.credential.restrictions.resources
        if covered and accepted.isdisjoint(covered):
            return _RESOURCE
        exchange.subscription = found
        return None

    return subscription
