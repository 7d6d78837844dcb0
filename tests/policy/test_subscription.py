"""What a known caller may reach."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.exchanges import compiled, exchange, principal, reason, resource, verdict

(ITEMS,) = compiled().resources


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({}, "ok"),
        ({"status": "suspended"}, "application_suspended"),
        ({"subscribed": None}, "subscription_missing"),
        ({"subscribed": "orders/v2"}, "subscription_missing"),
        ({"status": "suspended", "subscribed": None}, "application_suspended"),
        ({"resources": ("orders/v1",)}, "ok"),
        ({"resources": ("orders/v1 GET /items",)}, "ok"),
        ({"resources": ("other/v1", "orders/v1 GET /items")}, "ok"),
        ({"resources": ("orders/v1 POST /items",)}, "key_resource_refused"),
        ({"resources": ("orders/v1 GET /items/{id}",)}, "key_resource_refused"),
        ({"resources": ("orders",)}, "key_resource_refused"),
        ({"resources": ("orders/v1 ",)}, "key_resource_refused"),
        ({"resources": ("orders/v10",)}, "key_resource_refused"),
    ],
)
def test_who_may(who: dict[str, Any], expected: str) -> None:
    """Active, subscribed, and with a key that covers the resource."""
    made = exchange(ITEMS, principal(**who))
    assert reason(made) == expected
    assert (made.subscription is not None) == (expected == "ok")


def test_a_refused_caller_hears_403() -> None:
    """It is known, so another credential of its would not help."""
    for who in ({"status": "suspended"}, {"subscribed": None}, {"resources": ("other/v1",)}):
        refused = verdict(exchange(ITEMS, principal(**who)))
        assert refused is not None
        assert refused.reason.status == 403


def test_without_a_principal_nothing_opens() -> None:
    """Where no step has said who calls, nobody is subscribed."""
    (target,) = compiled(resource("api_key")).resources
    (step,) = [named.call for named in target.table if named.policy == "subscription"]
    refused = step(exchange(target))
    assert getattr(refused, "reason").name == "subscription_missing"  # noqa: B009  # one of several return types
