"""APIs as their owners keep them: life cycle, what is told of them, the kill switch, and revisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.samples import FREE, application, deploy, document, entry, feed_of, orders, rows_of

from wardgate.control import catalogue, revisions
from wardgate.control.apply import apply_document
from wardgate.control.errors import ConflictError, ControlError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.export import export_document
from wardgate.domain.actor import Actor
from wardgate.domain.document import ApiEntry, Listing
from wardgate.domain.permission import Permission
from wardgate.domain.standing import Catalogue
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


def with_listing(made: ApiEntry, listing: Listing) -> ApiEntry:
    """The entry, with what a document says beside its revision."""
    return replace(made, listing=listing)


def actor(*permissions: Permission, project: str = "") -> Actor:
    """Somebody who holds these, everywhere or in one project."""
    held = frozenset(permissions)
    if project:
        return Actor(kind="user", id="usr_1", name="ann", projects={project: held})
    return Actor(kind="user", id="usr_1", name="ann", permissions=held)


async def everywhere(store: SqlStore) -> None:
    """``orders/v1`` in development and staging."""
    await apply_document(store, orders(), "development", "test", "")
    async with store.writing() as tx:
        await deploy(tx, entry(), "staging", plans=(FREE,))


async def test_the_way_of_an_api(store: SqlStore) -> None:
    """Published, deprecated with its end and successor, retired; each step is told where the API is deployed."""
    await everywhere(store)
    before = len(feed_of(store.data_dir))
    shown = await catalogue.deprecate(
        store, "orders/v1", sunset=200.0, successor="https://x.example.com/v2", clock=lambda: 100.0
    )
    assert feed_of(store.data_dir, before) == [
        ("api", "development orders/v1"),
        ("api", "staging orders/v1"),
    ]
    standing = shown.record.standing
    assert (standing.lifecycle, standing.deprecated_at, standing.sunset_at, standing.successor) == (
        "deprecated",
        100.0,
        200.0,
        "https://x.example.com/v2",
    )
    assert [(place.environment, place.revision, place.off) for place in shown.places] == [
        ("development", 1, ()),
        ("staging", 2, ()),
    ]
    assert await catalogue.show(store, "orders/v1") == shown
    retired = await catalogue.retire(store, "orders/v1", clock=lambda: 150.0)
    assert (retired.record.standing.lifecycle, retired.record.standing.deprecated_at) == ("retired", 100.0)
    with pytest.raises(ConflictError, match="retired and cannot become published"):
        await catalogue.publish(store, "orders/v1")
    again = await catalogue.publish(store, "orders/v1", force=True)
    assert (again.record.standing.deprecated_at, again.record.standing.successor) == (None, "")
    actions = rows_of(store.data_dir, "SELECT action FROM audit WHERE target = 'orders/v1' ORDER BY seq")
    assert [action for (action,) in actions][-3:] == ["api.deprecate", "api.retire", "api.publish"]


async def test_steps_that_leave_consumers_behind_are_refused(store: SqlStore) -> None:
    """An API is retired after it was deprecated, or by force; its end lies ahead; its successor is a URL."""
    await everywhere(store)
    with pytest.raises(ConflictError) as caught:
        await catalogue.retire(store, "orders/v1")
    assert caught.value.code == "lifecycle_step"
    assert "Deprecate it first" in caught.value.remedy
    for sunset, successor in ((5.0, ""), (float("nan"), ""), (None, "v2")):
        with pytest.raises(InvalidError):
            await catalogue.deprecate(
                store, "orders/v1", sunset=sunset, successor=successor, clock=lambda: 10.0
            )
    assert (await catalogue.retire(store, "orders/v1", force=True)).record.standing.lifecycle == "retired"
    with pytest.raises(NotFoundError, match="'users/v1'"):
        await catalogue.retire(store, "users/v1")


async def test_the_kill_switch_is_an_environments(store: SqlStore) -> None:
    """An API, or one resource, goes off and on in one environment, with a reason; a new revision does not bring it back."""
    await everywhere(store)
    before = len(feed_of(store.data_dir))
    off = await catalogue.switch_off(
        store, "orders/v1", "staging", resource="GET /items", reason="leaks data"
    )
    assert off.off == ("GET /items",)
    assert feed_of(store.data_dir, before) == [("api", "staging orders/v1")]
    assert (await catalogue.switch_off(store, "orders/v1", "staging", reason="all of it")).off == (
        "GET /items",
        "*",
    )
    async with store.writing() as tx:
        await deploy(tx, entry(targets=("http://127.0.0.1:1",)), "staging")
    places = {place.environment: place.off for place in (await catalogue.show(store, "orders/v1")).places}
    assert places == {"development": (), "staging": ("GET /items", "*")}
    with pytest.raises(ConflictError) as caught:
        await catalogue.switch_on(store, "orders/v1", "staging", resource="GET /items", reason="fixed")
    assert caught.value.code == "api_switched_off"
    assert (await catalogue.switch_on(store, "orders/v1", "staging", reason="fixed")).off == ()
    told = rows_of(
        store.data_dir, "SELECT note, environment FROM audit WHERE action LIKE 'api.switch%' ORDER BY seq"
    )
    assert [tuple(row) for row in told] == [
        ("leaks data", "staging"),
        ("all of it", "staging"),
        ("fixed", "staging"),
    ]


@pytest.mark.parametrize(
    ("environment", "resource", "reason", "code"),
    [
        ("production", None, "why", "deployment_not_found"),
        ("staging", "GET /none", "why", "resource_not_found"),
        ("staging", None, "  ", "reason_invalid"),
        ("qa", None, "why", "environment_not_found"),
    ],
)
async def test_a_switch_that_cannot_be_is_refused(
    store: SqlStore, environment: str, resource: str | None, reason: str, code: str
) -> None:
    """It needs a deployment, a resource there is, and a reason."""
    await everywhere(store)
    with pytest.raises(ControlError) as caught:
        await catalogue.switch_off(store, "orders/v1", environment, resource=resource, reason=reason)
    assert caught.value.code == code


async def test_what_is_told_of_an_api(store: SqlStore) -> None:
    """What is given changes, the rest stays, and gateways are not bothered."""
    await everywhere(store)
    before = len(feed_of(store.data_dir))
    await catalogue.describe(
        store, "orders/v1", tags=["shop"], docs="https://docs.example.com", contact="  ops "
    )
    view = await catalogue.describe(store, "orders/v1", visibility="group", groups=["staff"])
    assert view.record.catalogue == Catalogue(
        visibility="group", groups=("staff",), tags=("shop",), docs="https://docs.example.com", contact="ops"
    )
    assert feed_of(store.data_dir, before) == []
    for called in (
        catalogue.describe(store, "orders/v1", groups=[]),
        catalogue.describe(store, "orders/v1", tags=["a", "a"]),
        catalogue.describe(store, "orders/v1", docs="javascript:x"),
        catalogue.describe(store, "orders/v1", contact="a\nb"),
    ):
        with pytest.raises(InvalidError):
            await called
    with pytest.raises(NotFoundError, match="project"):
        await catalogue.describe(store, "orders/v1", project="none")


async def test_what_a_document_told_of_an_api_keeps_nobody_from_telling_more(store: SqlStore) -> None:
    """Its description may have several lines there, and stays as it is when something else is said by a command."""
    told = Listing(description="First.\n\nThen more.\n")
    await apply_document(store, document([with_listing(entry(), told)], [FREE]), "development", "t", "")
    view = await catalogue.describe(store, "orders/v1", tags=("beta",))
    assert (view.record.catalogue.description, view.record.catalogue.tags) == (told.description, ("beta",))
    with pytest.raises(InvalidError, match="line breaks"):
        await catalogue.describe(store, "orders/v1", description="One.\nTwo.")


async def test_who_may_do_what(store: SqlStore) -> None:
    """Each needs its permission in the API's project; whoever holds it elsewhere sees nothing of this one."""
    await everywhere(store)
    outsider = store.acting(actor("apis.view", "apis.edit", "apis.switch", project="other"))
    assert await catalogue.list_apis(outsider) == []
    for called in (
        catalogue.show(outsider, "orders/v1"),
        catalogue.retire(outsider, "orders/v1", force=True),
        catalogue.switch_off(outsider, "orders/v1", "staging", reason="x"),
        revisions.list_revisions(outsider, "orders/v1"),
        revisions.show(outsider, "orders/v1", 1),
    ):
        with pytest.raises(ForbiddenError):
            await called
    assert await revisions.verify(outsider) == []
    insider = store.acting(actor("apis.view", project="default"))
    assert [each.record.api for each in await catalogue.list_apis(insider)] == ["orders/v1"]
    with pytest.raises(ForbiddenError):
        await catalogue.deprecate(insider, "orders/v1")


