"""Who may call, as a document says it: roles, applications and their subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wardgate.control.compare.limits import no_weaker
from wardgate.control.compare.plans import in_force
from wardgate.control.compare.rules import Aspect, At, differences, neutral, told
from wardgate.domain.difference import Difference
from wardgate.domain.document import ApplicationEntry, SubscriptionEntry
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


def applications(
    before: Sequence[ApplicationEntry],
    after: Sequence[ApplicationEntry],
    plans_before: Mapping[str, Plan],
    plans_after: Mapping[str, Plan],
) -> Iterator[Difference]:
    """How applications and what they may call differ."""

    def _plan(at: At, old: SubscriptionEntry, new: SubscriptionEntry) -> Iterator[Difference]:
        known, then = plans_before.get(old.plan or ""), plans_after.get(new.plan or "")
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

    aspects = (neutral("api"), Aspect(("plan",), _plan))

    def _subscriptions(at: At, old: ApplicationEntry, new: ApplicationEntry) -> Iterator[Difference]:
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

    application = (neutral("name", "owner"), Aspect(("subscriptions",), _subscriptions))
    known, then = {each.name: each for each in before}, {each.name: each for each in after}
    for name in dict.fromkeys((*known, *then)):
        at = At(place=f"application {name}")
        if name not in then:
            yield at.found("application_removed", name, None, "the application and its keys are gone")
        elif name not in known:
            yield at.found("application_added", None, name, "the application is new")
        else:
            yield from differences(at, known[name], then[name], application)
