"""Ways around the gate that lead nowhere: what one person does in several steps weakens no more than in one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.promoting import ANN, API, BOB, CLOSED, accounts, apply, in_force, orders, to_staging
from tests.storage.samples import FREE, application, document

from wardgate.control import catalogue, promote
from wardgate.control import environments as use
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ForbiddenError
from wardgate.control.operators import projects
from wardgate.control.rollback import withdraw
from wardgate.domain.actor import Actor
from wardgate.domain.document import ApiEntry, EnvironmentEntry, Listing
from wardgate.domain.permission import Permission
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


def named(name: str, base_path: str, **fields: object) -> ApiEntry:
    """Another API, at that base path."""
    made = orders(CLOSED, name=name, base_path=base_path, **fields)
    return replace(made, api=replace(made.api, name=name))


async def kinds(store: SqlStore, api: str) -> set[str]:
    """What promoting ``api`` to staging would weaken, while it waits."""
    found = await promote.request(store.acting(ANN), api=api, environment="staging")
    assert (found.promotion.status == "pending") == bool(found.promotion.weakenings)
    return {each.kind for each in found.promotion.weakenings}


async def test_withdrawing_first_does_not_pass_the_gate(store: SqlStore) -> None:
    """What comes back after a withdrawal is measured by what was withdrawn."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await apply(store, orders(CLOSED, subscription="off"))
    await withdraw(store.acting(ANN), api=API, environment="staging", reason="for a moment")
    asked = await to_staging(store)
    assert asked.promotion.status == "pending"
    assert [each.kind for each in asked.promotion.weakenings] == ["subscription_off"]
    assert await in_force(store) is None


async def test_what_was_withdrawn_comes_back_as_it_was_at_once(store: SqlStore) -> None:
    """The same revision weakens nothing."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await withdraw(store.acting(ANN), api=API, environment="staging", reason="for a moment")
    again = await to_staging(store)
    assert again.promotion.status == "done"
    assert [each.kind for each in again.differences] == ["api_added"]


@pytest.mark.parametrize("base_path", ["/orders/v1/items", "/orders/v1", "/orders"])
async def test_another_api_in_the_place_of_a_withdrawn_one_waits(store: SqlStore, base_path: str) -> None:
    """Clients of what was withdrawn would reach it: a second person looks."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await withdraw(store.acting(ANN), api=API, environment="staging", reason="for a moment")
    wanted = document([named("other", base_path)], [FREE])
    await apply_document(store, wanted, "development", "dev", "", prune=True)
    assert await kinds(store, "other/v1") == {"place_taken"}


@pytest.mark.parametrize(
    ("base_path", "hosts", "weak"),
    [
        ("/orders/v1/items", (), {"place_taken"}),
        ("/", ("api.example.com",), {"place_taken"}),
        ("/", (), set()),
        ("/orders/v10", (), set()),
    ],
)
async def test_an_api_that_takes_requests_of_another_waits(
    store: SqlStore, base_path: str, hosts: tuple[str, ...], weak: set[str]
) -> None:
    """The longer path and the narrower host go first, whoever owns the API that had the requests before."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    wanted = document([orders(CLOSED), named("other", base_path, hosts=hosts)], [FREE])
    await apply_document(store, wanted, "development", "dev", "")
    assert await kinds(store, "other/v1") == weak


async def test_what_is_switched_off_stays_so_for_who_may_not_switch(store: SqlStore) -> None:
    """Whoever withdraws it could bring it back switched on."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await catalogue.switch_off(store, API, "staging", reason="leaks")
    await catalogue.switch_off(store, API, "development", reason="leaks")
    promoter = replace(ANN, permissions=ANN.permissions - {"apis.switch"})
    with pytest.raises(ForbiddenError, match=r"apis\.switch"):
        await withdraw(store.acting(promoter), api=API, environment="staging", reason="x")
    with pytest.raises(ForbiddenError, match=r"apis\.switch"):
        await apply_document(
            store.acting(replace(promoter, permissions=BOB.permissions - {"apis.switch"})),
            document(),
            "development",
            "dev",
            "",
            prune=True,
        )


async def test_removing_the_first_environment_makes_none_first_that_serves(store: SqlStore) -> None:
    """What was promoted to would be applied to directly otherwise."""
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await apply_document(store, document(), "development", "dev", "", prune=True)
    with pytest.raises(ConflictError, match="staging cannot become the first"):
        await use.remove(store, "development")
    await withdraw(store.acting(ANN), api=API, environment="staging", reason="x")
    with pytest.raises(ConflictError, match="pass the gate by"):
        await use.remove(store, "development")
    with pytest.raises(ConflictError, match="pass the gate by"):
        await use.reorder(store, ["staging", "development", "production"])


