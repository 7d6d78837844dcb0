"""Who may do what by the admin API, over HTTP with tokens that were issued: each operation there is, by each role."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import pytest
import uvicorn
from tests.control.operators.operating import as_user, person
from tests.web.admin_api.conftest import services_of

from wardgate.control.operators import grants, projects, roles, tokens
from wardgate.control.operators.authenticate import authenticate
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT, PERMISSIONS, Permission
from wardgate.identity.operator_tokens import signed_on
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.actor import BearerActors
from wardgate.web.admin_api.app import admin_app
from wardgate.web.admin_api.operations import Operation
from wardgate.web.admin_api.rooms import ROOMS, operations_of

OPERATIONS = operations_of(ROOMS)
#: One actor for each built-in role, one for a custom role, and one who is an owner in a project only.
CUSTOM: frozenset[Permission] = frozenset(("webhooks.edit", "keys.revoke"))
ACTORS: dict[str, frozenset[Permission]] = {
    **BUILTIN_ROLES,
    "custom": CUSTOM,
    "project-owner": BUILTIN_ROLES["owner"] & OF_PROJECT,
}
#: What the owner of a project is refused though its permission can be held in one: it concerns all of them, or the one
#: that the path names, which is not theirs.
NOT_THEIRS = frozenset(("show_top", "show_project"))


@asynccontextmanager
async def serving(store: SqlStore) -> AsyncIterator[str]:
    """The admin API on a port of its own; where it is."""
    services = services_of(store)
    who = BearerActors(store, partial(authenticate, signed_on=signed_on(services.identity())), services.clock)
    config = uvicorn.Config(
        admin_app(services, who), port=0, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/admin/v1"
    finally:
        server.should_exit = True
        await task


async def token_of(store: SqlStore, actor: str) -> str:
    """The token of somebody who holds what ``actor`` is called by."""
    if actor == "custom":
        await roles.set_role(store, name="custom", permissions=CUSTOM)
    if actor == "project-owner":
        await projects.set_project(store, name="shop")
        await person(store, actor, "owner", projects=["shop"])
    else:
        await person(store, actor, actor)
    _, secret = await tokens.issue_token(await as_user(store, actor), name="matrix")
    return secret.reveal().decode()


def path_of(operation: Operation) -> str:
    """The path with something in it that there is not."""
    return re.sub(r"\{([a-z_]+)\}", "nothing-of-this-name", operation.path)


async def ask(client: httpx2.AsyncClient, operation: Operation) -> httpx2.Response:
    """Asks for the operation, with a body that says nothing."""
    body = None if operation.method in ("GET", "DELETE") else b"{}"
    headers = {} if body is None else {"content-type": "application/json"}
    return await client.request(operation.method, path_of(operation), content=body, headers=headers)


@pytest.mark.parametrize("actor", ACTORS)
async def test_an_operation_is_open_to_who_holds_its_permission_alone(store: SqlStore, actor: str) -> None:
    """Every operation, by this actor: refused for want of the permission that is declared, or not refused for that."""
    token = await token_of(store, actor)
    wrong: list[str] = []
    async with (
        serving(store) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as client,
    ):
        for operation in OPERATIONS:
            allowed = operation.permission == "self" or operation.permission in ACTORS[actor]
            answer = await ask(client, operation)
            if allowed and actor == "project-owner" and operation.id in NOT_THEIRS:
                allowed = False
            if allowed and (answer.status_code in (401, 403) or answer.status_code >= 500):
                wrong.append(f"{operation.id}: {answer.status_code} to {actor}: {answer.text}")
            elif not allowed:
                said = answer.json() if answer.status_code == 403 else {}
                if said.get("code") != "forbidden" or operation.permission not in said.get("detail", ""):
                    wrong.append(f"{operation.id}: {answer.status_code} to {actor}: {answer.text}")
    assert wrong == [], "\n".join(wrong)


async def test_nothing_is_reachable_without_a_good_token(store: SqlStore) -> None:
    """Neither without any, nor with a forged one, nor with one in a cookie or in the query."""
    good = await token_of(store, "owner")
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    wrong: list[str] = []
    async with serving(store) as url, httpx2.AsyncClient(base_url=url, cookies={"token": good}) as client:
        for operation in OPERATIONS:
            answer = await ask(client, operation)
            if answer.status_code != 401 or not answer.headers["www-authenticate"].startswith("Bearer"):
                wrong.append(f"{operation.id}: {answer.status_code}")
        for query in ({"access_token": good}, {"token": good}):
            assert (await client.get("/me", params=query)).status_code == 401
        for bearer in (f"Bearer {forged}", f"Basic {good}", good, f"Bearer {good} x", "Bearer"):
            assert (await client.get("/me", headers={"authorization": bearer})).status_code == 401
        assert (await client.get("/me", headers={"authorization": f"Bearer {good}"})).status_code == 200
    assert wrong == []


async def test_every_permission_is_known_and_every_room_is_tried() -> None:
    """What the matrix above is made from is not empty, and declares nothing that nobody could hold."""
    assert {operation.permission for operation in OPERATIONS} <= {*PERMISSIONS, "self"}
    assert {operation.id for operation in OPERATIONS} >= {"issue_key", "grant_operator", "show_me"}
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


async def test_a_role_taken_closes_the_api_to_its_token_at_once(store: SqlStore) -> None:
    """The next request with the same token is refused, on the same connection."""
    token = await token_of(store, "publisher")
    async with (
        serving(store) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as client,
    ):
        assert (await client.get("/projects")).status_code == 200
        await grants.withdraw(store, kind="user", name="publisher", role="publisher")
        answer = await client.get("/projects")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await client.get("/me")).json()["permissions"] == []
        async with store.reading() as tx:
            refused = [each for each in await tx.audit.page(0, 1000) if each.event.outcome == "refused"]
        assert refused[-1].actor_name == "publisher"
