"""Promotion: what weakens nothing goes at once, what weakens waits for a second person, and a schedule is kept once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from tests.control.operators.operating import person
from tests.control.promoting import (
    ANN,
    API,
    BOB,
    CI,
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
from tests.storage.samples import application, document, entry, feed_of

from wardgate.control import promote, rollback
from wardgate.control.apply import apply_document
from wardgate.control.binding import BindingError
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.operators import grants
from wardgate.domain.api import Cors
from wardgate.domain.limit import Plan
from wardgate.domain.standing import Lifecycle, Standing
from wardgate.domain.upstream import Upstream
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


async def test_what_weakens_nothing_is_in_force_at_once(store: SqlStore) -> None:
    """The revision of development comes into force with its plans, gateways hear of it, and the trail says who."""
    number = await apply(store, orders())
    before = len(feed_of(store.data_dir))
    found = await to_staging(store, reason="first")
    assert (found.promotion.status, found.promotion.revision, found.promotion.weakenings) == (
        "done",
        number,
        (),
    )
    assert await in_force(store) == number
    assert feed_of(store.data_dir, before) == [("plan", "staging free"), ("api", f"staging {API}")]
    assert await audited(store, "promotion.carry_out") == [("ann", API, "done")]


async def test_nothing_is_announced_that_stays_the_same(store: SqlStore) -> None:
    """The same revision again is done, and no gateway hears of it."""
    await apply(store, orders())
    await to_staging(store)
    before = len(feed_of(store.data_dir))
    assert (await to_staging(store)).promotion.status == "done"
    assert feed_of(store.data_dir, before) == []


async def test_what_weakens_waits_for_another_person(store: SqlStore) -> None:
    """It stays out until somebody else than who asked agrees with a reason; then it is in force."""
    await apply(store, orders())
    await to_staging(store)
    second = await apply(store, orders(OPENED))
    asked = await to_staging(store)
    promotion = asked.promotion
    assert promotion.status == "pending"
    assert [each.kind for each in promotion.weakenings] == ["security_off"]
    assert await in_force(store) == second - 1

    with pytest.raises(ForbiddenError):
        await promote.approve(store.acting(ANN), promotion.id, reason="mine")
    owner_ann = replace(ANN, permissions=BOB.permissions)
    with pytest.raises(ConflictError, match="somebody else must approve") as own:
        await promote.approve(store.acting(owner_ann), promotion.id, reason="mine")
    assert own.value.code == "second_person"
    with pytest.raises(ConflictError, match="A person must approve"):
        await promote.approve(store.acting(CI), promotion.id, reason="automatic")
    with pytest.raises(InvalidError, match="no reason"):
        await promote.approve(store.acting(BOB), promotion.id, reason=" ")
    assert await in_force(store) == second - 1

    done = await promote.approve(store.acting(BOB), promotion.id, reason="a health check")
    assert done.promotion.status == "done"
    assert [(each.by, each.reason, each.approved) for each in done.promotion.decisions] == [
        ("bob", "a health check", True)
    ]
    assert await in_force(store) == second
    assert await audited(store, "promotion.approve") == [("bob", API, "done")]


async def test_a_raised_limit_of_a_plan_is_seen_at_every_api_on_it(store: SqlStore) -> None:
    """A plan that comes along with one API and is raised weakens the others that offer it."""
    other = entry("stock")
    await apply_document(store, document([orders(), other], [MORE]), "development", "dev", "")
    await to_staging(store)
    await promote.request(store.acting(ANN), api="stock/v1", environment="staging")
    higher = Plan(name="free", limits=(replace(MORE.limits[0], amount=400),))
    await apply_document(store, document([orders()], [higher]), "development", "dev", "")
    asked = await to_staging(store)
    assert {each.place for each in asked.promotion.weakenings} == {
        "orders/v1 plan free",
        "stock/v1 plan free",
    }


async def test_approval_is_refused_when_other_things_are_weakened_meanwhile(store: SqlStore) -> None:
    """Who approves agrees to what they saw: when the environment changed, they look again and say which they mean."""
    await apply(store, orders())
    await to_staging(store)
    await apply(store, orders(OPENED), MORE)
    asked = await to_staging(store)
    # Meanwhile the plan alone is raised there, so that less is weakened by then.
    async with store.writing() as tx:
        await tx.plans.put("staging", MORE)
    with pytest.raises(ConflictError, match="changed meanwhile") as changed:
        await promote.approve(store.acting(BOB), asked.promotion.id, reason="fine")
    assert changed.value.code == "promotion_changed"
    again = await promote.show(store.acting(BOB), asked.promotion.id)
    assert again.changed
    assert [each.kind for each in again.differences if each.weakens] == ["security_off"]
    done = await promote.approve(store.acting(BOB), asked.promotion.id, reason="fine", seen=again.seen)
    assert done.promotion.status == "done"
    assert [each.kind for each in done.promotion.weakenings] == ["security_off"]


async def test_two_who_decide_at_once_do_not_both(store: SqlStore) -> None:
    """Of an approval and a rejection at the same time one is told that there is nothing to decide any more."""
    await apply(store, orders(OPENED))
    asked = await to_staging(store)
    results = await asyncio.gather(
        promote.approve(store.acting(BOB), asked.promotion.id, reason="yes"),
        promote.reject(store.acting(replace(BOB, id="usr_eve", name="eve")), asked.promotion.id, reason="no"),
        return_exceptions=True,
    )
    failed = [each for each in results if isinstance(each, ConflictError)]
    assert [each.code for each in failed] == ["promotion_closed"]


async def test_a_first_deployment_with_open_resources_waits(store: SqlStore) -> None:
    """An API that is new in an environment answers for what is open in it, as it would later."""
    await apply(store, orders(OPENED))
    asked = await to_staging(store)
    assert asked.promotion.status == "pending"
    assert [each.kind for each in asked.promotion.weakenings] == ["security_off"]


async def test_rejected_and_cancelled_never_come_into_force(store: SqlStore) -> None:
    """Neither leaves anything in the environment, and both are closed for good."""
    await apply(store, orders(OPENED))
    first = (await to_staging(store)).promotion
    with pytest.raises(ConflictError, match=first.id) as busy:
        await to_staging(store)
    assert busy.value.code == "promotion_open"
    rejected = await promote.reject(store.acting(BOB), first.id, reason="not now")
    assert rejected.promotion.status == "rejected"
    second = (await to_staging(store)).promotion
    with pytest.raises(ForbiddenError):
        await promote.cancel(store.acting(VIEWER), second.id)
    assert (await promote.cancel(store.acting(ANN), second.id)).promotion.status == "cancelled"
    for closed in (first, second):
        with pytest.raises(ConflictError, match="nothing to decide"):
            await promote.approve(store.acting(BOB), closed.id, reason="late")
    assert await in_force(store) is None
    found = await promote.list_promotions(store.acting(VIEWER), environment="staging")
    assert [each.status for each in found] == ["cancelled", "rejected"]


async def test_environments_are_taken_in_order(store: SqlStore) -> None:
    """Only what is in force in the environment before may come; skipping it needs the right to approve, and approval."""
    await apply(store, orders())
    with pytest.raises(NotFoundError, match="in staging"):
        await promote.request(store.acting(ANN), api=API, environment="production")
    with pytest.raises(ConflictError, match="staging, which has none") as order:
        await promote.request(store.acting(ANN), api=API, environment="production", revision=1)
    assert order.value.code == "promotion_order"
    with pytest.raises(ForbiddenError):
        await promote.request(store.acting(ANN), api=API, environment="production", revision=1, skip=True)
    asked = await promote.request(store.acting(BOB), api=API, environment="production", revision=1, skip=True)
    assert [each.kind for each in asked.promotion.weakenings] == ["order_skipped"]
    second = replace(BOB, id="usr_eve", name="eve")
    done = await promote.approve(store.acting(second), asked.promotion.id, reason="urgent")
    assert done.promotion.status == "done"
    with pytest.raises(ConflictError, match="first environment"):
        await promote.request(store.acting(ANN), api=API, environment="development")


@pytest.mark.parametrize(
    ("lifecycle", "target", "code"),
    [("created", "production", "api_unpublished"), ("retired", "staging", "api_retired")],
)
async def test_the_life_cycle_must_allow_it(
    store: SqlStore, lifecycle: Lifecycle, target: str, code: str
) -> None:
    """What is not published does not reach production, and what is retired nothing."""
    await apply(store, orders())
    if target == "production":
        await to_staging(store)
    async with store.writing() as tx:
        await tx.apis.set_standing(API, Standing(lifecycle=lifecycle))
    with pytest.raises(ConflictError) as refused:
        await promote.request(store.acting(ANN), api=API, environment=target)
    assert refused.value.code == code


async def test_the_variables_of_the_target_are_bound(store: SqlStore) -> None:
    """The environment's own values stand in what it serves; where one is missing, nothing happens and it is named."""
    wanted = orders(upstream=Upstream(targets=("https://${HOST}",)))
    async with store.writing() as tx:
        settings = (await tx.environments.all())[0].settings
        await tx.environments.set_settings("development", replace(settings, variables={"HOST": "dev.local"}))
    await apply(store, wanted)
    with pytest.raises(BindingError, match="HOST"):
        await to_staging(store)
    assert await in_force(store) is None
    async with store.writing() as tx:
        await tx.environments.set_settings("staging", replace(settings, variables={"HOST": "stg.local"}))
    await to_staging(store)
    async with store.reading() as tx:
        found = await tx.apis.deployment("staging", API)
    assert found is not None
    assert found.bound.upstream.targets == ("https://stg.local",)


