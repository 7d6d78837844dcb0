"""Legacy grants and clients that stop proving who they are, in an environment that is not the first: a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.control.operators.operating import person as account
from tests.identity.front import CALLBACK

from wardgate.control import applications, audit
from wardgate.control.errors import ConflictError, ForbiddenError, InvalidError
from wardgate.domain.actor import Actor
from wardgate.domain.oauth import Client
from wardgate.domain.permission import BUILTIN_ROLES
from wardgate.identity import manage_clients
from wardgate.storage.database import SqlStore

CODE: dict[str, Any] = {"grant_types": ("authorization_code",), "redirect_uris": (CALLBACK,)}
IMPLICIT: dict[str, Any] = {
    "grant_types": ("implicit",),
    "redirect_uris": (CALLBACK,),
    "authentication": "none",
}
PASSWORD: dict[str, Any] = {"grant_types": ("password",), "redirect_uris": ()}
PUBLIC: dict[str, Any] = {"authentication": "none"}


def person(name: str, role: str = "admin", kind: Any = "user") -> Actor:
    """Somebody of that role."""
    return Actor(kind=kind, id=f"usr_{name}", name=name, permissions=BUILTIN_ROLES[role])


ADA, BEN = person("ada"), person("ben")


async def add(
    store: SqlStore, settings: Mapping[str, Any], environment: str = "staging", actor: Actor = ADA
) -> Client:
    """A client that ``actor`` adds to ``shop``."""
    client, _ = await manage_clients.add(
        store.acting(actor), application="shop", environment=environment, settings=settings
    )
    return client


@pytest.fixture
async def shop(store: SqlStore) -> SqlStore:
    """A store with the application ``shop``, and accounts of those who ask and agree."""
    for each in (ADA, BEN):
        await account(store, each.name)
    await applications.add(store, name="shop")
    return store


@pytest.mark.parametrize("settings", [IMPLICIT, PASSWORD])
async def test_a_client_with_a_legacy_grant_waits_for_a_second_person(
    shop: SqlStore, settings: dict[str, Any]
) -> None:
    """It is suspended; who added it cannot restore it, nor a program, nor without a reason; another person can."""
    client = await add(shop, settings)
    assert (client.status, client.held_by) == ("suspended", ("usr_ada",))
    for actor, reason, refusal in (
        (ADA, "needed", ConflictError),
        (person("robot", kind="service"), "needed", ConflictError),
        (person("olga", "auditor"), "needed", ForbiddenError),
        (BEN, " ", InvalidError),
    ):
        with pytest.raises(refusal):
            await manage_clients.restore(shop.acting(actor), client.id, reason=reason)
    assert (await manage_clients.show(shop, client.id)).client == client
    restored = await manage_clients.restore(shop.acting(BEN), client.id, reason="The old terminal needs it")
    assert (restored.status, restored.held_by) == ("active", ())
    trail = [each async for each in audit.export(shop)][-1]
    assert (trail.event.action, trail.event.note) == ("client.restore", "The old terminal needs it")
    assert dict(trail.event.before) == {"held_by": ["usr_ada"], "status": "suspended"}


@pytest.mark.parametrize(
    ("gain", "says"),
    [
        (PASSWORD, "the legacy grant password"),
        (IMPLICIT | {"grant_types": ("authorization_code", "implicit")}, "the legacy grant implicit"),
        (PUBLIC, "would prove by nothing who it is"),
    ],
)
async def test_a_client_in_use_is_not_weakened_by_one_person(
    shop: SqlStore, gain: dict[str, Any], says: str
) -> None:
    """Refused, with what to do; suspended first, it is changed and waits."""
    client = await add(shop, CODE)
    assert client.status == "active"
    with pytest.raises(ConflictError, match=says) as caught:
        await manage_clients.update(shop.acting(ADA), client.id, gain)
    assert caught.value.code == "client_weakened"
    assert "suspend" in caught.value.remedy
    await manage_clients.suspend(shop.acting(ADA), client.id)
    changed, _ = await manage_clients.update(shop.acting(ADA), client.id, gain)
    assert changed.held_by == ("usr_ada",)
    with pytest.raises(ConflictError):
        await manage_clients.restore(shop.acting(ADA), client.id, reason="mine")
    assert (await manage_clients.restore(shop.acting(BEN), client.id, reason="agreed")).status == "active"


async def test_whoever_changes_what_is_held_is_no_second_person(shop: SqlStore) -> None:
    """Also where their own change weakens nothing: one of the two would know of all of it alone."""
    client = await add(shop, IMPLICIT)
    await manage_clients.update(shop.acting(BEN), client.id, {"redirect_uris": ("https://b.example/cb",)})
    for actor in (ADA, BEN):
        with pytest.raises(ConflictError, match="somebody else must approve"):
            await manage_clients.restore(shop.acting(actor), client.id, reason="mine")
    assert (
        await manage_clients.restore(shop.acting(person("cy")), client.id, reason="ok")
    ).status == "active"


async def test_nothing_waits_in_the_first_environment_nor_without_need(shop: SqlStore) -> None:
    """There, legacy grants are at once; elsewhere so are new public clients, and changes that weaken nothing."""
    first = await add(shop, IMPLICIT, "development")
    assert (first.status, first.held_by) == ("active", ())
    public = await add(shop, CODE | PUBLIC)
    assert public.status == "active"
    renamed, _ = await manage_clients.update(shop.acting(ADA), public.id, {"name": "Shop"})
    assert renamed.status == "active"
    held = await add(shop, PASSWORD)
    agreed = await manage_clients.restore(shop.acting(BEN), held.id, reason="ok")
    kept, _ = await manage_clients.update(shop.acting(ADA), agreed.id, {"name": "Terminal"})
    assert (kept.status, kept.held_by) == ("active", ())


async def test_who_holds_it_cannot_be_set(shop: SqlStore) -> None:
    """It is no setting of a client."""
    client = await add(shop, PASSWORD)
    with pytest.raises(InvalidError, match="held_by"):
        await manage_clients.update(shop.acting(ADA), client.id, {"held_by": ()})
