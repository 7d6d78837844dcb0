"""Authorizes the application: active, subscribed to this API, and the key covers this resource."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from wardgate.domain.consumer import Subscription
from wardgate.domain.principal import Principal
from wardgate.domain.rejection import Rejection
from wardgate.policy.exchange import Exchange
from wardgate.policy.network import inside

_SUSPENDED = Rejection.of("application_suspended")
_MISSING = Rejection.of("subscription_missing")
_RESOURCE = Rejection.of("key_resource_refused")
_EXPIRED = Rejection.of("subscription_expired")
_NETWORK = Rejection.of("subscription_network")
_STATUS = {status: Rejection.of(f"subscription_{status}") for status in ("pending", "suspended", "rejected")}


def subscription(exchange: Exchange) -> Rejection | None:
    """The step: afterwards ``exchange.subscription`` is the application's to this API, and what was set for it holds."""
    principal = exchange.principal
    if principal is None:
        return _MISSING
    if not principal.application.usual:
        if principal.application.status != "active":
            return _SUSPENDED
        exchange.overridden = True
    resource = exchange.resource
    found = principal.subscriptions.get(resource.api_id)
    if found is None:
        return _MISSING
    covered = principal.credential.restrictions.resources
    if covered and resource.names[0] not in covered and resource.names[1] not in covered:
        return _RESOURCE
    if not found.usual:
        refused = _controlled(exchange, principal, found)
        if refused is not None:
            return refused
    exchange.subscription = found
    return None


def unsubscribed(exchange: Exchange) -> Rejection | None:
    """The step of an API that asks for no subscription: who has one is held to it, all others stand for themselves."""
    principal = exchange.principal
    if principal is None:
        return _MISSING
    resource = exchange.resource
    if resource.api_id in principal.subscriptions:
        return subscription(exchange)
    if not principal.application.usual:
        if principal.application.status != "active":
            return _SUSPENDED
        exchange.overridden = True
    covered = principal.credential.restrictions.resources
    if covered and resource.names[0] not in covered and resource.names[1] not in covered:
        return _RESOURCE
    exchange.subscription = stand_in(
        principal.application.id, resource.api_id, principal.credential.environment
    )
    return None


@lru_cache(maxsize=4096)
def stand_in(application_id: str, api_id: str, environment: str) -> Subscription:
    """What an application is counted and named by at an environment's API it is not subscribed to and need not be."""
    own = f"{application_id}@{environment} {api_id}"
    return Subscription(id=own, application=application_id, api=api_id, plan=None)


def _controlled(exchange: Exchange, principal: Principal, found: Subscription) -> Rejection | None:
    """Holds the request to what is particular about its subscription; a token is left with the scopes it allows."""
    if found.status != "active":
        return _STATUS.get(found.status, _MISSING)
    if found.expires_at is not None and found.expires_at <= exchange.directory.wall():
        return _EXPIRED
    controls = found.controls
    if controls.cidrs and not inside(exchange.client, controls.cidrs):
        return _NETWORK
    token = principal.token
    if controls.scopes and token is not None and not token.scopes.issubset(controls.scopes):
        narrowed = replace(token, scopes=token.scopes.intersection(controls.scopes))
        exchange.principal = Principal(
            credential=principal.credential,
            application=principal.application,
            subscriptions=principal.subscriptions,
            token=narrowed,
        )
    if controls.limits:
        exchange.overridden = True
    return None
