"""Providers that are added in an environment that is not the first: a second person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.control.operators.operating import as_user, person
from tests.identity.federation.foreign import ABROAD, House, make_house
from tests.web.admin_api.conftest import Visitors, services_of, visit, visitors

from wardgate.control import audit, promote
from wardgate.control.apply import apply_document
from wardgate.control.errors import ControlError
from wardgate.control.operators import grants, service_accounts, tokens
from wardgate.control.operators.authenticate import authenticate
from wardgate.domain.document import Document, EnvironmentEntry
from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderEntry
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.declared import DeclaredProviders
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database
__all__ = ("visit", "visitors")


@pytest.fixture
async def house(store: SqlStore) -> House:
    """A server, its provider to be added; Ann, Ben and Cid are owners."""
    for name in ("ann", "ben", "cid"):
        await person(store, name, "owner")
    return make_house(store)


async def of(house: House, name: str, environment: str = "staging") -> Server:
    """The server as it is to that person."""
    acting: Any = await as_user(house.server.store, name)  # type: ignore[arg-type]
    settings = replace(house.server.settings, environment=environment)
    return replace(house.server, store=acting, settings=settings)


async def add(house: House, name: str = "ann", environment: str = "staging") -> IdentityProvider:
    """Somebody adds it."""
    return await House.add(replace_server(house, await of(house, name, environment)), environment=environment)


def replace_server(house: House, server: Server) -> House:
    return House(server=server, foreign=house.foreign, clock=house.clock)


async def refused(house: House, name: str, code: str, reason: str = "agreed") -> None:
    with pytest.raises(ControlError) as caught:
        await manage_providers.restore(await of(house, name), "abroad", reason=reason)
    assert caught.value.code == code
    assert (await manage_providers.show(await of(house, "cid"), "abroad"))[0].status == "suspended"


async def test_one_that_is_added_elsewhere_waits(house: House, store: SqlStore) -> None:
    """Nobody signs in with it until another person, who may approve, restores it with a reason; then it is as any."""
    added = await add(house)
    assert (added.status, added.held_by) == ("suspended", ("usr_ann",))
    await refused(house, "ann", "second_person")
    await refused(house, "ben", "reason_invalid", " ")
    robot = replace(await of(house, "ben"), store=store.acting(replace((await actor(store)), kind="service")))
    with pytest.raises(ControlError, match="not a program"):
        await manage_providers.restore(robot, "abroad", reason="agreed")
    found = await manage_providers.restore(await of(house, "ben"), "abroad", reason="Staff may sign in")
    assert (found.status, found.held_by) == ("active", ())
    event = [each.event async for each in audit.export(store)][-1]
    assert (event.action, event.note, dict(event.before)) == (
        "provider.restore",
        "Staff may sign in",
        {"held_by": ["usr_ann"]},
    )
    await manage_providers.suspend(await of(house, "ann"), "abroad")
    assert (await manage_providers.restore(await of(house, "ann"), "abroad")).status == "active"


async def actor(store: SqlStore) -> Any:
    """Ben."""
    async with (await as_user(store, "ben")).reading() as tx:
        return tx.actor


async def test_it_takes_approving(house: House, store: SqlStore) -> None:
    """Who edits providers and approves nothing does not release it."""
    await add(house)
    ben = await actor(store)
    limited: Any = store.acting(replace(ben, permissions=ben.permissions - {"apis.approve"}))
    with pytest.raises(ControlError, match=r"apis\.approve") as caught:
        await manage_providers.restore(replace(house.server, store=limited), "abroad", reason="agreed")
    assert caught.value.code == "forbidden"


async def test_whoever_changes_what_is_held_is_no_second_person(house: House, store: SqlStore) -> None:
    """By a secret as by a document; suspending it once more changes nothing."""
    await add(house)
    await manage_providers.set_secret(await of(house, "ben"), "abroad", "another")
    await manage_providers.suspend(await of(house, "ben"), "abroad")
    for name in ("ann", "ben"):
        await refused(house, name, "second_person")
    entry = ProviderEntry(
        id="abroad", name="Other", preset="generic", issuer=ABROAD, client_id="wardgate-at-abroad"
    )
    wanted = Document(environments=(EnvironmentEntry(name="staging", identity_providers=(entry,)),))
    cid = await of(house, "cid")
    done = await apply_document(
        cid.store, wanted, "development", "cid", "", federation=DeclaredProviders(cid), clock=house.clock
    )  # fmt: skip
    assert done.waiting == ()
    found, _ = await manage_providers.show(cid, "abroad")
    assert (found.name, found.status, found.held_by) == (
        "Other",
        "suspended",
        ("usr_ann", "usr_ben", "usr_cid"),
    )
    await refused(house, "cid", "second_person")


async def test_what_a_second_person_approved_is_not_held_again(house: House) -> None:
    """A document's provider is there with the approval."""
    entry = ProviderEntry(
        id="abroad", name="Abroad", preset="generic", issuer=ABROAD, client_id="wardgate-at-abroad"
    )
    wanted = Document(environments=(EnvironmentEntry(name="staging", identity_providers=(entry,)),))
    ann, ben = await of(house, "ann"), await of(house, "ben")
    asked = await apply_document(
        ann.store, wanted, "development", "ann", "", federation=DeclaredProviders(ann), clock=house.clock
    )  # fmt: skip
    await promote.approve(
        ben.store, asked.waiting[0], reason="agreed", federation=DeclaredProviders(ben), clock=house.clock
    )  # fmt: skip
    found, _ = await manage_providers.show(ben, "abroad")
    assert (found.status, found.held_by) == ("active", ())


