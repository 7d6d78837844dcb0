"""What contributes to a decision, in words for ``wardgate explain``: which setting came from where, and what it shadows."""

from __future__ import annotations

from datetime import UTC, datetime

from wardgate.domain.api import Acl, Api
from wardgate.domain.consumer import Subscription
from wardgate.domain.effective import Effective
from wardgate.domain.limit import Limit
from wardgate.domain.principal import Principal
from wardgate.domain.standing import Standing
from wardgate.policy.exchange import Exchange

_ORIGINS = {
    "default": "the API's own",
    "plan": "of the plan",
    "subscription": "set for the subscription",
    "application": "set for the application",
}


def limit_words(found: Effective) -> str:
    """One limit in force, where it was set, and what it stands before."""
    words = f"{_would(found.limit)}, {_ORIGINS[found.origin]}"
    for shadowed in found.shadows:
        words += f", before {_amount(shadowed.limit)} ({_ORIGINS[shadowed.origin]})"
    return words


def _would(limit: Limit) -> str:
    if limit.kind == "concurrency":
        return f"would hold one of {limit.amount} places in flight"
    if limit.kind == "quota":
        words = f"would use one of {limit.amount} requests a {limit.per} ({limit.timezone})"
        if limit.soften is not None:
            words += f" and past them one of {limit.soften.amount} a {limit.soften.per}"
        return words
    burst = f", burst {limit.burst}" if limit.burst is not None else ""
    return f"would use one of {limit.kind} {limit.amount} per {limit.per}{burst}"


def _amount(limit: Limit) -> str:
    return f"{limit.amount} in flight" if limit.kind == "concurrency" else f"{limit.amount} a {limit.per}"


def standing_words(standing: Standing) -> str:
    """How an API stands in its environment."""
    words: list[str] = [standing.lifecycle]
    if standing.deprecated_at is not None:
        words.append(f"deprecated since {_date(standing.deprecated_at)}")
    if standing.sunset_at is not None:
        words.append(f"ends {_date(standing.sunset_at)}")
    if standing.successor:
        words.append(f"successor {standing.successor}")
    if standing.off:
        shut = "all of it" if "*" in standing.off else ", ".join(standing.off)
        words.append(f"switched off: {shut}")
    return "; ".join(words)


def subscription_words(subscription: Subscription) -> str:
    """What an application is subscribed to, and what was set for the subscription."""
    if subscription.id.startswith(f"{subscription.application}@"):
        return f"{subscription.api} asks for no subscription, and there is none"
    words = [f"subscribed to {subscription.api} on plan {subscription.plan or '(none)'}"]
    controls = subscription.controls
    if subscription.expires_at is not None:
        words.append(f"until {_date(subscription.expires_at)}")
    if controls.cidrs:
        words.append(f"from {', '.join(controls.cidrs)}")
    if controls.scopes:
        words.append(f"tokens may use the scopes {', '.join(controls.scopes)} at most")
    if controls.roles:
        words.append(f"with the roles {', '.join(controls.roles)}")
    return "; ".join(words)


def acl_words(exchange: Exchange, principal: Principal) -> str:
    """Which ACLs were passed, and by which groups."""
    resource = exchange.resource
    words = [
        f"{_acl(acl)} ({origin})"
        for origin, acl in (("the API's", resource.api.acl), ("the resource's", resource.resource.acl))
        if acl is not None
    ]
    groups = ", ".join(sorted(principal.groups)) or "none"
    return f"groups of the caller: {groups}; {'; '.join(words)}"


def _acl(acl: Acl) -> str:
    parts = [
        f"{verb} {', '.join(groups)}" for verb, groups in (("allow", acl.allow), ("deny", acl.deny)) if groups
    ]
    return " and ".join(parts)


def refusal_words(reason: str, exchange: Exchange) -> str:
    """What is particular about a refusal that its step does not say."""
    principal = exchange.principal
    if principal is None:
        return (
            standing_words(exchange.resource.api.standing)
            if reason in ("api_retired", "api_disabled")
            else ""
        )
    subscription = principal.subscriptions.get(exchange.resource.api_id)
    if subscription is None:
        return ""
    if reason == "subscription_network":
        return f"{exchange.client} is in none of {', '.join(subscription.controls.cidrs)}"
    if reason == "subscription_expired" and subscription.expires_at is not None:
        return f"since {_date(subscription.expires_at)}"
    if reason == "scope_missing" and subscription.controls.scopes:
        return f"the subscription allows {', '.join(subscription.controls.scopes)} at most"
    return ""


def miss_words(reason: str, api_id: str) -> str:
    """Why an API that was reached has no answer."""
    if reason == "secret_missing":
        return (
            f"API {api_id} names a secret that this environment does not have; the gateway's log says which"
        )
    if reason in ("api_retired", "api_disabled"):
        return f"all of API {api_id} is shut"
    return f"API {api_id} does not declare it"


def header_words(api: Api) -> str:
    """The headers that the upstream is sent; never what they hold."""
    return ", ".join(f"{name}: [redacted]" for name in api.upstream.headers)


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
