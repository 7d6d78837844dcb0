"""Asking for access and granting it, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.samples import FREE, GOLD, application, document, entry, feed_of

from wardgate.control import access, applications, subscriptions
from wardgate.control.access import AccessRecord
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ControlError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.operators.projects import set_project
from wardgate.domain.actor import Actor
from wardgate.domain.consumer import Controls
from wardgate.domain.document import ApiEntry, Listing
from wardgate.domain.limit import Limit
from wardgate.domain.people import Mail, User
from wardgate.domain.permission import BUILTIN_ROLES, Permission
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database

ASKED = replace(GOLD, approval="required")
NOW = 1_800_000_000.0


def listed(api: ApiEntry, **listing: object) -> ApiEntry:
    """An API of which the document says something beside its revision."""
    return replace(api, listing=Listing(**listing))  # type: ignore[arg-type]


async def ready(store: SqlStore, **listing: object) -> None:
    """Orders on the plans free (at once) and gold (by approval), and the application mobile without subscriptions."""
    wanted = document(
        [listed(entry(plans=("free", "gold")), **listing)], [FREE, ASKED], [application("mobile")]
    )
    await apply_document(store, wanted, "development", "test", "")


def actor(name: str, *permissions: Permission, **projects: frozenset[Permission]) -> Actor:
    """A person who may do exactly that."""
    return Actor(
        kind="user", id=f"usr_{name}", name=name, permissions=frozenset(permissions), projects=projects
    )


DEVELOPER = actor("dev", "access.request")
MANAGER = actor("max", *BUILTIN_ROLES["access-manager"])


async def ask(store: SqlStore, plan: str | None = "gold", message: str = "") -> AccessRecord:
    """A request of mobile for orders."""
    return await access.request(
        store, application="mobile", environment="development", api="orders/v1", plan=plan, message=message
    )


async def code_of(awaitable: object, kind: type[ControlError]) -> str:
    """The code of the refusal."""
    with pytest.raises(kind) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.code


async def mails_of(store: SqlStore) -> list[Mail]:
    """What waits to be sent."""
    async with store.reading() as tx:
        return await tx.outbox.due(float("inf"), 100)


async def test_a_plan_without_approval_is_granted_at_once(store: SqlStore) -> None:
    """The subscription is active, and the request tells that nobody had to decide."""
    await ready(store)
    found = await ask(store.acting(DEVELOPER), "free")
    assert (found.request.status, found.request.decided_by) == ("approved", "wardgate")
    (subscription,) = await subscriptions.list_subscriptions(store)
    assert (subscription.subscription.status, subscription.subscription.plan) == ("active", "free")


async def test_a_request_waits_and_is_granted_with_what_is_set_for_it(store: SqlStore) -> None:
    """Pending until approved; then limits, networks, scopes, roles and expiry hold, and both steps are announced."""
    await ready(store, contact="owner@example.com")
    found = await ask(store.acting(DEVELOPER), message="For the app\nof next year")
    pending = await subscriptions.show(store, found.request.subscription)
    assert (found.request.status, pending.subscription.status) == ("pending", "pending")
    controls = Controls(
        limits=(Limit(kind="rate", amount=5, per="second"),),
        cidrs=("192.0.2.0/24", "192.0.2.0/24"),
        roles=("batch",),
    )
    done = await access.approve(
        store.acting(MANAGER), found.request.id, controls=controls, expires_at=NOW + 60, clock=lambda: NOW
    )
    granted = (await subscriptions.show(store, found.request.subscription)).subscription
    assert (granted.status, granted.plan, granted.expires_at) == ("active", "gold", NOW + 60)
    assert granted.controls == replace(controls, cidrs=("192.0.2.0/24",))
    assert (done.request.status, done.request.decided_by, done.request.decided_at) == ("approved", "max", NOW)
    assert feed_of(store.data_dir)[-2:] == [("application", found.application.id)] * 2
    to = {mail.to: mail for mail in await mails_of(store)}
    assert set(to) == {"owner@example.com", "mobile@example.com"}
    assert "of next year" in to["owner@example.com"].body
    assert "192.0.2.0/24" in to["mobile@example.com"].body


async def test_a_rejection_needs_a_reason_and_may_be_followed_by_another_request(store: SqlStore) -> None:
    """The reason reaches the application's side; asking again opens the same subscription anew."""
    await ready(store)
    found = await ask(store)
    assert await code_of(access.reject(store, found.request.id, reason=" "), InvalidError) == "reason_invalid"
    await access.reject(store, found.request.id, reason="Not this quarter")
    rejected = await subscriptions.show(store, found.request.subscription)
    assert rejected.subscription.status == "rejected"
    (mail,) = await mails_of(store)
    assert mail.to == "mobile@example.com"
    assert "Not this quarter" in mail.body
    again = await ask(store)
    assert again.request.subscription == found.request.subscription
    assert (await subscriptions.show(store, again.request.subscription)).subscription.status == "pending"


