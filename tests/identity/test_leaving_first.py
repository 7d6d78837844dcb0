"""An environment that was the first and is no longer: what was put there past the gate is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.control.operators.operating import as_user, person
from tests.identity.federation.foreign import ABROAD, House, make_house
from tests.identity.front import CALLBACK

from wardgate.control import applications, audit, environments
from wardgate.control.apply import ApplyResult, apply_document
from wardgate.control.errors import ConflictError, ControlError
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.provider import ProviderEntry
from wardgate.identity import manage_clients
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.declared import DeclaredProviders
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

pytestmark = [pytest.mark.every_database, pytest.mark.spoils_database]
USUAL = ("development", "staging", "production")
ENTRY = ProviderEntry(id="abroad", name="Abroad", preset="generic", issuer=ABROAD, client_id="c")


@pytest.fixture
async def house(store: SqlStore) -> House:
    """Ann, Ben and Cid are owners; ``qa`` is the first environment, and was added for that."""
    for name in ("ann", "ben", "cid"):
        await person(store, name, "owner")
    await applications.add(store, name="shop")
    await environments.add(store, name="qa")
    await environments.reorder(store, ["qa", *USUAL])
    return make_house(store)


async def of(house: House, name: str) -> Server:
    """The server as it is to that person, in qa."""
    acting: Any = await as_user(house.server.store, name)  # type: ignore[arg-type]
    settings = replace(house.server.settings, environment="qa")
    return replace(house.server, store=acting, settings=settings)


async def provider(house: House) -> tuple[str, str]:
    """Ann adds a provider to qa: its kind and id."""
    there = House(server=await of(house, "ann"), foreign=house.foreign, clock=house.clock)
    await House.add(there, environment="qa")
    return "idp", "abroad"


async def client(house: House) -> tuple[str, str]:
    """Ann adds a client with a legacy grant to qa."""
    made, _ = await manage_clients.add(
        (await of(house, "ann")).store,
        application="shop",
        environment="qa",
        settings={"grant_types": ("implicit",), "redirect_uris": (CALLBACK,), "authentication": "none"},
        clock=house.clock,
    )
    return "client", made.id


async def by_order(house: House, name: str) -> None:
    """Somebody moves qa to the end."""
    await environments.reorder((await of(house, name)).store, [*USUAL, "qa"], clock=house.clock)


async def by_document(house: House, name: str) -> None:
    """The same with a document."""
    await put(house, name, *(EnvironmentEntry(name=each) for each in (*USUAL, "qa")))


async def by_another(house: House, name: str) -> None:
    """A new one is put first with a document."""
    await put(house, name, *(EnvironmentEntry(name=each) for each in ("lab", "qa", *USUAL)))


async def put(house: House, name: str, *entries: EnvironmentEntry) -> ApplyResult:
    server = await of(house, name)
    return await apply_document(
        server.store,
        Document(environments=entries),
        "development",
        name,
        "",
        federation=DeclaredProviders(server),
        clock=house.clock,
    )


async def suspend(house: House, name: str, kind: str, id_: str) -> None:
    server = await of(house, name)
    if kind == "idp":
        await manage_providers.suspend(server, id_)
    else:
        await manage_clients.suspend(server.store, id_, clock=house.clock)


async def restore(house: House, name: str, kind: str, id_: str) -> tuple[str, tuple[str, ...]]:
    """Its status afterwards, and who holds it."""
    server = await of(house, name)
    found: Any
    if kind == "idp":
        found = await manage_providers.restore(server, id_, reason="agreed")
    else:
        found = await manage_clients.restore(server.store, id_, reason="agreed", clock=house.clock)
    return found.status, found.held_by


async def first(house: House) -> str:
    return (await environments.list_environments(house.server.store))[0].name


Made = Callable[[House], Awaitable[tuple[str, str]]]
Way = Callable[[House, str], Awaitable[None]]


@pytest.mark.parametrize("way", [by_order, by_document, by_another])
@pytest.mark.parametrize("made", [provider, client])
async def test_what_passed_no_gate_is_held_elsewhere(house: House, made: Made, way: Way) -> None:
    """In use it keeps the order; suspended it is held by who made it and who moved it, and a third person restores it."""
    kind, id_ = await made(house)
    with pytest.raises(ConflictError, match=id_) as caught:
        await way(house, "ben")
    assert caught.value.code == "environment_ungated"
    assert "suspend" in caught.value.remedy
    assert await first(house) == "qa"
    await suspend(house, "ann", kind, id_)
    await way(house, "ben")
    assert await first(house) != "qa"
    for name in ("ann", "ben"):
        with pytest.raises(ControlError) as refused:
            await restore(house, name, kind, id_)
        assert refused.value.code == "second_person"
    events = [each.event async for each in audit.export(house.server.store)]
    (event,) = [each for each in events if each.action in ("provider.hold", "client.hold")]
    assert (event.target, event.environment, event.after) == (id_, "qa", {"held_by": ["usr_ann", "usr_ben"]})
    assert await restore(house, "cid", kind, id_) == ("active", ())


@pytest.mark.parametrize("made", [provider, client])
async def test_what_is_held_stays_so_in_the_first_environment(house: House, made: Made) -> None:
    """Whoever brings it to the first place does not restore it there; nor does what they restored before go back."""
    kind, id_ = await made(house)
    await suspend(house, "ann", kind, id_)
    await by_order(house, "ann")
    await environments.reorder((await of(house, "ann")).store, ["qa", *USUAL])
    with pytest.raises(ControlError) as refused:
        await restore(house, "ann", kind, id_)
    assert refused.value.code == "second_person"
    await restore(house, "ben", kind, id_)
    with pytest.raises(ConflictError) as caught:
        await by_order(house, "ann")
    assert caught.value.code == "environment_ungated"


@pytest.mark.parametrize("made", [provider, client])
async def test_what_is_held_stays_so_when_those_before_are_removed(house: House, made: Made) -> None:
    """Then it stands in the first environment, and takes another person all the same."""
    await by_order(house, "ann")
    await environments.reorder(house.server.store, ["development", "qa", "staging", "production"])
    kind, id_ = await made(house)
    if kind == "client":
        found = (await manage_clients.show(house.server.store, id_)).client
        assert found.held_by == ("usr_ann",)
    await environments.remove((await of(house, "ann")).store, "development")
    assert await first(house) == "qa"
    with pytest.raises(ControlError) as refused:
        await restore(house, "ann", kind, id_)
    assert refused.value.code == "second_person"
    await environments.reorder((await of(house, "ben")).store, ["staging", "qa", "production"])
    with pytest.raises(ControlError) as refused:
        await restore(house, "ben", kind, id_)
    assert refused.value.code == "second_person"
    assert (await restore(house, "cid", kind, id_))[0] == "active"


async def test_a_document_does_not_add_and_move_at_once(house: House) -> None:
    """What is first before and not after has the gate of what it is after; and the other way round."""
    last = EnvironmentEntry(name="qa", identity_providers=(ENTRY,))
    asked = await put(house, "ann", *(EnvironmentEntry(name=each) for each in USUAL), last)
    assert len(asked.waiting) == 1
    assert await manage_providers.list_providers(await of(house, "ann")) == []
    again = EnvironmentEntry(name="qa", identity_providers=(replace(ENTRY, id="other", name="Other"),))
    done = await put(house, "ann", again, *(EnvironmentEntry(name=each) for each in USUAL))
    assert done.waiting == ()
    (found,) = await manage_providers.list_providers(await of(house, "ann"))
    assert (found.id, found.status) == ("other", "active")


async def test_nothing_else_keeps_the_order(house: House) -> None:
    """A client without a legacy grant moves along, in use."""
    made, _ = await manage_clients.add(
        (await of(house, "ann")).store,
        application="shop",
        environment="qa",
        settings={"grant_types": ("authorization_code",), "redirect_uris": (CALLBACK,)},
    )
    await by_order(house, "ann")
    assert (await manage_clients.show(house.server.store, made.id)).client == made
