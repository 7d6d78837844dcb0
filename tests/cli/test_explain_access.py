"""``wardgate explain`` and who may call: standing, groups, conditions, controls, and which limit holds and why."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

from wardgate.control import applications, subscriptions
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit
from wardgate.domain.standing import Standing
from wardgate.storage.database import SqlStore, open_store

_ANSWERS = {"200": {"description": "ok"}}
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "orders", "version": "1"},
    "paths": {
        "/items/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"responses": _ANSWERS},
        },
    },
}
SETTINGS: dict[str, Any] = {
    "apis": [
        {
            "name": "orders",
            "version": "v1",
            "openapi": "./orders.json",
            "upstream": {"targets": ["http://127.0.0.1:9000"], "headers": {"X-Backend": "in the clear"}},
            "security": {
                "schemes": ["api_key"],
                "acl": {"deny": ["banned"]},
                "condition": "address == '127.0.0.1'",
                "resources": {
                    "GET /items/{id}": {
                        "acl": {"allow": ["partners"]},
                        "condition": "path.id != '9' && (path.id != '8' || claims.sub == 'x')",
                    }
                },
            },
            "plans": ["free"],
            "limits": [{"kind": "quota", "amount": 900, "per": "day"}],
        }
    ],
    "plans": [{"name": "free", "limits": [{"kind": "quota", "amount": 100, "per": "day"}]}],
    "applications": [{"name": "mobile", "subscriptions": [{"api": "orders/v1", "plan": "free"}]}],
}

Deed = Callable[[Callable[[SqlStore], Coroutine[Any, Any, Any]]], None]


@pytest.fixture
def done(run: Run, tmp_path: Path) -> Deed:
    """Applies the settings, and does things to the store."""
    (tmp_path / "orders.json").write_text(json.dumps(OPENAPI))
    (tmp_path / "wardgate.yaml").write_text(json.dumps(SETTINGS))
    applied = run("apply", "-f", tmp_path / "wardgate.yaml")
    assert applied.status == 0, applied.err

    def do(deed: Callable[[SqlStore], Coroutine[Any, Any, Any]]) -> None:
        async def opened() -> None:
            async with await open_store(tmp_path / "data") as store:
                await deed(store)

        asyncio.run(opened())

    return do


async def join(store: SqlStore) -> None:
    """The application is in the group ``partners``."""
    async with store.writing() as tx:
        found = await tx.applications.find("mobile")
        assert found is not None
        await tx.groups.put("partners", "", (), at=time.time())
        await tx.groups.set_of_application(found.id, ["partners"])


async def control(store: SqlStore, **changes: Any) -> None:
    """The subscription is so from now on."""
    (found,) = await subscriptions.list_subscriptions(store)
    await subscriptions.change(store, found.subscription.id, **changes)


def explained(run: Run, path: str = "7") -> tuple[str, dict[str, str]]:
    """The reason, and why each step decided as it did."""
    key = run("keys", "issue", "mobile").out.strip()
    found = run("explain", "--path", f"/orders/v1/items/{path}", "--key", key, "--json").json()
    return found["reason"], {step["step"]: step["why"] for step in found["steps"]}


def test_every_contribution_is_shown(run: Run, done: Deed) -> None:
    """Which ACL and condition come from where, what was set for the subscription, which limit shadows which."""
    done(join)
    limit = Limit(kind="quota", amount=50, per="day")
    done(
        lambda store: control(
            store,
            controls=Controls(cidrs=("127.0.0.0/8",), roles=("reader",), limits=(limit,)),
            expires_at=4_102_444_800.0,
        )
    )
    done(lambda store: applications.throttle(store, "mobile", (Limit(kind="quota", amount=5, per="day"),)))
    reason, why = explained(run)
    assert reason == "ok"
    assert why["subscription"] == (
        "subscribed to orders/v1 on plan free; until 2100-01-01T00:00:00Z; from 127.0.0.0/8; with the roles reader"
    )
    assert (
        why["acl"]
        == "groups of the caller: partners; deny banned (the API's); allow partners (the resource's)"
    )
    assert why["condition"] == (
        "address == '127.0.0.1' is true; path.id != '9' && (path.id != '8' || claims.sub == 'x') is true"
    )
    assert why["limits"] == (
        "would use one of 5 requests a day (UTC), set for the application, before 50 a day (set for the subscription), "
        "before 100 a day (of the plan), before 900 a day (the API's own)"
    )
    assert why["headers"] == "X-Backend: [redacted]"
    assert "in the clear" not in str(why)


@pytest.mark.parametrize(
    ("changes", "path", "reason", "why"),
    [
        ({}, "9", "condition_failed", "claims.sub == 'x') is false"),
        ({}, "8", "condition_failed", "could not be decided: not_found"),
        ({"status": "suspended"}, "7", "subscription_suspended", "access denied"),
        (
            {"controls": Controls(cidrs=("192.0.2.0/24", "10.0.0.0/8"))},
            "7",
            "subscription_network",
            "127.0.0.1 is in none of 192.0.2.0/24, 10.0.0.0/8",
        ),
    ],
)
def test_a_refusal_says_what_was_wrong(
    run: Run, done: Deed, changes: dict[str, Any], path: str, reason: str, why: str
) -> None:
    """The operator reads what the client is not told."""
    done(join)
    if changes:
        done(lambda store: control(store, **changes))
    found, steps = explained(run, path)
    assert found == reason
    assert why in list(steps.values())[-1]


def test_a_missing_group_is_named(run: Run, done: Deed) -> None:
    """Which groups would have been let in."""
    reason, why = explained(run)
    assert reason == "acl_denied"
    assert "in none of the allowed group partners" in why["acl"]


@pytest.mark.parametrize(
    ("standing", "reason", "step", "why"),
    [
        (
            Standing(
                lifecycle="deprecated",
                deprecated_at=0.0,
                sunset_at=4_102_444_800.0,
                successor="https://a.example/v2",
            ),
            "ok",
            "standing",
            "deprecated; deprecated since 1970-01-01T00:00:00Z; ends 2100-01-01T00:00:00Z; successor https://a.example/v2",
        ),
        (Standing(lifecycle="retired"), "api_retired", "standing", "gone (retired)"),
        (Standing(off=("GET /items/{id}",)), "api_disabled", "standing", "switched off: GET /items/{id}"),
    ],
)
def test_how_an_api_stands_is_shown(
    run: Run, done: Deed, standing: Standing, reason: str, step: str, why: str
) -> None:
    """Its life cycle, and what the kill switch shut."""

    async def stand(store: SqlStore) -> None:
        async with store.writing() as tx:
            await tx.apis.set_standing(
                "orders/v1",
                Standing(
                    lifecycle=standing.lifecycle,
                    deprecated_at=standing.deprecated_at,
                    sunset_at=standing.sunset_at,
                    successor=standing.successor,
                ),
            )
            await tx.apis.set_off("development", "orders/v1", standing.off)

    done(join)
    done(stand)
    found, steps = explained(run)
    assert found == reason
    assert why in steps[step]