async def test_revisions_are_listed_shown_and_verified(store: SqlStore) -> None:
    """Each says who, why and where it is in force, and whether it is what it was when it was signed."""
    await everywhere(store)
    lines = await revisions.list_revisions(store, "orders/v1")
    assert [(line.info.number, line.environments) for line in lines] == [
        (2, ("staging",)),
        (1, ("development",)),
    ]
    shown = await revisions.show(store, "orders/v1", 1)
    assert (shown.entry, shown.plans, shown.number) == (entry(), (FREE,), 1)
    assert [verdict.check.sound for verdict in await revisions.verify(store)] == [True, True]
    with pytest.raises(NotFoundError, match="orders/v1 9"):
        await revisions.show(store, "orders/v1", 9)


@pytest.mark.parametrize(
    ("column", "value", "content", "signature"),
    [
        ("resolved", "(SELECT replace(resolved, '9000', '9001') FROM revisions)", False, True),
        ("openapi_text", "'other'", False, True),
        ("plans", "'[]'", False, True),
        ("actor", "'mallory'", True, False),
        ("note", "'nothing'", True, False),
        ("created_at", "1.0", True, False),
        ("hash", "'0'", False, False),
        ("key", "''", True, False),
    ],
)
async def test_a_revision_that_was_tampered_with_is_told(
    store: SqlStore, column: str, value: str, content: bool, signature: bool
) -> None:
    """Whoever writes the database without the master key can change no part of a revision unnoticed."""
    await apply_document(store, orders(), "development", "test", "a note")
    from sqlalchemy import text

    async with store.writing() as tx:
        await tx.apis._connection.execute(text(f"UPDATE revisions SET {column} = {value}"))  # type: ignore[attr-defined]
    (verdict,) = await revisions.verify(store, "orders/v1")
    assert (verdict.check.content, verdict.check.signature) == (content, signature)
    assert not verdict.check.sound


