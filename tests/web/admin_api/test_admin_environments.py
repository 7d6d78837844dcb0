"""Environments, APIs and revisions over the admin API."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
from tests.storage.samples import orders

from wardgate.control.apply import apply_document
from wardgate.storage.database import SqlStore

Visit = Callable[[str], httpx2.AsyncClient]
NEW = {"If-None-Match": "*"}


async def test_environments_are_kept(visit: Visit) -> None:
    """Added, ordered, changed by who saw them last, and removed; a viewer looks only."""
    admin = visit("admin")
    added = await admin.post("/environments", json={"name": "quality", "tag": "qa"})
    assert (added.status_code, added.json()["position"]) == (201, 4)
    assert added.headers["location"].endswith("/environments/quality")
    order = ["development", "quality", "staging", "production"]
    moved = await admin.post("/environments:order", json={"names": order})
    assert [each["name"] for each in moved.json()["environments"]] == order
    shown = await visit("viewer").get("/environments/quality")
    change = {
        "hosts": ["qa.example.com"],
        "plans": {"free": [{"kind": "rate", "amount": 1, "per": "minute"}]},
    }
    done = await admin.patch(
        "/environments/quality", json=change, headers={"If-Match": shown.headers["etag"]}
    )
    assert (done.status_code, done.json()["hosts"]) == (200, ["qa.example.com"])
    stale = await admin.patch(
        "/environments/quality", json=change, headers={"If-Match": shown.headers["etag"]}
    )
    assert stale.status_code == 412
    wrong = {"plans": {"free": [{"kind": "rate", "amount": 1, "per": "month"}]}}
    refused = await admin.patch(
        "/environments/quality", json=wrong, headers={"If-Match": done.headers["etag"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "limit_invalid")
    assert (await visit("viewer").post("/environments", json={"name": "x"})).status_code == 403
    gone = await admin.delete("/environments/quality", headers={"If-Match": done.headers["etag"]})
    assert gone.status_code == 204
    marked = await admin.get("/environments/staging")
    tag = {"If-Match": marked.headers["etag"]}
    assert (await admin.post("/environments/staging:production", json={}, headers=tag)).json()["production"]
    assert [each["name"] for each in (await admin.get("/environments")).json()["items"]] == [
        "development",
        "staging",
        "production",
    ]


async def test_variables_and_secrets_are_set(visit: Visit) -> None:
    """A variable is read back, a secret never is; both are added, replaced and taken away with what was seen."""
    admin = visit("admin")
    path = "/environments/development/variables/UPSTREAM"
    assert (await admin.get(path)).status_code == 404
    made = await admin.put(path, json={"value": "a.internal"}, headers=NEW)
    assert (made.status_code, made.json()["value"], made.json()["waiting"]) == (200, "a.internal", "")
    tag = {"If-Match": (await admin.get(path)).headers["etag"]}
    assert (await admin.put(path, json={"value": "b.internal"}, headers=tag)).json()["value"] == "b.internal"
    tag = {"If-Match": (await admin.get(path)).headers["etag"]}
    assert (await admin.delete(path, headers=tag)).status_code == 204
    secret = "/environments/development/secrets/TOKEN"
    sealed = await admin.put(secret, json={"value": "hunter2"}, headers=NEW)
    assert (sealed.status_code, sealed.json()["by"]) == (200, "admin")
    assert "hunter2" not in sealed.text
    listed = await visit("viewer").get("/environments/development/secrets")
    assert [each["name"] for each in listed.json()["items"]] == ["TOKEN"]
    assert (await visit("publisher").put(secret, json={"value": "x"}, headers=NEW)).status_code == 403
    tag = {"If-Match": (await admin.get(secret)).headers["etag"]}
    assert (await admin.delete(secret, headers=tag)).status_code == 204


async def test_apis_and_revisions_are_shown_and_kept(store: SqlStore, visit: Visit) -> None:
    """The life cycle, the description and the kill switch of an API; its revisions, whole and verified."""
    await apply_document(store, orders(), "development", "test", "a note")
    publisher = visit("publisher")

    async def seen() -> dict[str, str]:
        return {"If-Match": (await publisher.get("/apis/orders/v1")).headers["etag"]}

    described = await publisher.patch("/apis/orders/v1", json={"tags": ["shop"]}, headers=await seen())
    assert described.json()["tags"] == ["shop"]
    off = {"environment": "development", "resource": "GET /items", "reason": "broken"}
    shut = await publisher.post("/apis/orders/v1:switch-off", json=off, headers=await seen())
    assert shut.json()["places"][0]["off"] == ["GET /items"]
    opened = await publisher.post("/apis/orders/v1:switch-on", json=off, headers=await seen())
    assert opened.json()["places"][0]["off"] == []
    early = await publisher.post("/apis/orders/v1:retire", json={}, headers=await seen())
    assert (early.status_code, early.json()["code"]) == (409, "lifecycle_step")
    ended = await publisher.post("/apis/orders/v1:deprecate", json={}, headers=await seen())
    assert ended.json()["lifecycle"] == "deprecated"
    retired = await publisher.post("/apis/orders/v1:retire", json={}, headers=await seen())
    assert retired.json()["lifecycle"] == "retired"
    again = await publisher.post("/apis/orders/v1:publish", json={"force": True}, headers=await seen())
    assert again.json()["lifecycle"] == "published"
    assert [each["api"] for each in (await publisher.get("/apis")).json()["items"]] == ["orders/v1"]
    (line,) = (await publisher.get("/revisions", params={"api": "orders/v1"})).json()["items"]
    assert (line["number"], line["note"], line["environments"]) == (1, "a note", ["development"])
    whole = (await publisher.get("/revisions/orders/v1/1")).json()
    assert (whole["hash"], whole["resolved"]["name"], whole["plans"][0]["name"]) == (
        line["hash"],
        "orders",
        "free",
    )
    assert (await publisher.get("/revisions:verify")).json() == {
        "sound": True,
        "revisions": [{"api": "orders/v1", "number": 1, "content": True, "signature": True}],
    }
