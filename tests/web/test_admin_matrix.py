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
CUSTOM: frozenset[Permission] = frozenset(("webhooks.edit", "keys.revoke"))
#: One actor for each built-in role, one for a custom role, one who is an owner in a project only, one without a role.
ACTORS: dict[str, frozenset[Permission]] = {
    **BUILTIN_ROLES,
    "custom": CUSTOM,
    "project-owner": BUILTIN_ROLES["owner"] & OF_PROJECT,
    "idler": frozenset(),
}
#: What the use case asks for besides: to read what is not one's own.
BESIDES: dict[str, Permission] = {
    "show_admin_token": "operators.view",
    "revoke_admin_token": "operators.view",
    "revoke_key": "keys.view",
}
#: What stands in a path whose parameter has a form of its own.
_IDS = {"key_id": "key_0", "token_id": "wat_0", "kind": "user"}
#: What the owner of a project is refused though its permission can be held in one: it concerns all of them, or the one
#: that the path names, which is not theirs.
NOT_THEIRS = {"show_top": "traffic.view", "show_project": "apis.view in the project 'nothing-of-this-name'"}
#: What everybody may do about themselves who has any role at all.
OF_ANY_ROLE = frozenset(
    ("list_access_requests", "list_admin_tokens", "show_admin_token", "revoke_admin_token")
)


def lacking(actor: str, operation: Operation) -> str:
    """What ``actor`` is told to be in want of for the operation; nothing when it is theirs to do."""
    if actor == "idler" and operation.id in OF_ANY_ROLE:
        return "of any role"
    needs = (operation.permission, BESIDES.get(operation.id, "self"))
    missing = [each for each in needs if each not in {"self", *ACTORS[actor]}]
    if not missing and actor == "project-owner":
        return NOT_THEIRS.get(operation.id, "")
    return missing[0] if missing else ""


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
        await person(store, actor, "viewer" if actor == "idler" else actor)
    _, secret = await tokens.issue_token(await as_user(store, actor), name="matrix")
    if actor == "idler":
        await grants.withdraw(store, kind="user", name=actor, role="viewer")
    return secret.reveal().decode()


def path_of(operation: Operation) -> str:
    """The path with something in it that there is not."""
    return re.sub(r"\{(\w+)\}", lambda found: _IDS.get(found[1], "nothing-of-this-name"), operation.path)


async def ask(client: httpx2.AsyncClient, operation: Operation) -> httpx2.Response:
    """Asks for the operation on whatever is there, with a body that says nothing."""
    body = None if operation.method in ("GET", "DELETE") else b"{}"
    headers = {"if-match": "*"} if body is None else {"if-match": "*", "content-type": "application/json"}
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
            answer = await ask(client, operation)
            if missing := lacking(actor, operation):
                said = answer.json() if answer.status_code == 403 else {}
                told = (said.get("code"), said.get("detail"))
                good = told == ("forbidden", f"This needs the permission {missing}")
            else:
                good = answer.status_code not in (401, 403) and answer.status_code < 500
            if not good:
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


def test_every_change_needs_more_than_to_look() -> None:
    """No permission to view opens an operation that changes something."""
    # Who asked for a promotion may cancel it: the use case asks who it is.
    harmless = {"verify_key", "introspect_token", "check_provider", "plan_document", "cancel_promotion"}
    for operation in OPERATIONS:
        if operation.changes and operation.permission.endswith(".view"):
            assert operation.id in harmless, f"{operation.id} is open to {operation.permission}"


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


async def test_who_publishes_in_a_project_plans_what_they_may_apply(store: SqlStore) -> None:
    """A plan is no more than an apply that changes nothing; who sees no API at all is refused either."""
    files = {
        "wardgate.yaml": "apis:\n  - name: orders\n    version: v1\n    project: PROJECT\n    openapi: ./o.yaml\n"
        "    upstream: {targets: ['http://127.0.0.1:9000']}\n    security: {schemes: [api_key]}\n",
        "o.yaml": "openapi: 3.1.0\ninfo: {title: O, version: '1'}\n"
        "paths: {/items: {get: {responses: {default: {description: any}}}}}\n",
    }
    token = await token_of(store, "project-owner")
    statuses: dict[tuple[str, str], int] = {}
    async with (
        serving(store) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as client,
    ):
        for project in ("shop", "default"):
            named = {name: text.replace("PROJECT", project) for name, text in files.items()}
            for verb in ("plan", "apply"):
                answer = await client.post(f"/documents:{verb}", json={"files": named})
                statuses[project, verb] = answer.status_code
    assert statuses == {
        ("shop", "plan"): 200,
        ("shop", "apply"): 200,
        ("default", "plan"): 403,
        ("default", "apply"): 403,
    }
