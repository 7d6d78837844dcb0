"""Applying documents: what is made, kept, pruned, refused and announced."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.storage.samples import (
    FREE,
    GOLD,
    application,
    count,
    document,
    entry,
    feed_of,
    orders,
    put_anywhere,
)

from wardgate.control import applications, keys
from wardgate.control.apply import ApplyResult, apply_document, content_hash
from wardgate.control.errors import ConflictError, NotFoundError
from wardgate.control.export import export_document
from wardgate.domain.consumer import Restrictions
from wardgate.domain.document import Document
from wardgate.domain.limit import Limit
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


async def put(
    store: SqlStore, wanted: Document, environment: str = "development", *, prune: bool = False
) -> ApplyResult:
    """Applies a document as ``test``."""
    return await apply_document(store, wanted, environment, "test", "a note", prune)


async def news(store: SqlStore, wanted: Document, *, prune: bool = False) -> list[tuple[str, str]]:
    """What applying adds to the feed, with application ids as their names."""
    before = len(feed_of(store.data_dir))
    known = {
        each.application.id: each.application.name for each in await applications.list_applications(store)
    }
    await put(store, wanted, prune=prune)
    known |= {
        each.application.id: each.application.name for each in await applications.list_applications(store)
    }
    return [(kind, known.get(key, key)) for kind, key in feed_of(store.data_dir, before)]


async def test_a_first_document_makes_everything(store: SqlStore) -> None:
    """APIs get revision 1 with who and why, and each object is announced once."""
    result = await put(store, orders())
    assert result.revisions == {"orders/v1": 1}
    assert [line.split(":")[0] for line in result.changes] == [
        "+ api orders/v1",
        "+ plan free",
        "+ application mobile",
    ]
    assert [kind for kind, _ in feed_of(store.data_dir)] == ["plan", "api", "application"]
    assert feed_of(store.data_dir)[1] == ("api", "development orders/v1")
    async with store.reading() as tx:
        (revision,) = await tx.apis.revisions("orders/v1")
        (deployed,) = await tx.apis.deployed("development")
    assert (revision.number, revision.actor, revision.note) == (1, "test", "a note")
    assert revision.hash == deployed.hash == content_hash(entry(), (FREE,))
    assert (deployed.entry, deployed.plans, deployed.bound) == (entry(), (FREE,), entry().api)
    assert deployed.bound_hash == entry().api.content_hash()


async def test_the_same_document_again_changes_nothing(store: SqlStore) -> None:
    """A second apply makes no revision, writes no row and announces nothing."""
    await put(store, orders())
    assert await news(store, orders()) == []
    assert await put(store, orders()) == ApplyResult(changes=(), revisions={})
    assert count(store.data_dir, "revisions") == 1


async def test_only_what_changed_is_announced(store: SqlStore) -> None:
    """One changed API, plan, owner or subscription gives exactly its own row."""
    await put(
        store, document([entry(), entry("users")], [FREE, GOLD], [application("mobile", orders="free")])
    )
    moved = entry("users", targets=("http://127.0.0.1:1",))
    assert await news(store, document([entry(), moved], [FREE, GOLD])) == [("api", "development users/v1")]
    wider = replace(FREE, limits=(Limit(kind="rate", amount=200, per="minute"),))
    assert await news(store, document(plans=[wider, GOLD])) == [("plan", "development free")]
    owned = replace(application("mobile", orders="free"), owner="other@example.com")
    assert await news(store, document(applications=[owned])) == [("application", "mobile")]
    both = application("mobile", orders="free", users="free")
    assert await news(store, document(applications=[both])) == [("application", "mobile")]
    swapped = application("mobile", users="free", orders="free")
    assert await news(store, document(applications=[swapped])) == []
    assert await news(store, document(applications=[application("mobile")])) == [("application", "mobile")]


async def test_a_text_the_gateway_does_not_enforce_is_kept_quietly(store: SqlStore) -> None:
    """Another OpenAPI text with the same meaning makes a revision, so export gives it back, and wakes no gateway."""
    await put(store, orders())
    changed = document([entry(text="openapi: 3.1.0 # remark")])
    assert await news(store, changed) == []
    assert (await export_document(store, "development")).apis[0].openapi_text == "openapi: 3.1.0 # remark"
    async with store.reading() as tx:
        assert [each.number for each in await tx.apis.revisions("orders/v1")] == [2, 1]


async def test_revisions_are_immutable_and_numbered_on(store: SqlStore) -> None:
    """Going back to an earlier content, or withdrawing and deploying again, makes a further revision."""
    first, second = entry(), entry(targets=("http://127.0.0.1:1",))
    numbers = [
        (await put(store, document([wanted], [FREE]))).revisions["orders/v1"]
        for wanted in (first, second, first)
    ]
    await put(store, document(plans=[FREE]), prune=True)
    numbers.append((await put(store, document([first]))).revisions["orders/v1"])
    assert numbers == [1, 2, 3, 4]
    async with store.reading() as tx:
        hashes = [each.hash for each in await tx.apis.revisions("orders/v1")]
    assert hashes[0] == hashes[1] == hashes[3] != hashes[2]


async def test_what_is_not_named_stays(store: SqlStore) -> None:
    """Another document adds to what is there."""
    await put(store, orders())
    await put(store, document([entry("users", plans=())], [GOLD], [application("web", users=None)]))
    kept = await export_document(store, "development")
    assert [each.api.id for each in kept.apis] == ["orders/v1", "users/v1"]
    assert [each.name for each in kept.plans] == ["free", "gold"]
    assert [each.name for each in kept.applications] == ["mobile", "web"]


async def test_prune_takes_away_what_is_not_named(store: SqlStore) -> None:
    """With prune the document is the whole: the rest goes, keys of removed applications are listed."""
    await put(store, orders())
    key, _ = await keys.issue(store, application="mobile", environment="development")
    wanted = document([entry("users", plans=())])
    assert [line.split(":")[0] for line in (await dry(store, wanted)).changes] == [
        "- api orders/v1",
        "+ api users/v1",
        "- plan free",
        "- application mobile",
        f"- key {key.id} ({key.prefix}...) of application mobile",
    ]
    assert await news(store, wanted, prune=True) == [
        ("api", "development users/v1"),
        ("application", "mobile"),
        ("api", "development orders/v1"),
        ("plan", "development free"),
    ]
    assert await export_document(store, "development") == wanted
    assert [count(store.data_dir, table) for table in ("applications", "subscriptions", "credentials")] == [
        0,
        0,
        0,
    ]


async def dry(store: SqlStore, wanted: Document) -> ApplyResult:
    """A dry run with prune."""
    return await apply_document(store, wanted, "development", "test", "", True, dry_run=True)


async def test_prune_spares_what_another_environment_uses(store: SqlStore) -> None:
    """An application that other environments use loses its subscriptions here and nothing there."""
    await put(store, orders())
    await put_anywhere(store, orders(), "staging")
    await put(store, document([entry()], [FREE]), prune=True)
    (record,) = await applications.list_applications(store)
    assert [(place, item.api) for place, item in record.subscriptions] == [("staging", "orders/v1")]
    await keys.issue(store, application="mobile", environment="production")
    await put(store, document(), "staging", prune=True)
    assert [each.name for each in (await export_document(store, "staging")).applications] == ["mobile"]


async def test_environments_are_apart(store: SqlStore) -> None:
    """What is deployed and offered in one environment is not so in another; applications are shared."""
    await put(store, orders())
    await put_anywhere(store, orders(), "production")
    assert (await export_document(store, "staging")).apis == ()
    assert (await export_document(store, "staging")).plans == ()
    assert await export_document(store, "production") == await export_document(store, "development")
    wider = replace(FREE, limits=(Limit(kind="rate", amount=200, per="minute"),))
    assert (await put(store, document(plans=[wider]))).revisions == {"orders/v1": 3}
    assert (await export_document(store, "production")).plans == (FREE,)


@pytest.mark.parametrize("wanted", [orders(), document([entry("users", plans=())]), document(plans=[GOLD])])
async def test_only_the_first_environment_is_applied_to(store: SqlStore, wanted: Document) -> None:
    """APIs and plans for another environment are refused with the way there; consumers are taken anywhere."""
    await put_anywhere(store, document([entry()], [FREE]), "staging")
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match="the first environment, development") as caught:
            await apply_document(store, wanted, "staging", "test", "", dry_run=dry_run)
        assert caught.value.code == "environment_promoted"
        assert "wardgate promote" in caught.value.remedy
    consumers = document(applications=[application("mobile", orders="free")])
    assert (await put(store, consumers, "staging")).changes == (
        "+ application mobile: orders/v1 on plan free",
    )
    with pytest.raises(ConflictError, match="'users/v1'"):
        await put(store, document(applications=[application("web", users=None)]), "staging")


async def test_a_dry_run_writes_nothing(store: SqlStore) -> None:
    """A dry run gives the same lines as the real one and leaves the store as it is."""
    dry = await apply_document(store, orders(), "development", "test", "", dry_run=True)
    assert dry.revisions == {}
    assert [count(store.data_dir, table) for table in ("apis", "plans", "applications", "changes")] == [
        0,
        0,
        0,
        0,
    ]
    assert (await put(store, orders())).changes == dry.changes


@pytest.mark.parametrize(
    ("wanted", "prune", "code", "says"),
    [
        (document([entry()], [GOLD]), True, "plan_in_use", "orders/v1 offers the plan 'free'"),
        (document([entry(plans=("gold",))]), False, "plan_in_use", "offers the plan 'gold'"),
        (
            document([entry(plans=("gold",))], [GOLD]),
            False,
            "plan_in_use",
            "'mobile' has orders/v1 on the plan 'free'",
        ),
        (document([entry("other", base_path="/orders/v1")]), False, "mount_conflict", "orders/v1"),
        (document(applications=[application("web", users="free")]), False, "api_in_use", "'users/v1'"),
        (document(applications=[application("web", orders="gold")]), False, "plan_in_use", "'gold'"),
        (document(applications=[application("web", orders="free")]), True, "api_in_use", "'orders/v1'"),
    ],
)
async def test_a_result_that_contradicts_itself_is_refused(
    store: SqlStore, wanted: Document, prune: bool, code: str, says: str
) -> None:
    """What would leave something dangling or claimed twice names both sides and changes nothing."""
    await put(store, orders())
    before = await export_document(store, "development")
    feed = feed_of(store.data_dir)
    with pytest.raises(ConflictError, match=says) as caught:
        await put(store, wanted, prune=prune)
    assert caught.value.code == code
    assert caught.value.remedy
    assert await export_document(store, "development") == before
    assert feed_of(store.data_dir) == feed


async def test_a_plan_another_environment_uses_stays_there(store: SqlStore) -> None:
    """Deleting a plan in the first environment leaves that of another, with its subscribers."""
    await put(store, document([entry()], [FREE]))
    await put_anywhere(store, orders(), "staging")
    await put(store, document(plans=[GOLD]), prune=True)
    assert (await export_document(store, "development")).plans == (GOLD,)
    assert (await export_document(store, "staging")).plans == (FREE,)


async def test_an_unknown_environment_is_refused(store: SqlStore) -> None:
    """The environments there are stand in the remedy, for apply, dry run and export."""
    for dry_run in (False, True):
        with pytest.raises(NotFoundError, match="development, staging, production"):
            await apply_document(store, orders(), "qa", "test", "", dry_run=dry_run)
    with pytest.raises(NotFoundError, match="'qa'"):
        await export_document(store, "qa")


async def test_applies_at_the_same_time_take_turns(store: SqlStore) -> None:
    """Documents applied concurrently all take effect, each as a whole."""
    wanted = [document([entry(f"api-{n}", plans=())], (), [application(f"app-{n}")]) for n in range(10)]
    results = await asyncio.gather(*(put(store, each) for each in wanted))
    assert all(len(result.changes) == 2 for result in results)
    state = await export_document(store, "development")
    assert {each.api.name for each in state.apis} == {f"api-{n}" for n in range(10)}
    assert {each.name for each in state.applications} == {f"app-{n}" for n in range(10)}


async def test_keys_stay_when_their_resources_go(store: SqlStore) -> None:
    """An API may lose a resource that a key is restricted to; the key then covers nothing of it."""
    await put(store, orders())
    narrow = Restrictions(resources=("orders/v1 GET /items",))
    key, _ = await keys.issue(store, application="mobile", environment="development", restrictions=narrow)
    await put(store, document([entry(resources=["GET /other"])]))
    assert (await keys.show(store, key.id)).credential.restrictions == narrow
