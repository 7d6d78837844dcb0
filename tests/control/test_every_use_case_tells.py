"""No use case changes anything that the audit trail does not tell of."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from tests.control.operators.test_every_use_case_asks import USE_CASES
from tests.storage.samples import orders

from wardgate.control import applications, audit, keys
from wardgate.control.apply import AroundRoles, apply_document
from wardgate.domain.document import Document
from wardgate.domain.people import Role
from wardgate.domain.settings import ServerSettings
from wardgate.identity import manage_clients, manage_tokens
from wardgate.identity.federation import manage_providers
from wardgate.identity.people import manage_roles, manage_users
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore
from wardgate.web.identity_server import build_server

#: What writes and does not tell, and why.
SILENT = {
    "wardgate.control.operators.authenticate.authenticate": "that a token was used is noted with the token",
    "wardgate.control.leaks.report": "what is noted is told of when it is dealt with",
}


def codes(function: Callable[..., Any]) -> Iterator[types.CodeType]:
    """The code of a function and of those within it."""
    found = [inspect.unwrap(function).__code__]
    while found:
        code = found.pop()
        yield code
        found += [each for each in code.co_consts if isinstance(each, types.CodeType)]


def names_reached(function: Callable[..., Any], seen: set[Callable[..., Any]]) -> set[str]:
    """Every name used by ``function`` and by functions of ours that it may call."""
    plain = inspect.unwrap(function)
    if plain in seen or not isinstance(plain, types.FunctionType):
        return set()
    seen.add(plain)
    names: set[str] = set()
    for code in codes(plain):
        names |= set(code.co_names)
    for name in list(names):
        found = plain.__globals__.get(name)
        if isinstance(found, types.ModuleType):
            called = [getattr(found, each, None) for each in names]
        else:
            called = [found]
        for each in called:
            if inspect.isroutine(each) and getattr(each, "__module__", "").startswith("wardgate."):
                names |= names_reached(each, seen)
    return names


@pytest.mark.parametrize("name", sorted(USE_CASES.keys() - SILENT.keys()))
def test_a_use_case_that_writes_tells(name: str) -> None:
    """Whoever opens a writing transaction also records something; found in the code, so that none is forgotten."""
    names = names_reached(USE_CASES[name], set())
    assert "writing" not in names or {"audit", "record"} <= names


def test_the_search_tells_them_apart() -> None:
    """Some write and some do not, or the test above would be content with everything."""
    writing = {name for name in USE_CASES if "writing" in names_reached(USE_CASES[name], set())}
    assert "wardgate.control.keys.issue" in writing
    assert "wardgate.identity.people.manage_users.reset" in writing
    assert "wardgate.control.keys.list_keys" not in writing
    assert SILENT.keys() <= writing


@pytest.fixture
def server(store: SqlStore) -> Server:
    """An authorization server on the store."""
    return build_server(ServerSettings(data_dir=str(store.data_dir), issuer="https://id.example.com"), store)


async def test_each_change_leaves_exactly_its_events(store: SqlStore, server: Server) -> None:
    """What operators do, one thing after the other: each leaves the events it should, in its transaction, and no more;
    doing nothing leaves none."""
    told = 0

    async def leaves(*expected: str) -> None:
        nonlocal told
        fresh = [each async for each in audit.export(store, after=told)]
        assert sorted(each.event.action for each in fresh) == sorted(expected)
        assert all(each.event.outcome == "done" and each.event.target for each in fresh)
        told += len(fresh)

    await apply_document(store, orders(), "development", "test", "")
    await leaves("api.apply", "plan.set", "application.add", "subscription.set")
    await apply_document(store, orders(), "development", "test", "")
    await leaves()
    document = Document(roles=(Role(name="clerk", scopes=("orders",)),))
    await apply_document(
        store, document, "development", "test", "", around_roles=cast(AroundRoles, manage_roles.narrowing)
    )
    await leaves("role.set")
    await applications.add(store, name="other")
    await leaves("application.add")
    await applications.suspend(store, "other")
    await applications.suspend(store, "other")
    await leaves("application.suspend")
    await applications.restore(store, "other")
    await leaves("application.restore")
    credential, _ = await keys.issue(store, application="other", environment="development")
    await leaves("key.issue")
    successor, _ = await keys.rotate(store, credential.id, overlap=60)
    await leaves("key.rotate")
    await keys.revoke(store, successor.id)
    await keys.revoke(store, successor.id)
    await leaves("key.revoke")
    settings = {"grant_types": ("client_credentials",), "scopes": ("orders",)}
    client, _ = await manage_clients.add(
        store, application="other", environment="development", settings=settings
    )
    await leaves("client.add")
    await manage_clients.update(store, client.id, {"name": "Other"})
    await leaves("client.set")
    await manage_clients.rotate_secret(store, client.id, overlap=0)
    await leaves("client.rotate_secret")
    await manage_clients.suspend(store, client.id)
    await manage_clients.suspend(store, client.id)
    await leaves("client.suspend")
    await manage_clients.restore(store, client.id)
    await leaves("client.restore")
    await manage_tokens.revoke(server, "client", client.id)
    await leaves("token.revoke")
    await manage_clients.registration_token(store, environment="development", application="other")
    await leaves("client.permit")
    await manage_clients.remove(store, client.id)
    await leaves("client.remove")
    await manage_users.add(server, name="ada", email="ada@example.com", roles=["clerk"])
    await leaves("user.add")
    await manage_users.set_roles(server, "ada", [])
    await leaves("user.set_roles")
    await manage_users.reset(server, "ada", factors=True)
    await leaves("user.reset")
    await manage_users.outbox(server)
    await leaves("secret.show")
    await manage_users.suspend(server, "ada")
    await manage_users.restore(server, "ada")
    await leaves("user.suspend", "user.restore")
    await manage_users.remove(server, "ada")
    await leaves("user.remove")
    await manage_roles.put_role(server, "clerk", ["orders", "items"])
    await manage_roles.remove_role(server, "clerk", open_scopes=True)
    await leaves("role.set", "role.remove")
    provider = await manage_providers.add(
        server,
        preset="generic",
        name="Other",
        issuer="https://other.example.com",
        client_id="x",
        secret="hunter2",
    )
    await manage_providers.set_secret(server, provider.id, "hunter3")
    await manage_providers.suspend(server, provider.id)
    await manage_providers.restore(server, provider.id)
    await manage_providers.remove(server, provider.id)
    await leaves(*(f"provider.{verb}" for verb in ("add", "set_secret", "suspend", "restore", "remove")))
    everything = repr([each async for each in audit.export(store)])
    assert "hunter" not in everything
    assert "ada@example.com" not in everything
    assert (await audit.verify(store)).intact
