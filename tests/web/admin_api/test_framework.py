"""What the framework of the admin API promises every operation, seen on keys."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from tests.storage.samples import FREE, application, entry

from wardgate.control.apply import apply_document
from wardgate.domain.document import Document
from wardgate.storage.database import SqlStore

Visit = Callable[[str], httpx2.AsyncClient]


@pytest.fixture
async def shop(store: SqlStore) -> SqlStore:
    """A store with an API and the application shop."""
    document = Document(apis=(entry(),), plans=(FREE,), applications=(application("shop", orders="free"),))
    await apply_document(store, document, "development", "tester", "")
    return store


async def issue(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    """Issues a key to shop."""
    body = {"application": "shop", "environment": "development"}
    return await client.post("/keys", json=body, headers=headers)


async def test_a_key_is_issued_read_and_revoked(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """The life of a key, with its ETag."""
    issued = await issue(admin)
    assert issued.status_code == 201, issued.text
    assert issued.json()["key"].startswith("wg_")
    path = issued.headers["location"]
    assert path == f"/admin/v1/keys/{issued.json()['credential']['id']}"
    shown = await admin.get(path.removeprefix("/admin/v1"))
    assert (shown.status_code, shown.json()) == (200, issued.json()["credential"])
    tag = shown.headers["etag"]
    same = await admin.get(path.removeprefix("/admin/v1"), headers={"If-None-Match": tag})
    assert same.status_code == 304
    revoked = await admin.post(f"{path.removeprefix('/admin/v1')}:revoke", headers={"If-Match": tag})
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert revoked.headers["etag"] != tag


async def test_a_change_needs_the_state_it_was_decided_on(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """428 without If-Match, 412 with a stale one, and nothing is changed."""
    key = (await issue(admin)).json()["credential"]["id"]
    missing = await admin.post(f"/keys/{key}:revoke")
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_missing")
    stale = await admin.post(f"/keys/{key}:revoke", headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert (await admin.get(f"/keys/{key}")).json()["state"] == "active"
