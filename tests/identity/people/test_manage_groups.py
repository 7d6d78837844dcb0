"""Groups: who is in one holds its roles, and no longer than that; ACLs hear of it through the feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.identity import front
from tests.identity.people.house import House
from tests.identity.people.test_people_applications import grant_to, token_of
from tests.storage.samples import feed_of, source_of

from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from wardgate.control.operators.grants import grant
from wardgate.domain.actor import Actor
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.identity.people import manage_groups, manage_roles, manage_users
from wardgate.identity.scopes import for_user
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore
from wardgate.storage.reader import SqliteSource


@pytest.fixture
def worker(store: SqlStore) -> Iterator[SqliteSource]:
    """What a gateway worker reads of the store."""
    source = source_of(store)
    yield source
    source.close()


def acting(house: House, *permissions: str) -> Server:
    """The server as somebody uses it who may do exactly that."""
    who = Actor(kind="user", id="usr_op", name="op", permissions=frozenset(permissions))  # type: ignore[arg-type]
    return replace(house.server, store=house.server.store.acting(who))


async def test_members_hold_the_roles_of_a_group(house: House, worker: SqliteSource) -> None:
    """Scopes and roles of what a person grants come through the group, and gateways know the groups."""
    await manage_roles.put_role(house.server, "boss", ["boss.act"])
    user = await house.user()
    await manage_groups.set_group(house.server, "leads", description="Team leads", roles=["boss"])
    assert worker.groups_of(user.id) == ()
    record = await manage_groups.add_members(house.server, "leads", users=["ada"])
    assert (record.users, record.group.roles, record.group.description) == (("ada",), ("boss",), "Team leads")
    async with house.server.store.reading() as tx:
        assert await for_user(tx, user.id, ["boss.act", "openid"]) == (("boss.act", "openid"), ("boss",))
    assert worker.groups_of(user.id) == ("leads",)
    assert ("subject", user.id) in feed_of(house.server.store.data_dir)
    assert (await manage_users.show(house.server, "ada")).roles == ("boss",)


@pytest.mark.parametrize("how", ["leave", "remove", "strip", "role"])
async def test_whoever_loses_a_group_loses_its_tokens(house: House, worker: SqliteSource, how: str) -> None:
    """Leaving the group, its end, and the end of its role take back access tokens issued before, others' stay; what is
    issued afterwards is taken."""
    await manage_roles.put_role(house.server, "boss", ["boss.act"])
    ada, bob = await house.user("ada"), await house.user("bob")
    client = await front.add_client(house.server, name="Shop", application="shop")
    await manage_groups.set_group(house.server, "leads", roles=["boss"])
    await manage_groups.add_members(house.server, "leads", users=["ada"])
    mine, other = await grant_to(house, client, ada, "boss.act"), await grant_to(house, client, bob, "openid")
    token, bobs = token_of(house, mine), token_of(house, other)
    house.clock.now += 0.01
    assert not worker.revoked(token, client.application)
    if how == "leave":
        await manage_groups.remove_members(house.server, "leads", users=["ada"])
    elif how == "remove":
        await manage_groups.remove_group(house.server, "leads")
    elif how == "strip":
        await manage_groups.set_group(house.server, "leads")
    else:
        await manage_roles.remove_role(house.server, "boss", open_scopes=True)
    assert worker.revoked(token, client.application)
    assert not worker.revoked(bobs, client.application)
    house.clock.now += 0.01
    assert not worker.revoked(token_of(house, mine), client.application)
    async with house.server.store.reading() as tx:
        assert await tx.users.roles(ada.id) == ()


async def test_a_role_held_twice_stays(house: House, worker: SqliteSource) -> None:
    """Who holds the role besides loses nothing with the group."""
    await manage_roles.put_role(house.server, "boss", ["boss.act"])
    ada = await house.user("ada")
    client = await front.add_client(house.server, name="Shop", application="shop")
    await manage_groups.set_group(house.server, "leads", roles=["boss"])
    await manage_groups.add_members(house.server, "leads", users=["ada"])
    await manage_users.set_roles(house.server, "ada", ["boss"])
    token = token_of(house, await grant_to(house, client, ada, "boss.act"))
    house.clock.now += 0.01
    await manage_groups.remove_members(house.server, "leads", users=[ada.id])
    assert not worker.revoked(token, client.application)


async def test_applications_are_members_too(house: House, worker: SqliteSource) -> None:
    """An application's groups, and the roles they give it, are read with it."""
    await manage_roles.put_role(house.server, "batch", ["batch.run"])
    await front.add_client(house.server, name="Shop", application="shop")
    await manage_groups.set_group(house.server, "partners", roles=["batch"])
    record = await manage_groups.set_members(house.server, "partners", applications=["shop"])
    assert record.applications == ("shop",)
    application_id = worker.application_named("shop")
    assert application_id is not None
    assert worker.changed()
    consumer = worker.consumer(application_id)
    assert consumer is not None
    assert (consumer[0].groups, consumer[0].roles) == (("partners",), ("batch",))
    await manage_groups.set_group(house.server, "partners")
    assert worker.changed()
    consumer = worker.consumer(application_id)
    assert consumer is not None
    assert (consumer[0].groups, consumer[0].roles) == (("partners",), ())


