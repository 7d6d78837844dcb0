"""Changing subscriptions and holding applications, and which limit is in force then."""

from __future__ import annotations

import pytest
from tests.control.test_access import MANAGER, NOW, actor, ask, code_of, ready
from tests.storage.samples import FREE, digest_of, feed_of, source_of

from wardgate.control import access, applications, keys, subscriptions
from wardgate.control.effective_view import effective_view
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit, Soften
from wardgate.storage.database import SqlStore

TEN = Limit(kind="rate", amount=10, per="minute")
TWO = Limit(kind="rate", amount=2, per="minute")
DAILY = Limit(kind="quota", amount=1000, per="day")


async def test_a_worker_reads_what_was_set(store: SqlStore) -> None:
    """Status, controls, expiry, limits and groups reach a principal that was read before, with the feed."""
    await ready(store)
    found = await ask(store)
    _, key = await keys.issue(store, application="mobile", environment="development")
    source = source_of(store)
    principal = source.principal(digest_of(store, key))
    assert principal is not None
    assert principal.subscriptions["orders/v1"].status == "pending"
    controls = Controls(limits=(TEN,), cidrs=("10.0.0.0/8",), scopes=(), roles=("batch",))
    await access.approve(store, found.request.id, controls=controls, expires_at=NOW * 2)
    async with store.writing() as tx:
        await tx.groups.put("partners", "", (), at=NOW)
    await applications.change(store, "mobile", limits=[TEN, DAILY], groups=["partners"])
    await applications.throttle(store, "mobile", [TWO])
    assert source.changed()
    principal = source.principal(digest_of(store, key))
    assert principal is not None
    read = principal.subscriptions["orders/v1"]
    assert (read.status, read.controls, read.expires_at) == ("active", controls, NOW * 2)
    assert (principal.application.groups, principal.application.limits) == (("partners",), (TWO, DAILY))
    source.close()


@pytest.mark.every_database
async def test_one_call_undoes_suspension_and_throttling(store: SqlStore) -> None:
    """A restored application has its own limits again, and is announced once for each change."""
    added = await applications.add(store, name="mobile")
    await applications.change(store, "mobile", limits=[TEN])
    await applications.suspend(store, "mobile", reason="abuse")
    held = await applications.throttle(store, "mobile", [TWO])
    assert (held.status, held.throttle, held.limits) == ("suspended", (TWO,), (TEN,))
    free = await applications.restore(store, "mobile")
    assert (free.status, free.throttle, free.limits) == ("active", (), (TEN,))
    assert (await applications.show(store, "mobile")).application == free
    assert feed_of(store.data_dir) == [("application", added.id)] * 5
    async with store.reading() as tx:
        told = [(each.event.action, each.event.note) for each in await tx.audit.page(0, 10)]
    assert told == [
        ("application.add", ""),
        ("application.set", ""),
        ("application.suspend", "abuse"),
        ("application.throttle", ""),
        ("application.restore", ""),
    ]


async def test_the_nearest_limit_is_in_force_and_tells_what_it_shadows(store: SqlStore) -> None:
    """Plan, subscription, application and throttle, each before the one named before it."""
    await ready(store)
    found = await ask(store, "free")
    own = FREE.limits[0]

    async def in_force() -> list[tuple[str, Limit, list[str]]]:
        view = await effective_view(store, found.request.subscription)
        return [(each.origin, each.limit, [s.origin for s in each.shadows]) for each in view.limits]

    assert await in_force() == [("plan", own, [])]
    await subscriptions.change(store, found.request.subscription, controls=Controls(limits=(TEN, DAILY)))
    assert await in_force() == [("subscription", TEN, ["plan"]), ("subscription", DAILY, [])]
    await applications.change(store, "mobile", limits=[TWO])
    assert await in_force() == [("application", TWO, ["subscription", "plan"]), ("subscription", DAILY, [])]
    await applications.throttle(store, "mobile", [Limit(kind="rate", amount=1, per="minute")])
    assert (await in_force())[0][1].amount == 1


@pytest.mark.every_database
async def test_a_subscription_is_changed_by_who_decides(store: SqlStore) -> None:
    """Plan, expiry and status change; a viewer may not, and a stranger does not find it."""
    await ready(store)
    asked = (await ask(store, "free")).request
    acting = store.acting(MANAGER)
    changed = await subscriptions.change(acting, asked.subscription, plan="gold", expires_at=NOW * 2)
    assert (changed.subscription.plan, changed.subscription.expires_at) == ("gold", NOW * 2)
    ended = await subscriptions.change(acting, asked.subscription, expires_at=None, status="suspended")
    assert (ended.subscription.expires_at, ended.subscription.status) == (None, "suspended")
    viewer, stranger = actor("vera", "access.view"), actor("eve", "apis.view")
    change = subscriptions.change
    assert await code_of(change(store.acting(viewer), asked.subscription, status="active"), ForbiddenError)
    assert await code_of(change(store.acting(stranger), asked.subscription), NotFoundError) == (
        "subscription_not_found"
    )


async def test_what_is_pending_is_decided_and_not_changed(store: SqlStore) -> None:
    """A pending subscription cannot be made active past its request."""
    await ready(store)
    asked = (await ask(store)).request
    refused = subscriptions.change(store, asked.subscription, status="active")
    assert await code_of(refused, ConflictError) == "subscription_undecided"


@pytest.mark.parametrize(
    ("controls", "code"),
    [
        (Controls(cidrs=("10.0.0.1/8",)), "restrictions_invalid"),
        (Controls(scopes=("a b",)), "scope_invalid"),
        (Controls(roles=("a b",)), "role_invalid"),
        (Controls(cidrs=tuple(f"10.0.{n}.0/24" for n in range(101))), "controls_invalid"),
        (Controls(limits=(Limit(kind="rate", amount=1),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="rate", amount=0, per="day"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="rate", amount=1, per="month"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="quota", amount=1, per="second"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="quota", amount=1, per="day", timezone="Mars"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="quota", amount=1, per="day", on_exceeded="soften"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="concurrency", amount=1, per="day"),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="quota", amount=1, per="day", burst=2),)), "limit_invalid"),
        (Controls(limits=(Limit(kind="spike", amount=1, per="day", queue=61),)), "limit_invalid"),
        (
            Controls(limits=(Limit(kind="rate", amount=1, per="day", soften=Soften(amount=1, per="day")),)),
            "limit_invalid",
        ),
    ],
)
async def test_a_control_that_cannot_be_is_refused(store: SqlStore, controls: Controls, code: str) -> None:
    """Networks, scopes, roles and limits are checked before anything is stored."""
    await ready(store)
    asked = (await ask(store, "free")).request
    refused = subscriptions.change(store, asked.subscription, controls=controls)
    assert await code_of(refused, InvalidError) == code
    assert (await subscriptions.show(store, asked.subscription)).subscription.controls == Controls()
    if controls.limits:
        assert await code_of(applications.throttle(store, "mobile", controls.limits), InvalidError) == code


async def test_a_removed_application_is_gone_with_its_requests(store: SqlStore) -> None:
    """Subscriptions, requests and membership end with the application."""
    await ready(store)
    await ask(store)
    await applications.remove(store, "mobile")
    assert await access.list_requests(store) == []
    assert await subscriptions.list_subscriptions(store) == []
    assert await code_of(applications.show(store, "mobile"), NotFoundError) == "application_not_found"