async def test_of_two_decisions_one_counts(store: SqlStore) -> None:
    """Whoever decides second, or after a withdrawal, hears that it is decided; the first stands."""
    await ready(store)
    found = await ask(store)
    outcomes = await asyncio.gather(
        access.approve(store, found.request.id),
        access.reject(store, found.request.id, reason="no"),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, ConflictError)]
    assert [each.code for each in refused] == ["access_decided"]
    settled = (await access.show(store, found.request.id)).request.status
    subscription = await subscriptions.show(store, found.request.subscription)
    assert subscription.subscription.status == {"approved": "active", "rejected": "rejected"}[settled]


async def test_the_requester_may_withdraw(store: SqlStore) -> None:
    """The subscription is gone with the request, and cannot be granted any more; a stranger may not withdraw it."""
    await ready(store)
    found = await ask(store.acting(DEVELOPER))
    stranger = actor("eve", "access.view")
    assert (
        await code_of(access.withdraw(store.acting(stranger), found.request.id), ForbiddenError)
        == "forbidden"
    )
    await access.withdraw(store.acting(DEVELOPER), found.request.id)
    assert await subscriptions.list_subscriptions(store) == []
    assert await code_of(access.approve(store, found.request.id), ConflictError) == "access_decided"


async def test_nobody_asks_twice(store: SqlStore) -> None:
    """A second request is refused while one waits, and once the subscription is there, until it has expired."""
    await ready(store)
    found = await ask(store)
    assert await code_of(ask(store), ConflictError) == "access_requested_already"
    await access.approve(store, found.request.id, expires_at=NOW + 10, clock=lambda: NOW)
    assert await code_of(access.request(
        store, application="mobile", environment="development", api="orders/v1", plan="gold", clock=lambda: NOW
    ), ConflictError) == "subscribed_already"  # fmt: skip
    late = await access.request(
        store,
        application="mobile",
        environment="development",
        api="orders/v1",
        plan="gold",
        clock=lambda: NOW + 11,
    )
    assert late.request.status == "pending"


@pytest.mark.parametrize(
    ("listing", "code"),
    [({"lifecycle": "deprecated"}, "api_deprecated"), ({"lifecycle": "retired"}, "api_retired")],
)
async def test_what_is_not_offered_any_more_takes_no_subscriptions(
    store: SqlStore, listing: dict[str, object], code: str
) -> None:
    """A deprecated or retired API is known, and refuses."""
    await ready(store, **listing)
    assert await code_of(ask(store.acting(DEVELOPER)), ConflictError) == code


@pytest.mark.parametrize(
    "listing", [{"visibility": "private"}, {"lifecycle": "created"}, {"visibility": "group"}]
)
async def test_an_api_that_is_not_for_the_developer_is_not_there(
    store: SqlStore, listing: dict[str, object]
) -> None:
    """Private, unpublished and others' groups' APIs are not found; who views the project's APIs finds them."""
    if listing.get("visibility") == "group":
        listing = {**listing, "groups": ("partners",)}
    await ready(store, **listing)
    assert await code_of(ask(store.acting(DEVELOPER)), NotFoundError) == "api_not_found"
    assert await code_of(ask(store.acting(DEVELOPER), "free"), NotFoundError) == "api_not_found"
    inside = actor("ina", "access.request", "apis.view")
    if listing.get("lifecycle") == "created":
        assert await code_of(ask(store.acting(inside)), ConflictError) == "api_created"
    else:
        asked = await ask(store.acting(inside), "free")
        assert asked.request.status == ("pending" if listing["visibility"] == "private" else "approved")