async def test_a_revision_that_was_changed_in_the_database_is_refused(store: SqlStore) -> None:
    """Content that is not what was hashed and signed reaches no environment."""
    await apply(store, orders())
    async with store.writing() as tx:
        await tx._connection.execute(  # type: ignore[attr-defined]
            text("UPDATE revisions SET resolved = replace(resolved, 'api_key', 'oauth2')")
        )
    with pytest.raises(ConflictError) as refused:
        await to_staging(store)
    assert refused.value.code == "revision_unsound"


async def test_subscribers_keep_their_plans(store: SqlStore) -> None:
    """A revision without a plan that applications are on is refused, naming who."""
    await apply(store, orders())
    await to_staging(store)
    await apply_document(store, document([], [], [application("mobile", orders="free")]), "staging", "x", "")
    await apply(store, orders(plans=()))
    with pytest.raises(ConflictError, match="mobile"):
        await to_staging(store)


async def test_a_schedule_is_kept_once(store: SqlStore) -> None:
    """Nothing happens before its time, then once, by the installation itself, whoever looks how often."""
    await person(store, "ann", "publisher")
    number = await apply(store, orders())
    asked = await to_staging(store, at=2000.0, clock=lambda: 1000.0)
    assert asked.promotion.status == "scheduled"
    assert await promote.carry_out_due(store, clock=lambda: 1999.0) == 0
    assert await in_force(store) is None
    await asyncio.gather(*(promote.carry_out_due(store, clock=lambda: 2000.0) for _ in range(3)))
    assert await in_force(store) == number
    assert await audited(store, "promotion.carry_out") == [("wardgate", API, "done")]
    shown = await promote.show(store, asked.promotion.id)
    assert (shown.promotion.status, shown.promotion.done_at) == ("done", 2000.0)


