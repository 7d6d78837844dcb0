"""``wardgate access``, ``subscriptions``, ``apps``, ``groups`` and ``webhooks``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run

DOCUMENT = """
apis:
  - name: items
    version: v1
    openapi: ./items.openapi.yaml
    upstream: { targets: ["http://127.0.0.1:9000"] }
    security: { schemes: [api_key], scopes: { items.read: See items } }
    plans: [free, gold]
plans:
  - { name: free, limits: [{ kind: rate, amount: 10, per: minute }] }
  - { name: gold, approval: required, limits: [{ kind: rate, amount: 100, per: minute }] }
roles: [{ name: batch, scopes: [] }]
"""
OPENAPI = """
openapi: 3.1.0
info: { title: Items, version: "1" }
paths: { /items: { get: { responses: { "200": { description: ok } } } } }
"""


@pytest.fixture
def items(run: Run, tmp_path: Path) -> Run:
    """The command line on a store with the API items, a plan that needs an approval, and the application mobile."""
    (tmp_path / "items.openapi.yaml").write_text(OPENAPI)
    (tmp_path / "wardgate.yaml").write_text(DOCUMENT)
    assert run("apply", "-f", tmp_path / "wardgate.yaml").status == 0
    assert run("apps", "add", "mobile", "--owner", "mobile@example.com").status == 0
    return run


def test_access_is_asked_for_and_granted(items: Run) -> None:
    """From the request to the limits that hold."""
    asked = items("access", "request", "mobile", "items/v1", "--plan", "gold", "--message", "For the app")
    assert asked.status == 0, asked.err
    (found,) = items("access", "list", "--status", "pending", "--json").json()["access_requests"]
    assert asked.out == f"{found['id']} is pending: mobile to items/v1\n"
    assert found["id"] in items("access", "list").out
    assert "For the app" in items("access", "show", found["id"]).out
    done = items(
        "access", "approve", found["id"], "--limit", "rate 5/second burst=2", "--cidr", "192.0.2.0/24",
        "--role", "batch", "--expires", "2030-01-31T08:00:00+01:00", "--reason", "Partner",
    )  # fmt: skip
    assert (done.status, done.out) == (0, f"{found['id']} is approved: mobile to items/v1\n")
    (subscription,) = items("subscriptions", "list", "--json").json()["subscriptions"]
    assert subscription["controls"]["limits"][0]["burst"] == 2
    assert subscription["expires_at"] == 1896073200.0
    shown = items("subscriptions", "show", subscription["id"]).out
    assert "rate 5/second burst=2  in force, set by the subscription" in shown
    assert "rate 100/minute  in force, set by the plan" in shown
    again = items("access", "approve", found["id"])
    assert (again.status, "is approved already" in again.err) == (1, True)


def test_a_subscription_is_changed(items: Run) -> None:
    """What is not given stays; controls can be taken away, and the expiry too."""
    items("access", "request", "mobile", "items/v1", "--plan", "free")
    (found,) = items("subscriptions", "list", "--json").json()["subscriptions"]
    set_ = ("subscriptions", "set", found["id"])
    assert items(*set_, "--cidr", "192.0.2.0/24", "--expires", "90d").status == 0
    changed = items(*set_, "--plan", "gold", "--status", "suspended", "--json").json()
    assert (changed["plan"], changed["status"], changed["controls"]["cidrs"]) == (
        "gold",
        "suspended",
        ["192.0.2.0/24"],
    )
    assert changed["expires_at"] is not None
    bare = items(*set_, "--uncontrolled", "--expires", "never", "--status", "active", "--json").json()
    assert (bare["controls"]["cidrs"], bare["expires_at"]) == ([], None)
    assert "suspended" not in items("subscriptions", "list").out


def test_an_application_is_throttled_and_restored(items: Run) -> None:
    """In one call each; limits of its own stay."""
    assert items("apps", "set", "mobile", "--limit", "quota 1000/day timezone=Europe/Berlin").status == 0
    throttled = items("apps", "throttle", "mobile", "--limit", "rate 1/second", "--reason", "too loud")
    assert throttled.out == "mobile is active, throttled to rate 1/second\n"
    items("apps", "suspend", "mobile")
    assert "suspended, throttled" in items("apps", "list").out
    assert items("apps", "restore", "mobile").out == "mobile is active\n"
    assert "quota 1000/day timezone=Europe/Berlin" in items("apps", "show", "mobile").out
    missing = items("apps", "throttle", "mobile")
    assert (missing.status, "--limit" in missing.err) == (1, True)
    assert items("apps", "remove", "mobile").out == "mobile is removed\n"
    assert items("apps", "show", "mobile").status == 1


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("fast", "is no limit"),
        ("rate many/second", "is no limit"),
        ("rate 1/second burst=x", "says nothing"),
        ("quota 1/day soften=5", "says nothing"),
        ("rate 1/month", "needs a period of a fixed length"),
    ],
)
def test_a_limit_that_is_none_is_refused(items: Run, limit: str, said: str) -> None:
    """By the command where it cannot be read, by the installation where it cannot be."""
    refused = items("apps", "throttle", "mobile", "--limit", limit)
    assert refused.status == 1
    assert said in refused.err


def test_a_limit_is_written_as_it_is_read(items: Run) -> None:
    """Each option of a limit comes back in the form that sets it."""
    for limit in (
        "concurrency 5",
        "spike 10/second queue=2.5",
        "quota 100/month timezone=Asia/Tokyo soften=1/minute",
        "rate 7/hour burst=3 when_away=local",
    ):
        items("apps", "set", "mobile", "--limit", limit)
        assert limit in items("apps", "show", "mobile").out


def test_groups(items: Run) -> None:
    """Made, filled, changed without losing what is not given, and removed."""
    assert items("users", "add", "ada", "--email", "ada@example.com").status == 0
    assert items("groups", "set", "partners", "--description", "Outside", "--role", "batch").status == 0
    assert items("groups", "add", "partners", "--user", "ada", "--application", "mobile").status == 0
    found = items("groups", "set", "partners", "--description", "Others", "--json").json()
    assert found == {
        "name": "partners",
        "description": "Others",
        "roles": ["batch"],
        "users": ["ada"],
        "applications": ["mobile"],
    }
    assert items("groups", "take-out", "partners", "--user", "ada", "--json").json()["users"] == []
    assert "partners" in items("groups", "list").out
    assert "mobile" in items("groups", "show", "partners").out
    assert "partners" in items("apps", "show", "mobile").out
    assert items("groups", "remove", "partners").out == "partners is removed\n"
    assert items("groups", "show", "partners").status == 1


def test_webhooks(items: Run) -> None:
    """The secret is on standard output, once; what waits for a webhook is shown with it."""
    added = items(
        "webhooks",
        "add",
        "https://hooks.example.com/in",
        "--event",
        "access.requested",
        "--of",
        "development",
    )
    assert added.out.startswith("whsec_")
    (found,) = items("webhooks", "list", "--json").json()["webhooks"]
    items("access", "request", "mobile", "items/v1", "--plan", "gold")
    sent = items("webhooks", "test", found["id"])
    assert sent.status == 0
    shown = items("webhooks", "show", found["id"]).out
    assert "access.requested" in shown
    assert "webhook.test" in shown
    assert "whsec_" not in shown
    assert items("webhooks", "redeliver", sent.out.split()[0]).status == 0
    rotated = items("webhooks", "rotate-secret", found["id"], "--overlap", "1h", "--json").json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != added.out.strip()
    assert items("webhooks", "set", found["id"], "--status", "paused", "--json").json()["status"] == "paused"
    assert items("webhooks", "remove", found["id"]).status == 0
    assert items("webhooks", "list").out == ""