async def test_a_group_sees_its_api(store: SqlStore) -> None:
    """A member of the group, or an application in it, may ask."""
    await ready(store, visibility="group", groups=("partners",))
    async with store.writing() as tx:
        await tx.groups.put("partners", "", (), at=NOW)
        await tx.users.add(User(id=DEVELOPER.id, name="dev"))
        await tx.groups.set_users("partners", [DEVELOPER.id])
    found = await ask(store.acting(DEVELOPER))
    await access.withdraw(store.acting(DEVELOPER), found.request.id)
    async with store.writing() as tx:
        await tx.groups.set_users("partners", [])
    assert await code_of(ask(store.acting(DEVELOPER)), NotFoundError) == "api_not_found"
    await applications.change(store, "mobile", groups=["partners"])
    assert (await ask(store.acting(DEVELOPER))).request.status == "pending"


async def test_projects_bound_who_decides_and_who_sees(store: SqlStore) -> None:
    """A manager of another project sees no request of this one; one of this project decides."""
    await set_project(store, name="shop")
    await ready(store, project="shop")
    found = await ask(store.acting(DEVELOPER))
    of_role = BUILTIN_ROLES["access-manager"]
    other, own = actor("otto", bank=of_role), actor("sven", shop=of_role)
    assert await code_of(access.approve(store.acting(other), found.request.id), NotFoundError) == (
        "access_request_not_found"
    )
    assert await access.list_requests(store.acting(other)) == []
    assert [each.request.id for each in await access.list_requests(store.acting(own))] == [found.request.id]
    assert [each.request.id for each in await access.list_requests(store.acting(DEVELOPER))] == [
        found.request.id
    ]
    assert (await access.approve(store.acting(own), found.request.id)).request.status == "approved"
    nobody = actor("nora", "apis.view")
    assert await access.list_requests(store.acting(nobody)) == []
    assert await access.list_requests(store.acting(nobody), application="not told of") == []
    assert await code_of(access.show(store.acting(nobody), found.request.id), NotFoundError) == (
        "access_request_not_found"
    )
    assert await code_of(access.list_requests(store.acting(actor("nil"))), ForbiddenError) == "forbidden"
    assert await code_of(ask(store.acting(nobody)), ForbiddenError) == "forbidden"


async def test_requests_are_filtered(store: SqlStore) -> None:
    """By status, environment, application and API."""
    await ready(store)
    await applications.add(store, name="batch")
    first = await ask(store)
    second = await access.request(
        store, application="batch", environment="development", api="orders/v1", plan="free"
    )
    ids = {"pending": [first.request.id], "approved": [second.request.id], "rejected": []}
    for status, wanted in ids.items():
        found = await access.list_requests(store, status=status)  # type: ignore[arg-type]
        assert [each.request.id for each in found] == wanted
    of_batch = await access.list_requests(
        store, application="batch", environment="development", api="orders/v1"
    )
    assert [each.request.id for each in of_batch] == [second.request.id]
    assert await access.list_requests(store, environment="staging") == []


@pytest.mark.parametrize(("plan", "code"), [(None, "plan_invalid"), ("silver", "plan_invalid")])
async def test_a_plan_that_is_not_offered_is_refused(store: SqlStore, plan: str | None, code: str) -> None:
    """No plan, and one the API does not offer, are errors."""
    await ready(store)
    assert await code_of(ask(store, plan), InvalidError) == code


async def test_everything_is_in_the_trail(store: SqlStore) -> None:
    """Request, approval and change of the subscription are recorded with who did them."""
    await ready(store)
    found = await ask(store.acting(DEVELOPER), message="please")
    await access.approve(store.acting(MANAGER), found.request.id, reason="known partner")
    await subscriptions.change(store.acting(MANAGER), found.request.subscription, status="suspended")
    async with store.reading() as tx:
        records = [each for each in await tx.audit.page(0, 100) if each.event.action[:4] in ("acce", "subs")]
    assert [(each.event.action, each.actor_name, each.event.note) for each in records] == [
        ("access.request", "dev", "please"),
        ("access.approve", "max", "known partner"),
        ("subscription.set", "max", ""),
    ]
    assert records[-1].event.before == {"status": "active"}