async def test_a_document_says_how_an_api_stands(store: SqlStore) -> None:
    """What it names is so, what it does not name stays, no revision is made of it, and export gives it back."""
    listing = Listing(lifecycle="created", tags=("shop",), contact="ops")
    await apply_document(store, document([with_listing(entry(plans=()), listing)]), "development", "test", "")
    assert (await export_document(store, "development")).apis[0].listing == listing
    published = document([with_listing(entry(plans=()), Listing(lifecycle="published"))])
    before = len(feed_of(store.data_dir))
    result = await apply_document(store, published, "development", "test", "")
    assert result.changes == ("~ api orders/v1: lifecycle: created -> published",)
    assert result.revisions == {}
    assert ("api", "development orders/v1") in feed_of(store.data_dir, before)
    await catalogue.deprecate(store, "orders/v1", clock=lambda: 7.0)
    assert (await apply_document(store, document([entry(plans=())]), "development", "test", "")).changes == ()
    kept = (await catalogue.show(store, "orders/v1")).record
    assert (kept.standing.lifecycle, kept.standing.deprecated_at) == ("deprecated", 7.0)
    assert kept.catalogue.tags == ("shop",)


async def test_a_document_keeps_to_the_life_cycle(store: SqlStore) -> None:
    """No step is skipped, no project made up, and an API that is not published takes no new subscription."""
    await apply_document(store, orders(), "development", "test", "")
    for listing, code in (
        (Listing(lifecycle="retired"), "lifecycle_step"),
        (Listing(lifecycle="created"), "lifecycle_step"),
        (Listing(project="none"), "project_not_found"),
    ):
        with pytest.raises(ControlError) as caught:
            await apply_document(store, document([with_listing(entry(), listing)]), "development", "test", "")
        assert caught.value.code == code
    old = with_listing(entry(), Listing(lifecycle="deprecated", successor="https://x.example.com/v2"))
    more = document([old], [FREE], [application("web", orders="free")])
    with pytest.raises(ConflictError, match="deprecated and takes no new subscriptions") as refused:
        await apply_document(store, more, "development", "test", "")
    assert "https://x.example.com/v2" in refused.value.remedy
    kept = document([old], [FREE], [application("mobile", orders="free")])
    assert len((await apply_document(store, kept, "development", "test", "")).changes) == 2
