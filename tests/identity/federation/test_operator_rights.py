"""What groups at an identity provider make of people here: members of groups, and operators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.identity.federation.foreign import House, make_house

from wardgate.control.errors import ForbiddenError, NotFoundError
from wardgate.control.operators import grants, projects
from wardgate.control.operators.holding import holdings_of
from wardgate.control.operators.owners import owners
from wardgate.domain.actor import Actor
from wardgate.domain.operator import Holdings
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT
from wardgate.identity.federation import manage_providers
from wardgate.storage.database import SqlStore

ISSUER = "https://login.abroad.example"


async def house_of(store: SqlStore, **settings: Any) -> House:
    """A house whose provider Abroad maps groups; there is a group ``staff`` and a project ``shop``."""
    house = make_house(store, ISSUER)
    async with house.server.store.writing() as tx:
        await tx.groups.put("staff", "", (), at=0.0)
    await projects.set_project(store, name="shop")
    await house.add("Abroad", preset="generic", issuer=ISSUER, settings={"create": True, **settings})
    return house


async def signed_in(house: House, *groups: str) -> str:
    """Signs the person in as one of ``groups``; the id of the user they are here."""
    house.foreign.claims |= {"groups": list(groups)}
    assert (await house.sign_in(house.browser(), "abroad")).status_code == 303
    async with house.server.store.reading() as tx:
        (user,) = await tx.users.list()
    return user.id


async def held(store: SqlStore, user: str) -> Holdings:
    """What the user may do as an operator."""
    async with store.reading() as tx:
        return await holdings_of(tx, "user", user)


async def test_groups_make_operators_and_unmake_them(store: SqlStore) -> None:
    """Each sign-in decides anew, everywhere and by project; the trail tells of what changed, once."""
    house = await house_of(store, operators={"ops": ["publisher", "access-manager@shop"]})
    user = await signed_in(house, "ops", "other")
    assert await held(store, user) == Holdings(
        permissions=BUILTIN_ROLES["publisher"],
        projects={"shop": BUILTIN_ROLES["access-manager"] & OF_PROJECT},
    )
    await signed_in(house, "ops")
    assert await signed_in(house, "other") == user
    assert await held(store, user) == Holdings()
    async with store.reading() as tx:
        told = [(each.event.action, each.actor_kind) for each in await tx.audit.page(0, 100)]
    assert told.count(("operator.grant", "system")) == 2
    assert told.count(("operator.withdraw", "system")) == 2


async def test_groups_abroad_are_groups_here(store: SqlStore) -> None:
    """Who is in a group by the provider's word holds what the group was granted, until the provider says otherwise."""
    house = await house_of(store, groups={"employees": ["staff"]})
    await grants.grant(store, kind="group", name="staff", role="viewer")
    user = await signed_in(house, "employees")
    assert (await held(store, user)).permissions == BUILTIN_ROLES["viewer"]
    async with store.reading() as tx:
        assert await tx.groups.of_user(user) == ("staff",)
    await signed_in(house)
    assert await held(store, user) == Holdings()


async def test_removing_the_provider_takes_what_it_gave(store: SqlStore) -> None:
    """Its operators are none any more, and what an operator granted by hand stays."""
    house = await house_of(store, operators={"ops": ["owner"]}, groups={"ops": ["staff"]})
    user = await signed_in(house, "ops")
    await grants.grant(store, kind="user", name=user, role="viewer")
    await manage_providers.remove(house.server, "abroad")
    assert (await held(store, user)).permissions == BUILTIN_ROLES["viewer"]
    async with store.reading() as tx:
        assert await tx.operators.groups_of(user) == frozenset()


async def test_an_owner_by_a_providers_word_is_not_the_last_owner(store: SqlStore) -> None:
    """The provider may take it back at any time, so somebody else must stay an owner."""
    house = await house_of(store, operators={"ops": ["owner"]})
    user = await signed_in(house, "ops")
    async with store.reading() as tx:
        assert user not in await owners(tx)


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        ({"operators": {"all": ["viewer"]}}, "operators.edit"),
        ({"operators": {"all": ["owner"]}}, "operators.edit"),
        ({"groups": {"all": ["bosses"]}}, "operators.edit"),
    ],
)
async def test_nobody_becomes_more_by_adding_a_provider(
    store: SqlStore, settings: dict[str, Any], lacks: str
) -> None:
    """An admin looks after providers and not after operators: their provider makes nobody one."""
    house = make_house(store, ISSUER)
    async with store.writing() as tx:
        await tx.groups.put("bosses", "", (), at=0.0)
    await grants.grant(store, kind="group", name="bosses", role="owner")
    admin = Actor(kind="user", id="usr_x", name="x", permissions=BUILTIN_ROLES["admin"])
    server = replace(house.server, store=store.acting(admin))
    with pytest.raises(ForbiddenError) as error:
        await manage_providers.add(
            server, preset="generic", name="Mine", client_id="c", secret="s", issuer=ISSUER, settings=settings
        )
    assert error.value.permission == lacks


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"operators": {"all": ["boss"]}}, "role_not_found"),
        ({"operators": {"all": ["viewer@nowhere"]}}, "project_not_found"),
        ({"groups": {"all": ["nobody"]}}, "group_not_found"),
    ],
)
async def test_a_mapping_names_what_there_is(store: SqlStore, settings: dict[str, Any], code: str) -> None:
    """Adding a provider tells of roles, projects and groups that are not there."""
    with pytest.raises(NotFoundError) as error:
        await house_of(store, **settings)
    assert error.value.code == code