async def test_what_a_schedule_weakens_is_looked_at_again(store: SqlStore) -> None:
    """Approved ahead, it fails at its time with the reason when something else would be weakened by then."""
    await person(store, "ann", "publisher")
    await person(store, "bob", "owner")
    await apply(store, orders())
    await to_staging(store)
    await apply(store, orders(CLOSED, cors=Cors(origins=("https://a.example.com",))))
    asked = await to_staging(store, at=2000.0, clock=lambda: 1000.0)
    approved = await promote.approve(
        store.acting(BOB), asked.promotion.id, reason="agreed", clock=lambda: 1500.0
    )
    assert approved.promotion.status == "scheduled"
    async with store.writing() as tx:
        await tx.plans.put("staging", Plan(name="free", limits=(replace(MORE.limits[0], amount=1),)))
    assert await promote.carry_out_due(store, clock=lambda: 2000.0) == 1
    shown = await promote.show(store, asked.promotion.id)
    assert shown.promotion.status == "failed"
    assert "changed meanwhile" in shown.promotion.failure
    assert await audited(store, "promotion.carry_out") == [
        ("ann", API, "done"),
        ("wardgate", API, "failed"),
    ]
    assert await promote.carry_out_due(store, clock=lambda: 3000.0) == 0


@pytest.mark.parametrize("who", ["ann", "bob"])
@pytest.mark.parametrize("how", ["suspended", "withdrawn"])
async def test_a_schedule_does_not_outlive_who_is_behind_it(store: SqlStore, who: str, how: str) -> None:
    """Where who asked or who approved is suspended, or has lost the role, by its time, it fails and changes nothing."""
    await person(store, "root", "owner")
    roles = {"ann": "publisher", "bob": "owner"}
    for name, role in roles.items():
        await person(store, name, role)
    await apply(store, orders())
    await to_staging(store)
    await apply(store, orders(CLOSED, cors=Cors(origins=("https://a.example.com",))))
    asked = await to_staging(store, at=2000.0, clock=lambda: 1000.0)
    await promote.approve(store.acting(BOB), asked.promotion.id, reason="agreed", clock=lambda: 1500.0)
    before = await in_force(store)
    if how == "suspended":
        async with store.writing() as tx:
            user = await tx.users.named(who)
            assert user is not None
            await tx.users.replace(replace(user, status="suspended"))
    else:
        await grants.withdraw(store, kind="user", name=who, role=roles[who])
    assert await promote.carry_out_due(store, clock=lambda: 2000.0) == 1
    shown = await promote.show(store, asked.promotion.id)
    assert shown.promotion.status == "failed"
    assert f"{who} is not active any more" in shown.promotion.failure
    assert await in_force(store) == before


