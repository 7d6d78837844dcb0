"""Rollback and withdrawal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.promoting import (
    ANN,
    API,
    BOB,
    CLOSED,
    MORE,
    OPENED,
    VIEWER,
    apply,
    audited,
    in_force,
    orders,
    to_staging,
)
from tests.storage.samples import FREE, application, document, feed_of

from wardgate.control import promote
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.promote import PromotionRecord
from wardgate.control.rollback import rollback, withdraw
from wardgate.domain.document import ApiEntry
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


async def back(store: SqlStore, environment: str = "staging", **options: object) -> PromotionRecord:
    """What Ann hears who goes back."""
    return await rollback(
        store.acting(ANN),
        api=API,
        environment=environment,
        reason="broken",
        **options,  # type: ignore[arg-type]
    )


async def test_what_was_in_force_comes_back_in_one_step(store: SqlStore) -> None:
    """The revision before is in force at once with its plans, though it weakens, and that is recorded."""
    first = await apply(store, orders(OPENED), MORE)
    asked = await to_staging(store)
    await promote.approve(store.acting(BOB), asked.promotion.id, reason="agreed")
    second = await apply(store, orders(), FREE)
    await to_staging(store)
    assert await in_force(store) == second
    before = len(feed_of(store.data_dir))
    found = await back(store)
    assert (found.promotion.status, found.promotion.kind, found.promotion.replaced) == (
        "done",
        "rollback",
        second,
    )
    assert {each.kind for each in found.promotion.weakenings} == {"security_off", "limit_raised"}
    assert await in_force(store) == first
    assert feed_of(store.data_dir, before) == [("plan", "staging free"), ("api", f"staging {API}")]
    assert await audited(store, "api.rollback") == [("ann", API, "done")]
    assert (await back(store)).promotion.revision == second


async def test_a_revision_that_never_was_there_goes_through_the_gate(store: SqlStore) -> None:
    """Going back to one that was in development alone needs approval, as it skips the order."""
    never = await apply(store, orders(OPENED))
    await apply(store, orders())
    await to_staging(store)
    found = await back(store, revision=never)
    assert found.promotion.status == "pending"
    assert {each.kind for each in found.promotion.weakenings} == {"order_skipped", "security_off"}
    assert await in_force(store) == never + 1
    await promote.approve(store.acting(BOB), found.promotion.id, reason="needed")
    assert await in_force(store) == never


async def test_the_first_environment_goes_back_to_any_revision(store: SqlStore) -> None:
    """There every revision was in force when it was applied."""
    first = await apply(store, orders(OPENED))
    await apply(store, orders())
    assert (await back(store, "development")).promotion.revision == first
    assert await in_force(store, "development") == first


async def test_a_subscription_on_a_newer_plan_does_not_hold_a_rollback_up(store: SqlStore) -> None:
    """What goes back in need is not refused for who subscribed since."""
    first = await apply(store, orders(plans=()))
    await to_staging(store)
    await apply(store, orders())
    await to_staging(store)
    await apply_document(store, document([], [], [application("mobile", orders="free")]), "staging", "x", "")
    assert (await back(store)).promotion.revision == first


async def test_a_rollback_says_why_and_goes_somewhere(store: SqlStore) -> None:
    """Without a reason, without a revision before, or to what is in force, nothing happens."""
    number = await apply(store, orders())
    await to_staging(store)
    with pytest.raises(InvalidError, match="no reason"):
        await rollback(store.acting(ANN), api=API, environment="staging", reason="")
    with pytest.raises(NotFoundError, match="before the current one"):
        await back(store)
    with pytest.raises(ConflictError, match="is in force"):
        await back(store, revision=number)
    with pytest.raises(NotFoundError, match="orders/v1@99"):
        await back(store, revision=99)
    with pytest.raises(ForbiddenError):
        await rollback(store.acting(VIEWER), api=API, environment="staging", reason="x")


async def test_what_is_withdrawn_is_gone_and_comes_back(store: SqlStore) -> None:
    """No gateway of the environment serves it, others do; a rollback brings the same revision back."""
    number = await apply(store, orders())
    await to_staging(store)
    before = len(feed_of(store.data_dir))
    done = await withdraw(store.acting(ANN), api=API, environment="staging", reason="moved")
    assert (done.kind, done.status, done.replaced) == ("withdraw", "done", number)
    assert feed_of(store.data_dir, before) == [("api", f"staging {API}")]
    assert await in_force(store) is None
    assert await in_force(store, "development") == number
    assert await audited(store, "api.withdraw") == [("ann", API, "done")]
    with pytest.raises(NotFoundError, match="in staging"):
        await withdraw(store.acting(ANN), api=API, environment="staging", reason="again")
    assert (await back(store)).promotion.revision == number


async def test_what_has_subscribers_or_stands_first_is_not_withdrawn(store: SqlStore) -> None:
    """Subscribers must go first, and the first environment changes by documents."""
    await apply(store, orders())
    await to_staging(store)
    await apply_document(store, document([], [], [application("mobile", orders="free")]), "staging", "x", "")
    with pytest.raises(ConflictError, match="mobile"):
        await withdraw(store.acting(ANN), api=API, environment="staging", reason="x")
    with pytest.raises(ConflictError, match="first environment"):
        await withdraw(store.acting(ANN), api=API, environment="development", reason="x")
    with pytest.raises(ForbiddenError):
        await withdraw(store.acting(replace(VIEWER)), api=API, environment="staging", reason="x")


def elsewhere(base_path: str, **fields: object) -> ApiEntry:
    """The API at another place."""
    return orders(CLOSED, base_path=base_path, **fields)


async def another(store: SqlStore, base_path: str) -> None:
    """Another API, which comes to staging."""
    made = orders(CLOSED, name="other", base_path=base_path)
    entry = replace(made, api=replace(made.api, name="other"))
    await apply_document(store, document([entry], [FREE]), "development", "dev", "")
    asked = await promote.request(store.acting(ANN), api="other/v1", environment="staging")
    assert asked.promotion.status == "done"


@pytest.mark.parametrize(("path", "gone"), [("/shop", False), ("/shop", True), ("/shop/orders", True)])
async def test_a_place_that_another_came_to_since_waits(store: SqlStore, path: str, gone: bool) -> None:
    """It was free when it was agreed to: now another answers there, or its clients still go there."""
    first = await apply(store, elsewhere("/shop/orders"))
    await to_staging(store)
    second = await apply(store, elsewhere("/orders"))
    await to_staging(store)
    assert (await back(store)).promotion.status == "done"
    await back(store, revision=second)
    await another(store, path)
    if gone:
        await withdraw(store.acting(ANN), api="other/v1", environment="staging", reason="gone")
    found = await back(store, revision=first)
    assert found.promotion.status == "pending"
    assert "place_taken" in {each.kind for each in found.promotion.weakenings}
    assert await in_force(store) == second
    with pytest.raises(ConflictError) as own:
        await promote.approve(
            store.acting(replace(ANN, permissions=BOB.permissions)), found.promotion.id, reason="mine"
        )
    assert own.value.code == "second_person"
    await promote.approve(store.acting(BOB), found.promotion.id, reason="agreed")
    assert await in_force(store) == first
    await back(store, revision=second)
    assert (await back(store, revision=first)).promotion.status == "done"


async def test_a_place_that_was_agreed_to_is_taken_again_at_once(store: SqlStore) -> None:
    """Until the other is deployed there anew: what it answers then nobody saw."""
    await apply(store, elsewhere("/orders"))
    await to_staging(store)
    await another(store, "/shop")
    nested = await apply(store, elsewhere("/shop/orders"))
    asked = await to_staging(store)
    assert [each.kind for each in asked.promotion.weakenings] == ["place_taken"]
    await promote.approve(store.acting(BOB), asked.promotion.id, reason="agreed")
    assert (await back(store)).promotion.status == "done"
    assert (await back(store, revision=nested)).promotion.status == "done"
    assert (await back(store)).promotion.status == "done"
    await promote.request(store.acting(ANN), api="other/v1", environment="staging")
    assert (await back(store, revision=nested)).promotion.status == "pending"