async def test_in_the_first_environment_it_is_there_at_once(house: House) -> None:
    """What is put there passes no gate."""
    added = await add(house, environment="development")
    assert (added.status, added.held_by) == ("active", ())


async def test_a_programs_token_makes_its_issuer_no_second_person(house: House, store: SqlStore) -> None:
    """Ann has the program add it, and would release it as herself."""
    await service_accounts.add_service_account(store, name="ci")
    await grants.grant(store, kind="service", name="ci", role="owner")
    clock = house.clock
    _, secret = await tokens.issue_token(await as_user(store, "ann"), name="x", service="ci", clock=clock)
    acting: Any = store.acting(await authenticate(store, secret.reveal().decode(), "192.0.2.7", clock()))
    await House.add(replace_server(house, replace(house.server, store=acting)), environment="staging")
    await refused(house, "ann", "second_person")
    found = await manage_providers.restore(await of(house, "ben"), "abroad", reason="agreed")
    assert found.status == "active"


async def test_over_the_admin_api(store: SqlStore, visitors: Visitors, visit: Any) -> None:
    """The answer says that it is held; restoring takes a reason and another person, whose refusal is a 409."""
    assert services_of(store)
    for each in ("owner", "admin"):
        await person(store, each)
    new = {
        "preset": "generic",
        "name": "Abroad",
        "client_id": "c",
        "issuer": "https://abroad.example",
        "environment": "staging",
    }
    owner: httpx2.AsyncClient = visit("owner")
    made = await owner.post("/providers", json=new)
    assert (made.status_code, made.json()["held"], made.json()["status"]) == (201, True, "suspended")
    path = "/providers/abroad:restore"
    own = await owner.post(path, json={"reason": "mine"}, headers={"If-Match": "*"})
    assert (own.status_code, own.json()["code"]) == (409, "second_person")
    silent = await visit("admin").post(path, json={}, headers={"If-Match": "*"})
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_invalid")
    done = await visit("admin").post(path, json={"reason": "agreed"}, headers={"If-Match": "*"})
    assert (done.status_code, done.json()["held"], done.json()["status"]) == (200, False, "active")
