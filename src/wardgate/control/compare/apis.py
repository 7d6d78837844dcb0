"""Every field of an API, and who compares it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.access import access
from wardgate.control.compare.acl import ACL, CONDITION
from wardgate.control.compare.cors import cors
from wardgate.control.compare.limits import limits
from wardgate.control.compare.policies import POLICIES
from wardgate.control.compare.resources import resources, undeclared_resource
from wardgate.control.compare.rules import Aspect, At, bound, differences, elements, neutral, protects
from wardgate.control.compare.standing import standing
from wardgate.control.compare.trust import trust
from wardgate.control.compare.upstream import UPSTREAM
from wardgate.domain.api import Api, ApiKeyScheme
from wardgate.domain.difference import Difference

#: Where a key is shown, from where it is seen least: an URL is logged everywhere, a cookie is sent without being asked.
_PLACES = ("header", "cookie", "query")


def _hosts(at: At, before: Api, after: Api) -> Iterator[Difference]:
    if before.hosts and not after.hosts:
        yield at.found(
            "hosts_removed",
            before.hosts,
            None,
            "the API answers under every host of the gateway",
            weakens=True,
        )
    elif not before.hosts:
        yield at.found("hosts_added", None, after.hosts, f"the API answers at {', '.join(after.hosts)} only")
    else:
        yield from elements(at, "host", before.hosts, after.hosts, "the host", weakens="added")


def _place(at: At, before: ApiKeyScheme, after: ApiKeyScheme) -> Iterator[Difference]:
    yield at.found(
        "key_place_changed",
        before.place,
        after.place,
        f"keys stand in the {after.place}, instead of the {before.place}",
        weakens=_PLACES.index(after.place) > _PLACES.index(before.place),
    )


API_KEY: tuple[Aspect, ...] = (Aspect(("place",), _place), neutral("name"))


def _api_key(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield from differences(at.within(f"{at.place} api_key"), before.api_key, after.api_key, API_KEY)


def _undeclared(at: At, before: Api, after: Api) -> Iterator[Difference]:
    inner = at.within(f"{at.place} undeclared")
    if before.undeclared != after.undeclared:
        opened = after.undeclared == "allow"
        yield inner.found(
            "undeclared_changed",
            before.undeclared,
            after.undeclared,
            f"what the document does not declare is {'let through' if opened else 'refused'}",
            weakens=opened,
        )
        return
    if after.undeclared == "allow":
        yield from access(inner, undeclared_resource(before), undeclared_resource(after))
        return
    yield inner.found(
        "defaults_changed",
        before.schemes,
        after.schemes,
        "the security of what the document does not declare, which is refused",
    )


def _upstream(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield from differences(at.within(f"{at.place} upstream"), before.upstream, after.upstream, UPSTREAM)


def _oauth2(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield from trust(at, before, after)


def _limits(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield from limits(at.within(f"{at.place} limits"), before.limits, after.limits)


def _subscription(at: At, before: Api, after: Api) -> Iterator[Difference]:
    off = after.subscription == "off"
    yield at.found(
        "subscription_off" if off else "subscription_on",
        before.subscription,
        after.subscription,
        "callers need no subscription" if off else "callers need a subscription",
        weakens=off,
    )


def _plans(at: At, before: Api, after: Api) -> Iterator[Difference]:
    """The names alone; ``plans.py`` compares what they stand for."""
    yield from elements(at, "offer", before.plans, after.plans, "the plan", weakens="never")


def _scopes(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield from elements(at, "scope_word", before.scopes, after.scopes, "the scope", weakens="never")
    for name in before.scopes:
        if name in after.scopes and before.scopes[name] != after.scopes[name]:
            yield at.found(
                "scope_described",
                before.scopes[name],
                after.scopes[name],
                f"people are told something else of the scope {name}",
            )


def _policies(at: At, before: Any, after: Any) -> Iterator[Difference]:
    yield from POLICIES.compare(at, before, after)


VERSIONING: tuple[Aspect, ...] = (neutral("by", "value", "name", "default"),)


def _versioning(at: At, before: Api, after: Api) -> Iterator[Difference]:
    yield at.found(
        "versioning_changed",
        before.versioning,
        after.versioning,
        f"requests name this version by {_named(after)}, instead of by {_named(before)}",
    )


def _named(api: Api) -> str:
    found = api.versioning
    if found is None:
        return "the path alone"
    return f"{found.field}: {found.value}{' (the default)' if found.default else ''}"


API: tuple[Aspect, ...] = (
    neutral("name", "version", "base_path"),
    Aspect(("hosts",), _hosts),
    Aspect(("upstream",), _upstream),
    Aspect(("resources",), resources),
    Aspect(("api_key",), _api_key),
    Aspect(("undeclared", "schemes", "require"), _undeclared),
    Aspect(("plans",), _plans),
    Aspect(("cors",), cors),
    bound("max_body", "the largest request body", unit="bytes"),
    Aspect(("policies",), _policies),
    protects("identity_headers", "telling the upstream who calls"),
    protects("assertion", "the signed statement of who calls"),
    Aspect(("oauth2",), _oauth2),
    Aspect(("scopes",), _scopes),
    ACL,
    CONDITION,
    Aspect(("subscription",), _subscription),
    Aspect(("limits",), _limits),
    Aspect(("versioning",), _versioning),
    Aspect(("standing",), standing),
)
