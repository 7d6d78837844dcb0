"""Every operation by every role: the table is made from the code, and every cell is tried."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx2
import pytest
from tests.web.admin_api.conftest import Visitors

from wardgate.domain.actor import Actor
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.operations import Operation
from wardgate.web.admin_api.rooms import ROOMS, operations_of

Visit = Callable[[str], httpx2.AsyncClient]

OPERATIONS = operations_of(ROOMS)
_IDS = {"key_id": "key_0", "token_id": "wat_0", "kind": "user"}


async def ask(client: httpx2.AsyncClient, operation: Operation) -> httpx2.Response:
    """Asks for the operation on what is not there, with an empty body."""
    path = re.sub(r"\{(\w+)\}", lambda found: _IDS.get(found.group(1), "nothing"), operation.path)
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    content = b"{}" if operation.changes else None
    return await client.request(operation.method, path, headers=headers, content=content)


@pytest.mark.parametrize("role", BUILTIN_ROLES)
async def test_each_role_may_do_what_it_says(role: str, store: SqlStore, visit: Visit) -> None:
    """403 naming the permission for every operation that the role lacks it for, and for no other."""
    client = visit(role)
    for operation in OPERATIONS:
        answer = await ask(client, operation)
        needs = f"This needs the permission {operation.permission}"
        lacking = operation.permission != "self" and operation.permission not in BUILTIN_ROLES[role]
        refused = answer.status_code == 403 and answer.json()["detail"] == needs
        assert refused == lacking, f"{role} {operation.id}: {answer.status_code} {answer.text}"
        assert answer.status_code < 500, f"{role} {operation.id}: {answer.text}"


async def test_nothing_can_be_done_by_nobody(store: SqlStore, visit: Visit) -> None:
    """401 for every operation without a token that is good."""
    client = visit("nobody")
    for operation in OPERATIONS:
        assert (await ask(client, operation)).status_code == 401, operation.id


async def test_who_holds_nothing_does_only_what_concerns_them(
    store: SqlStore, visit: Visit, visitors: Visitors
) -> None:
    """An operator without a role is refused all but what everybody may do about themselves."""
    visitors.known["idler"] = Actor(kind="user", id="usr_idler", name="idler")
    client = visit("idler")
    for operation in OPERATIONS:
        refused = (await ask(client, operation)).status_code == 403
        assert refused or operation.permission == "self", operation.id


async def test_a_role_in_one_project_opens_no_other_thing(
    store: SqlStore, visit: Visit, visitors: Visitors
) -> None:
    """What is of the installation as a whole stays shut for who holds every permission of one project."""
    visitors.known["local"] = Actor(
        kind="user", id="usr_local", name="local", projects={"shop": frozenset(OF_PROJECT)}
    )
    client = visit("local")
    for operation in OPERATIONS:
        if operation.permission != "self" and operation.permission not in OF_PROJECT:
            assert (await ask(client, operation)).status_code == 403, operation.id


def test_every_change_needs_more_than_to_look() -> None:
    """No permission to view opens an operation that changes something."""
    # Who asked for a promotion may cancel it: the use case asks who it is.
    harmless = {"verify_key", "introspect_token", "check_provider", "plan_document", "cancel_promotion"}
    for operation in OPERATIONS:
        if operation.changes and operation.permission.endswith(".view"):
            assert operation.id in harmless, f"{operation.id} is open to {operation.permission}"