async def test_no_environment_takes_anothers_hosts_alone(store: SqlStore) -> None:
    """Neither the first, whose settings pass no gate otherwise, nor a new one; what two have nobody serves."""
    await accounts(store)
    await use.set_settings(store, "production", hosts=["api.example.com", "*.shop.example.com"])
    admin = store.acting(replace(ANN, permissions=BOB.permissions))
    with pytest.raises(ConflictError) as caught:
        await use.set_settings(admin, "development", hosts=["api.example.com"])
    assert caught.value.code == "host_shared"
    for host in ("api.example.com:8443", "pay.shop.example.com"):
        changed = await use.set_settings(admin, "development", hosts=[host])
        assert changed.environment.settings.hosts == ()
        shown = await promote.show(store, changed.waiting)
        assert {each.kind for each in shown.promotion.weakenings} == {"host_taken"}
        wanted = replace(document(), environments=(EnvironmentEntry(name="qa", tag="qa", hosts=(host,)),))
        with pytest.raises(ConflictError) as caught:
            await apply_document(admin, wanted, "development", "ann", "")
        assert caught.value.code == "host_taken"
    given_up = await use.set_settings(admin, "production", hosts=["*.shop.example.com"])
    assert given_up.environment.settings.hosts == ("api.example.com", "*.shop.example.com")
    await promote.approve(store.acting(BOB), changed.waiting, reason="agreed")
    async with store.reading() as tx:
        assert (await tx.environments.all())[0].settings.hosts == ("pay.shop.example.com",)


async def test_who_approves_answers_for_every_api_that_is_weakened(store: SqlStore) -> None:
    """A plan that is raised with one project's API, or a place taken by it, is another project's matter as well."""
    shop = replace(named("shop", "/orders/v1/items"), listing=Listing(project="shop"))
    await projects.set_project(store, name="shop")
    await apply(store, orders(CLOSED))
    await to_staging(store)
    await apply_document(store, document([orders(CLOSED), shop], [FREE]), "development", "dev", "")
    asked = await promote.request(store.acting(ANN), api="shop/v1", environment="staging")
    assert [each.kind for each in asked.promotion.weakenings] == ["place_taken"]
    held: frozenset[Permission] = frozenset(("apis.view", "apis.approve"))
    lead = Actor(kind="user", id="usr_lea", name="lea", projects={"shop": held})
    with pytest.raises(ForbiddenError, match="in the project 'default'"):
        await promote.approve(store.acting(lead), asked.promotion.id, reason="mine")
    both = replace(lead, projects={"shop": held, "default": held})
    done = await promote.approve(store.acting(both), asked.promotion.id, reason="looked at")
    assert done.promotion.status == "done"


@pytest.mark.spoils_database
async def test_what_was_applied_is_not_made_production(store: SqlStore) -> None:
    """An environment that was the first, and has what passed no gate, is not marked afterwards; what was promoted is."""
    await use.add(store, name="qa")
    await use.reorder(store, ["qa", "development", "staging", "production"])
    await apply_document(store, document([orders(CLOSED)], [FREE]), "qa", "dev", "")
    await use.reorder(store, ["development", "staging", "production", "qa"])
    with pytest.raises(ConflictError, match="passed no gate") as caught:
        await use.mark_production(store, "qa")
    assert caught.value.code == "environment_applied"
    await apply(store, orders(CLOSED))
    await to_staging(store)
    assert [each.name for each in await use.mark_production(store, "staging") if each.production] == [
        "staging"
    ]


async def test_errors_tell_nobody_of_what_is_not_theirs(store: SqlStore) -> None:
    """Who publishes in one project hears that they may not, and not which application has which plan of another's API."""
    await apply(store, orders(CLOSED))
    owners = document([], [], [application("mobile", orders="free")])
    await apply_document(store, owners, "development", "dev", "")
    await projects.set_project(store, name="shop")
    held: frozenset[Permission] = frozenset(("apis.view", "apis.edit"))
    lea = store.acting(Actor(kind="user", id="usr_lea", name="lea", projects={"shop": held}))
    without = document([replace(orders(CLOSED), api=replace(orders(CLOSED).api, plans=()))])
    with pytest.raises(ConflictError, match="mobile"):
        await apply_document(store, without, "development", "dev", "", dry_run=True)
    for dry_run in (True, False):
        with pytest.raises(ForbiddenError) as refused:
            await apply_document(lea, without, "development", "dev", "", dry_run=dry_run)
        assert "mobile" not in str(refused.value)