async def test_nobody_joins_what_is_above_them(house: House) -> None:
    """Who may not do what a group of operators may does not put people in it, nor delete it."""
    await house.user("ada")
    await manage_groups.set_group(house.server, "root")
    await grant(house.server.store, kind="group", name="root", role="owner")
    admin = acting(house, *BUILTIN_ROLES["admin"])
    with pytest.raises(ForbiddenError, match=r"operators\.edit"):
        await manage_groups.add_members(admin, "root", users=["ada"])
    with pytest.raises(ForbiddenError, match=r"operators\.edit"):
        await manage_groups.remove_group(admin, "root")
    await manage_groups.add_members(house.server, "root", users=["ada"])
    with pytest.raises(ConflictError) as caught:
        await manage_groups.remove_members(house.server, "root", users=["ada"])
    assert caught.value.code == "last_owner"
    with pytest.raises(ConflictError) as caught:
        await manage_groups.remove_group(house.server, "root")
    assert caught.value.code == "last_owner"


async def test_what_is_wrong_is_named(house: House) -> None:
    """Names, roles, members and permissions are checked."""
    with pytest.raises(InvalidError) as caught:
        await manage_groups.set_group(house.server, "a group")
    assert caught.value.code == "group_invalid"
    with pytest.raises(NotFoundError) as missing:
        await manage_groups.set_group(house.server, "leads", roles=["boss"])
    assert missing.value.code == "role_not_found"
    await manage_groups.set_group(house.server, "leads")
    for members, code in (({"users": ["eve"]}, "user"), ({"applications": ["x"]}, "application")):
        with pytest.raises(NotFoundError) as missing:
            await manage_groups.add_members(house.server, "leads", **members)
        assert missing.value.code == f"{code}_not_found"
    with pytest.raises(NotFoundError) as missing:
        await manage_groups.show_group(house.server, "none")
    assert missing.value.code == "group_not_found"
    viewer = acting(house, "people.view")
    assert [each.group.name for each in await manage_groups.list_groups(viewer)] == ["leads"]
    with pytest.raises(ForbiddenError):
        await manage_groups.set_group(viewer, "more")
    with pytest.raises(ForbiddenError):
        await manage_groups.list_groups(acting(house, "apis.view"))


async def test_a_removed_user_is_in_no_group(house: House, worker: SqliteSource) -> None:
    """Membership ends with the account."""
    user = await house.user()
    await manage_groups.set_group(house.server, "leads")
    await manage_groups.add_members(house.server, "leads", users=["ada"])
    await manage_users.remove(house.server, "ada")
    assert (await manage_groups.show_group(house.server, "leads")).users == ()
    assert worker.groups_of(user.id) == ()
