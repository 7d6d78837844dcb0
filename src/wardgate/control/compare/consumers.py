"""Who may call, as a document says it: roles, applications and their subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wardgate.control.compare.controls import CONTROLS, set_limits
from wardgate.control.compare.limits import no_weaker
from wardgate.control.compare.plans import in_force
from wardgate.control.compare.rules import Aspect, At, differences, elements, neutral, told
from wardgate.domain.access import Group
from wardgate.domain.consumer import UNCONTROLLED
from wardgate.domain.difference import Difference
from wardgate.domain.document import NEVER, ApplicationEntry, SubscriptionEntry
from wardgate.domain.limit import Plan
from wardgate.domain.people import Role


def roles(before: Sequence[Role], after: Sequence[Role]) -> Iterator[Difference]:
    """How roles differ. A scope that some role carries is open to holders of such roles only; that none carries, to all."""
    old, new = {role.name: role for role in before}, {role.name: role for role in after}
    carried_old, carried_new = _carriers(before), _carriers(after)
    for name in dict.fromkeys((*old, *new)):
        at = At(place=f"role {name}")
        if name not in new:
            yield at.found("role_removed", name, None, "the role is gone")
        elif name not in old:
            yield at.found("role_added", None, name, f"the role is new, with {told(new[name].scopes)}")
        elif old[name] != new[name]:
            yield at.found(
                "role_changed",
                old[name].scopes,
                new[name].scopes,
                f"the role carries {told(new[name].scopes)}, instead of {told(old[name].scopes)}",
            )
    for scope in sorted(carried_old):
        left = carried_new.get(scope, frozenset())
        at = At(place=f"scope {scope}")
        if not left:
            yield at.found(
                "scope_open",
                sorted(carried_old[scope]),
                None,
                "no role carries the scope any more: it is open to everybody",
                weakens=True,
            )
        elif not left <= carried_old[scope]:
            yield at.found(
                "scope_carried",
                sorted(carried_old[scope]),
                sorted(left),
                f"the scope is open to the roles {told(sorted(left))}",
                weakens=True,
            )


def _carriers(found: Sequence[Role]) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for role in found:
        for scope in role.scopes:
            names.setdefault(scope, set()).add(role.name)
    return {scope: frozenset(carriers) for scope, carriers in names.items()}


def groups(before: Sequence[Group], after: Sequence[Group]) -> Iterator[Difference]:
    """How groups and the roles of those in them differ. One that goes may have been denied something by an ACL."""
    old, new = {group.name: group for group in before}, {group.name: group for group in after}
    for name in dict.fromkeys((*old, *new)):
        at = At(place=f"group {name}")
        if name not in new:
            yield at.found("group_removed", name, None, "the group is gone", weakens=True)
        elif name not in old:
            yield at.found("group_added", None, name, f"the group is new, with {told(new[name].roles)}")
        else:
            yield from differences(at, old[name], new[name], GROUP)


def _roles(at: At, before: Group, after: Group) -> Iterator[Difference]:
    yield from elements(at, "group_role", before.roles, after.roles, "the role", weakens="added")


GROUP: tuple[Aspect, ...] = (
    neutral("name", "description", "users", "applications"),
    Aspect(("roles",), _roles),
)


def _controls(at: At, before: SubscriptionEntry, after: SubscriptionEntry) -> Iterator[Difference]:
    old, new = before.controls or UNCONTROLLED, after.controls or UNCONTROLLED
    if old == new:
        yield at.found("controls_rewritten", None, None, "the same controls are written otherwise")
    yield from differences(at, old, new, CONTROLS)


def _expiry(at: At, before: SubscriptionEntry, after: SubscriptionEntry) -> Iterator[Difference]:
    old, new = (NEVER if item.expires_at is None else item.expires_at for item in (before, after))
    yield at.found(
        "expiry_changed",
        None if old == NEVER else old,
        None if new == NEVER else new,
        "the subscription lasts longer" if new > old else "the subscription does not last longer",
        weakens=new > old,
    )


def _status(at: At, before: SubscriptionEntry, after: SubscriptionEntry) -> Iterator[Difference]:
    old, new = before.status or "active", after.status or "active"
    yield at.found("status_changed", old, new, f"it is {new}, instead of {old}", weakens=new == "active")


def _limits(at: At, before: ApplicationEntry, after: ApplicationEntry) -> Iterator[Difference]:
    old, new = before.limits or (), after.limits or ()
    if old == new:
        yield at.found("limits_rewritten", None, None, "the same limits are written otherwise")
    yield from set_limits(at, old, new)


def _groups(at: At, before: ApplicationEntry, after: ApplicationEntry) -> Iterator[Difference]:
    old, new = before.groups or (), after.groups or ()
    yield from elements(at, "application_group", old, new, "the group", weakens="both")


SUBSCRIPTION: tuple[Aspect, ...] = (
    Aspect(("controls",), _controls),
    Aspect(("expires_at",), _expiry),
    Aspect(("status",), _status),
)
APPLICATION: tuple[Aspect, ...] = (Aspect(("limits",), _limits), Aspect(("groups",), _groups))


def subscription_aspects(before: Mapping[str, Plan], after: Mapping[str, Plan]) -> tuple[Aspect, ...]:
    """The fields of a subscription, given the plans before and after."""

    def plan(at: At, old: SubscriptionEntry, new: SubscriptionEntry) -> Iterator[Difference]:
        known, then = before.get(old.plan or ""), after.get(new.plan or "")
        weaker = known is not None and (
            then is None or not no_weaker(in_force(None, known), in_force(None, then))
        )
        yield at.found(
            "subscription_moved",
            old.plan,
            new.plan,
            f"it is on the plan {told(new.plan)}, instead of {told(old.plan)}",
            weakens=weaker,
        )

    return (neutral("api"), Aspect(("plan",), plan), *SUBSCRIPTION)


def application_aspects(before: Mapping[str, Plan], after: Mapping[str, Plan]) -> tuple[Aspect, ...]:
    """The fields of an application, given the plans before and after."""
    aspects = subscription_aspects(before, after)

    def subscriptions(at: At, old: ApplicationEntry, new: ApplicationEntry) -> Iterator[Difference]:
        left = {item.api: item for item in old.subscriptions}
        right = {item.api: item for item in new.subscriptions}
        for api in dict.fromkeys((*left, *right)):
            inner = at.within(f"{at.place} at {api}")
            if api not in right:
                yield inner.found("subscription_removed", api, None, "the subscription ends")
            elif api not in left:
                yield inner.found("subscription_added", None, api, "the subscription is new")
            else:
                yield from differences(inner, left[api], right[api], aspects)
        if left == right:
            yield at.found("subscriptions_reordered", None, None, "subscriptions: another order")

    return (neutral("name", "owner"), Aspect(("subscriptions",), subscriptions), *APPLICATION)


def applications(
    before: Sequence[ApplicationEntry],
    after: Sequence[ApplicationEntry],
    plans_before: Mapping[str, Plan],
    plans_after: Mapping[str, Plan],
) -> Iterator[Difference]:
    """How applications and what they may call differ."""
    aspects = application_aspects(plans_before, plans_after)
    known, then = {each.name: each for each in before}, {each.name: each for each in after}
    for name in dict.fromkeys((*known, *then)):
        at = At(place=f"application {name}")
        if name not in then:
            yield at.found("application_removed", name, None, "the application and its keys are gone")
        elif name not in known:
            yield at.found("application_added", None, name, "the application is new")
        else:
            yield from differences(at, known[name], then[name], aspects)