@pytest.mark.parametrize("meanwhile", ["rolled back", "withdrawn", "followed by another"])
async def test_what_went_back_where_it_was_tried_does_not_go_on(store: SqlStore, meanwhile: str) -> None:
    """A revision that is rolled back or withdrawn in staging, while it waits for its time in production, does not arrive
    there; one that a later revision follows does."""
    await person(store, "ann", "publisher")
    ann = store.acting(ANN)
    resources = tuple(replace(CLOSED, path=path) for path in ("/items", "/a", "/b", "/c"))
    for count in (1, 2):
        await apply(store, orders(*resources[:count]))
        await to_staging(store)
    asked = await promote.request(ann, api=API, environment="production", at=2000.0, clock=lambda: 1000.0)
    assert asked.promotion.status == "scheduled"
    if meanwhile == "rolled back":
        await rollback.rollback(ann, api=API, environment="staging", reason="it fails")
    elif meanwhile == "withdrawn":
        await rollback.withdraw(ann, api=API, environment="staging", reason="it fails")
    else:
        await apply(store, orders(*resources[:3]))
        await to_staging(store)
    assert await promote.carry_out_due(store, clock=lambda: 2000.0) == 1
    shown = (await promote.show(store, asked.promotion.id)).promotion
    arrives = meanwhile == "followed by another"
    assert shown.status == ("done" if arrives else "failed"), shown.failure
    assert await in_force(store, "production") == (asked.promotion.revision if arrives else None)


async def test_a_schedule_lies_ahead(store: SqlStore) -> None:
    """A time that has passed, or is years away, is refused."""
    await apply(store, orders())
    for at in (999.0, 1000.0 + 400 * 86400):
        with pytest.raises(InvalidError, match="not ahead"):
            await to_staging(store, at=at, clock=lambda: 1000.0)


async def test_promoting_needs_the_permission(store: SqlStore) -> None:
    """Who may only look promotes nothing."""
    await apply(store, orders())
    with pytest.raises(ForbiddenError):
        await promote.request(store.acting(VIEWER), api=API, environment="staging")
    with pytest.raises(NotFoundError, match="no api"):
        await promote.request(store.acting(ANN), api="none/v1", environment="staging")
    with pytest.raises(NotFoundError):
        await promote.show(store.acting(ANN), "promo_none")
