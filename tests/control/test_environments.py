"""Environments as operators keep them: their list, settings, variables and secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.samples import FREE, deploy, document, entry, feed_of, orders, rows_of

from wardgate.control import environments as use
from wardgate.control import keys, webhooks
from wardgate.control.apply import apply_document
from wardgate.control.binding import BindingError
from wardgate.control.errors import ConflictError, ControlError, ForbiddenError, InvalidError, NotFoundError
from wardgate.domain.actor import Actor, local_actor
from wardgate.domain.document import ApiEntry
from wardgate.domain.environment import Environment, Retention
from wardgate.domain.limit import Limit
from wardgate.domain.secret import Secret
from wardgate.storage.database import SqlStore

pytestmark = [pytest.mark.every_database, pytest.mark.spoils_database]

HEADERS = {"Authorization": "Bearer ${secret:TOKEN}", "X-Stage": "${STAGE}"}


def with_variables(name: str = "orders", *targets: str, headers: dict[str, str] | None = None) -> ApiEntry:
    """An API whose upstream is given by variables."""
    made = entry(name, plans=(), targets=targets or ("http://${UPSTREAM}:9000",))
    return replace(made, api=replace(made.api, upstream=replace(made.api.upstream, headers=headers or {})))


async def names(store: SqlStore) -> list[str]:
    """The environments in their order."""
    return [each.name for each in await use.list_environments(store)]


async def targets(store: SqlStore, environment: str) -> list[tuple[str, ...]]:
    """Where what is deployed there goes to."""
    async with store.reading() as tx:
        return [each.bound.upstream.targets for each in await tx.apis.deployed(environment)]


def trail(store: SqlStore) -> list[tuple[str, str, str]]:
    """Actions in the audit trail, with targets and environments."""
    return [
        tuple(row)
        for row in rows_of(store.data_dir, "SELECT action, target, environment FROM audit ORDER BY seq")
    ]


async def test_environments_are_added_ordered_marked_and_removed(store: SqlStore) -> None:
    """A new one comes last; any order that keeps production from the front is taken; an empty one can be removed."""
    added = await use.add(store.acting(local_actor("alice")), name="quality", tag="qa")
    assert added == Environment(name="quality", tag="qa", position=4, production=False)
    await use.reorder(store, ["development", "quality", "staging", "production"])
    assert await names(store) == ["development", "quality", "staging", "production"]
    await use.mark_production(store, "staging")
    assert [each.name for each in await use.list_environments(store) if each.production] == ["staging"]
    await use.remove(store, "quality")
    await use.remove(store, "production")
    assert [(each.name, each.position) for each in await use.list_environments(store)] == [
        ("development", 1),
        ("staging", 2),
    ]
    assert [action for action, _, _ in trail(store)] == [
        "environment.add",
        "environment.order",
        "environment.production",
        "environment.remove",
        "environment.remove",
    ]


async def test_an_environment_that_a_webhook_is_told_of_stays(store: SqlStore) -> None:
    """Without it the webhook would be told of every environment, or name what no document may."""
    made, _ = await webhooks.add(store, url="https://a.example/", environments=["staging"])
    with pytest.raises(ConflictError, match="staging holds 1 webhook"):
        await use.remove(store, "staging")
    await webhooks.change(store, made.id, environments=["production"])
    await use.remove(store, "staging")
    assert await names(store) == ["development", "production"]


@pytest.mark.parametrize(
    ("name", "tag", "code"),
    [
        ("Quality", "", "name_invalid"),
        ("q" * 33, "q", "name_invalid"),
        ("quality-assurance", "", "tag_invalid"),
        ("quality", "QA", "tag_invalid"),
        ("staging", "qa", "environment_exists"),
        ("quality", "stg", "environment_exists"),
    ],
)
async def test_a_name_or_tag_that_cannot_be_is_refused(
    store: SqlStore, name: str, tag: str, code: str
) -> None:
    """Names stand in addresses and tags in keys: both are short, plain and unique."""
    with pytest.raises(ControlError) as caught:
        await use.add(store, name=name, tag=tag)
    assert caught.value.code == code
    assert len(await names(store)) == 3


async def test_the_order_keeps_production_from_being_applied_to(store: SqlStore) -> None:
    """The first environment is applied to directly: it is not the one for production, and has nothing deployed before."""
    for wanted in (["production", "development", "staging"],):
        with pytest.raises(ConflictError) as caught:
            await use.reorder(store, wanted)
        assert caught.value.code == "production_first"
    with pytest.raises(ConflictError, match="development"):
        await use.mark_production(store, "development")
    with pytest.raises(InvalidError, match="every environment once"):
        await use.reorder(store, ["staging", "development"])
    async with store.writing() as tx:
        await deploy(tx, entry(plans=()), "staging")
    with pytest.raises(ConflictError) as caught:
        await use.reorder(store, ["staging", "development", "production"])
    assert caught.value.code == "environment_first"
    assert await names(store) == ["development", "staging", "production"]


async def test_one_that_is_in_use_stays(store: SqlStore) -> None:
    """What holds deployments, keys or subscriptions is not removed, and neither is the one for production."""
    await apply_document(store, orders(), "development", "test", "")
    await keys.issue(store, application="mobile", environment="staging")
    with pytest.raises(ConflictError, match="development holds 1 deployment, 1 subscription"):
        await use.remove(store, "development")
    with pytest.raises(ConflictError, match="staging holds 1 key"):
        await use.remove(store, "staging")
    with pytest.raises(ConflictError, match="is the one for production"):
        await use.remove(store, "production")
    with pytest.raises(NotFoundError):
        await use.remove(store, "qa")


async def test_a_variable_binds_what_is_deployed_anew(store: SqlStore) -> None:
    """Setting a variable changes what is served there, and there alone; whoever serves it is told of it."""
    with pytest.raises(BindingError) as caught:
        await apply_document(store, document([with_variables()]), "development", "test", "")
    assert caught.value.missing == "UPSTREAM"
    assert "orders/v1" in str(caught.value) and "upstream.targets[0]" in str(caught.value)
    assert "development" in str(caught.value)
    for environment, host in (("development", "one.example.com"), ("staging", "two.example.com")):
        await use.set_variable(store, environment, "UPSTREAM", host)
    await apply_document(
        store, document([with_variables(), entry("plain", plans=())]), "development", "test", ""
    )
    assert await targets(store, "development") == [
        ("http://one.example.com:9000",),
        ("http://127.0.0.1:9000",),
    ]
    before = len(feed_of(store.data_dir))
    await use.set_variable(store, "development", "UPSTREAM", "new.example.com")
    assert feed_of(store.data_dir, before) == [("api", "development orders/v1")]
    assert (await targets(store, "development"))[0] == ("http://new.example.com:9000",)
    async with store.reading() as tx:
        (revision,) = await tx.apis.revisions("orders/v1")
    assert revision.number == 1
    with pytest.raises(BindingError, match="no variable 'UPSTREAM'"):
        await use.unset_variable(store, "development", "UPSTREAM")
    with pytest.raises(BindingError, match="cannot be used"):
        await use.set_variable(store, "development", "UPSTREAM", "bad host")
    assert (await use.show(store, "development")).settings.variables == {"UPSTREAM": "new.example.com"}
    assert (await use.unset_variable(store, "staging", "UPSTREAM")).environment.settings.variables == {}


async def test_a_secret_is_written_and_never_read_back(store: SqlStore) -> None:
    """It is sealed where it lies, told of without its value, and cannot be taken from under an API that names it."""
    found = await use.set_secret(store, "development", "TOKEN", Secret("hunter2"), clock=lambda: 5.0)
    assert (found.name, found.updated_at) == ("TOKEN", 5.0)
    assert await use.secrets(store, "development") == [found]
    assert await use.secrets(store, "staging") == []
    sealed = rows_of(store.data_dir, "SELECT name, sealed, actor FROM environment_secrets")
    assert b"hunter2" not in bytes(sealed[0][1])
    assert "hunter2" not in str(rows_of(store.data_dir, "SELECT * FROM audit"))
    await use.set_variable(store, "development", "STAGE", "dev")
    api = with_variables("orders", "http://127.0.0.1:1", headers=HEADERS)
    await apply_document(store, document([api]), "development", "test", "")
    async with store.reading() as tx:
        deployment = await tx.apis.deployment("development", "orders/v1")
    assert deployment is not None
    assert deployment.bound.upstream.headers == {"Authorization": "Bearer ${secret:TOKEN}", "X-Stage": "dev"}
    with pytest.raises(BindingError) as caught:
        await use.remove_secret(store, "development", "TOKEN")
    assert caught.value.missing == "TOKEN"
    await apply_document(store, document(), "development", "test", "", prune=True)
    before = len(feed_of(store.data_dir))
    await use.remove_secret(store, "development", "TOKEN")
    await use.remove_secret(store, "development", "TOKEN")
    assert feed_of(store.data_dir, before) == [("environment", "development")]
    assert await use.secrets(store, "development") == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("1X", "v", "no name of a secret"),
        ("X", "", "empty"),
        ("X", "a\nb", "line breaks"),
        ("X", b"\xff", "no text"),
    ],
)
async def test_a_secret_that_cannot_be_is_refused(
    store: SqlStore, name: str, value: str | bytes, says: str
) -> None:
    """Names are those of variables, values one line of text; the error never repeats the value."""
    with pytest.raises(InvalidError, match=says):
        await use.set_secret(store, "development", name, Secret(value))


async def test_settings_are_changed_one_by_one(store: SqlStore) -> None:
    """What is not given stays; a plan's override and hosts reach whoever serves the environment."""
    await apply_document(store, orders(), "development", "test", "")
    lower = (Limit(kind="rate", amount=1, per="minute"),)
    before = len(feed_of(store.data_dir))
    await use.set_settings(
        store, "development", plans={"free": lower}, hosts=["dev.example.com", "[::1]:8080"]
    )
    assert feed_of(store.data_dir, before) == [("plan", "development free"), ("environment", "development")]
    done = await use.set_settings(
        store, "development", retention=Retention(rollups=1, audit=2), leaks="revoke"
    )
    assert done.waiting == ""
    settings = (await use.show(store, "development")).settings
    assert (settings.plans, settings.retention, settings.leaks) == (
        {"free": lower},
        Retention(rollups=1, audit=2),
        "revoke",
    )
    async with store.reading() as tx:
        assert await tx.plans.all("development") == {"free": FREE}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"hosts": ["Example.com"]}, "hosts_invalid"),
        ({"token_endpoint": "http://id.example.com"}, "token_endpoint_invalid"),
        ({"retention": Retention(rollups=0)}, "retention_invalid"),
        ({"leak_overlap": -1}, "leak_overlap_invalid"),
    ],
)
async def test_settings_that_cannot_be_are_refused(
    store: SqlStore, given: dict[str, object], code: str
) -> None:
    """Each setting is checked as in a document."""
    with pytest.raises(InvalidError) as caught:
        await use.set_settings(store, "development", **given)  # type: ignore[arg-type]
    assert caught.value.code == code


async def test_hosts_may_not_bring_two_apis_to_one_place(store: SqlStore) -> None:
    """An API without hosts of its own answers on the environment's: another with the same path there is in its way."""
    other = entry("other", plans=(), base_path="/orders/v1")
    named = replace(other, api=replace(other.api, hosts=("api.example.com",)))
    await apply_document(store, document([entry(plans=()), named]), "development", "test", "")
    with pytest.raises(ConflictError) as caught:
        await use.set_settings(store, "development", hosts=["api.example.com:8443"])
    assert caught.value.code == "mount_conflict"


async def test_who_may_not_changes_nothing(store: SqlStore) -> None:
    """Variables need environments.edit, secrets secrets.edit; seeing either needs no more than environments.view."""
    viewer = store.acting(
        Actor(
            kind="user", id="u", name="u", permissions=frozenset(("environments.view", "environments.edit"))
        )
    )
    assert len(await use.list_environments(viewer)) == 3
    await use.set_variable(viewer, "development", "X", "1")
    with pytest.raises(ForbiddenError, match=r"secrets\.edit"):
        await use.set_secret(viewer, "development", "X", Secret("1"))
