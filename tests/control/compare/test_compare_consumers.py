"""Roles, groups and applications compared by what they let people and programs do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wardgate.control.compare.consumers import applications, groups, roles
from wardgate.domain.access import Group
from wardgate.domain.consumer import Controls
from wardgate.domain.difference import Difference
from wardgate.domain.document import NEVER, ApplicationEntry, SubscriptionEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.people import Role

GOLD = Plan(name="gold", limits=(Limit(kind="rate", amount=1000, per="minute"),))
FREE = Plan(name="free", limits=(Limit(kind="rate", amount=10, per="minute"),))
PLANS = {"gold": GOLD, "free": FREE}
SUBSCRIBED = SubscriptionEntry(
    api="orders/v1",
    plan="free",
    controls=Controls(cidrs=("10.0.0.0/8",)),
    expires_at=2000.0,
    status="suspended",
)
SHOP = ApplicationEntry(
    name="shop", subscriptions=(SUBSCRIBED,), limits=(Limit(kind="concurrency", amount=5),), groups=("a",)
)


def weak(found: list[Difference]) -> list[str]:
    return [each.kind for each in found if each.weakens]


def changed(**fields: object) -> ApplicationEntry:
    return replace(SHOP, subscriptions=(replace(SUBSCRIBED, **fields),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (SHOP, []),
        (changed(plan="gold"), ["subscription_moved"]),
        (changed(controls=None), ["networks_widened"]),
        (changed(expires_at=NEVER), ["expiry_changed"]),
        (changed(expires_at=None), ["expiry_changed"]),
        (changed(expires_at=1000.0), []),
        (changed(status=None), ["status_changed"]),
        (replace(SHOP, subscriptions=()), []),
        (replace(SHOP, limits=None), ["limit_removed"]),
        (replace(SHOP, limits=(Limit(kind="concurrency", amount=4),)), []),
        (replace(SHOP, groups=("a", "b")), ["application_group_added"]),
        (replace(SHOP, owner="else@example.com"), []),
    ],
)
def test_what_lets_an_application_do_more_weakens(after: ApplicationEntry, kinds: list[str]) -> None:
    """Each by its own kind, and nothing that lets it do less."""
    found = list(applications((SHOP,), (after,), PLANS, PLANS))
    assert weak(found) == kinds
    assert bool(found) is (after != SHOP)


def test_a_subscription_on_a_plan_that_is_none_weaker_may_move() -> None:
    """From gold to free nobody gains anything."""
    gold = changed(plan="gold")
    assert weak(list(applications((gold,), (SHOP,), PLANS, PLANS))) == []


def test_a_scope_that_no_role_carries_any_more_is_open_to_all() -> None:
    """Taking a scope from its last role opens it; giving it to another role lets that role's holders in."""
    staff, guests = Role(name="staff", scopes=("write",)), Role(name="guests", scopes=())
    assert weak(list(roles((staff,), (replace(staff, scopes=()),)))) == ["scope_open"]
    assert weak(list(roles((staff,), ()))) == ["scope_open"]
    more = replace(guests, scopes=("write",))
    assert weak(list(roles((staff, guests), (staff, more)))) == ["scope_carried"]
    assert weak(list(roles((replace(staff, scopes=()), guests), (staff, guests)))) == []


def test_a_group_that_gives_more_roles_weakens() -> None:
    """More roles, or a group gone that a list may have kept out."""
    before, after = Group(name="team", roles=("a",)), Group(name="team", roles=("a", "b"))
    assert weak(list(groups((before,), (after,)))) == ["group_role_added"]
    assert weak(list(groups((after,), (before,)))) == []
    assert weak(list(groups((before,), ()))) == ["group_removed"]
    assert weak(list(groups((), (before,)))) == []
