"""Access, subscriptions, applications, groups and webhooks by the admin API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
from tests.storage.samples import FREE, GOLD, application, document, entry
from tests.web.admin_api.conftest import Visitors

from wardgate.control.apply import apply_document
from wardgate.domain.actor import Actor
from wardgate.storage.database import SqlStore

Visit = Callable[[str], httpx2.AsyncClient]
LIMIT = {"kind": "rate", "amount": 5, "per": "second", "burst": 2}


async def ready(store: SqlStore) -> None:
    """Orders on the plans free (at once) and gold (by approval), and the application mobile."""
    gold = replace(GOLD, approval="required")
    wanted = document([entry(plans=("free", "gold"))], [FREE, gold], [application("mobile")])
    await apply_document(store, wanted, "development", "test", "")


async def ask(admin: httpx2.AsyncClient, plan: str = "gold") -> httpx2.Response:
    """A request for orders."""
    body = {"application": "mobile", "environment": "development", "api": "orders/v1", "plan": plan}
    return await admin.post("/access-requests", json=body)


def state(answer: httpx2.Response) -> dict[str, str]:
    """The precondition that nothing has changed since."""
    return {"If-Match": answer.headers["etag"]}


async def done(answer: httpx2.Response, status: int = 200) -> Any:
    """The body of a success."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_access_from_request_to_limits(
    store: SqlStore, admin: httpx2.AsyncClient, visit: Visit
) -> None:
    """Asked, granted with controls by a manager, seen in the subscription and in the limits that hold."""
    await ready(store)
    asked = await ask(admin)
    request = await done(asked, 201)
    path = asked.headers["location"].partition("/admin/v1")[2]
    assert (request["status"], path) == ("pending", f"/access-requests/{request['id']}")
    manager = visit("access-manager")
    body = {"controls": {"limits": [LIMIT], "cidrs": ["192.0.2.0/24"]}, "expires_at": 4e9, "reason": "ok"}
    granted = await done(await manager.post(f"{path}:approve", json=body, headers=state(asked)))
    assert (granted["status"], granted["decided_by"]) == ("approved", "access-manager")
    subscription = await done(await admin.get(f"/subscriptions/{request['subscription']}"))
    assert subscription["controls"]["limits"][0]["burst"] == 2
    assert (subscription["status"], subscription["expires_at"]) == ("active", 4e9)
    limits = await done(await admin.get(f"/subscriptions/{request['subscription']}/limits"))
    assert [(each["origin"], len(each["shadows"])) for each in limits["limits"]] == [
        ("plan", 0),
        ("subscription", 0),
    ]
    listed = await done(await admin.get("/access-requests", params={"status": "approved"}))
    assert [each["id"] for each in listed["items"]] == [request["id"]]


async def test_who_may_only_ask_sees_and_withdraws_what_they_asked_for(
    store: SqlStore, admin: httpx2.AsyncClient, visit: Visit, visitors: Visitors
) -> None:
    """A developer with no other permission: their own requests are there, nobody else's are, and subscriptions are not
    theirs to list."""
    await ready(store)
    for name in ("dora", "dave"):
        visitors.known[name] = Actor(
            kind="user", id=f"usr_{name}", name=name, permissions=frozenset(("access.request",))
        )
    dora, dave = visit("dora"), visit("dave")
    asked = await done(await ask(dora), 201)
    path = f"/access-requests/{asked['id']}"
    assert [each["id"] for each in (await done(await dora.get("/access-requests")))["items"]] == [asked["id"]]
    assert (await done(await dave.get("/access-requests")))["items"] == []
    assert (await dave.get(path)).status_code == 404
    assert (await dora.get("/subscriptions")).status_code == 403
    seen = await dora.get(path)
    withdrawn = await done(await dora.post(f"{path}:withdraw", headers=state(seen)))
    assert withdrawn["status"] == "withdrawn"


async def test_of_two_decisions_on_one_state_one_is_taken(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """The second is told that the request was changed meanwhile, and with a fresh look that it is decided."""
    await ready(store)
    asked = await ask(admin)
    path = f"/access-requests/{asked.json()['id']}"
    await done(await admin.post(f"{path}:approve", json={}, headers=state(asked)))
    late = await admin.post(f"{path}:reject", json={"reason": "no"}, headers=state(asked))
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    fresh = await admin.get(path)
    again = await admin.post(f"{path}:reject", json={"reason": "no"}, headers=state(fresh))
    assert (again.status_code, again.json()["code"]) == (409, "access_decided")
    bare = await admin.post(f"{path}:withdraw")
    assert bare.status_code == 428


async def test_a_subscription_is_patched(store: SqlStore, admin: httpx2.AsyncClient, visit: Visit) -> None:
    """Fields left out stay, null ends the expiry; a viewer may look only."""
    await ready(store)
    subscription_id = (await ask(admin, "free")).json()["subscription"]
    path = f"/subscriptions/{subscription_id}"
    first = await admin.get(path)
    changed = await admin.patch(path, json={"expires_at": 4e9, "plan": "gold"}, headers=state(first))
    assert (await done(changed))["expires_at"] == 4e9
    second = await admin.patch(path, json={"expires_at": None}, headers=state(changed))
    body = await done(second)
    assert (body["expires_at"], body["plan"], body["status"]) == (None, "gold", "active")
    viewer = visit("viewer")
    assert (await viewer.get(path)).status_code == 200
    refused = await viewer.patch(path, json={"status": "suspended"}, headers=state(second))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    wrong = await admin.patch(path, json={"controls": {"cidrs": ["10.0.0.1/8"]}}, headers=state(second))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "restrictions_invalid")


async def test_an_application_is_held_and_restored(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Added, changed, suspended, throttled, restored and removed, each on the state that was seen."""
    added = await admin.post("/applications", json={"name": "batch", "owner": "ops@example.com"})
    path = f"/applications/{(await done(added, 201))['id']}"
    limited = await admin.patch(path, json={"limits": [LIMIT]}, headers=state(added))
    assert (await done(limited))["owner"] == "ops@example.com"
    throttled = await admin.post(f"{path}:throttle", json={"limits": [LIMIT]}, headers=state(limited))
    suspended = await admin.post(f"{path}:suspend", json={"reason": "loud"}, headers=state(throttled))
    body = await done(suspended)
    assert (body["status"], len(body["throttle"])) == ("suspended", 1)
    restored = await admin.post(f"{path}:restore", json={}, headers=state(suspended))
    body = await done(restored)
    assert (body["status"], body["throttle"], len(body["limits"])) == ("active", [], 1)
    named = await done(await admin.get("/applications", params={"name": "batch"}))
    assert [each["name"] for each in named["items"]] == ["batch"]
    assert (await admin.delete(path, headers=state(restored))).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_groups_are_kept(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Put, filled, emptied and removed; a group that is there is not added again."""
    await ready(store)
    new = {"If-None-Match": "*"}
    made = await admin.put("/groups/partners", json={"description": "Outside"}, headers=new)
    assert (await done(made))["applications"] == []
    assert (await admin.put("/groups/partners", json={}, headers=new)).status_code == 412
    filled = await admin.post(
        "/groups/partners/members:add", json={"applications": ["mobile"]}, headers=state(made)
    )
    assert (await done(filled))["applications"] == ["mobile"]
    emptied = await admin.put("/groups/partners/members", json={"applications": []}, headers=state(filled))
    assert (await done(emptied))["applications"] == []
    unknown = await admin.post(
        "/groups/partners/members:add", json={"users": ["eve"]}, headers=state(emptied)
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")
    assert (await admin.delete("/groups/partners", headers=state(emptied))).status_code == 204


async def test_webhooks_show_their_secret_once(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """In the answer that made it, and not in the kept one; later answers have none."""
    key = {"Idempotency-Key": "abcdefghijklmnop"}
    body = {"url": "https://hooks.example.com/", "events": ["key.issued"]}
    made = await done(await admin.post("/webhooks", json=body, headers=key), 201)
    assert made["secret"].startswith("whsec_")
    again = await done(await admin.post("/webhooks", json=body, headers=key), 201)
    assert (again["secret"], again["webhook"]["id"]) == (None, made["webhook"]["id"])
    path = f"/webhooks/{made['webhook']['id']}"
    shown = await admin.get(path)
    assert "whsec_" not in shown.text
    sent = await done(await admin.post(f"{path}:test", headers=state(shown)))
    await done(await admin.post(f"/webhooks/deliveries/{sent['id']}:redeliver"), 201)
    listed = await done(await admin.get(path))
    assert [each["message"] for each in listed["deliveries"]] == [sent["message"]] * 2
    paused = await admin.patch(path, json={"status": "paused"}, headers=state(shown))
    assert (await done(paused))["events"] == ["key.issued"]
    rotated = await done(await admin.post(f"{path}:rotate-secret", json={}, headers=state(paused)))
    assert rotated["secret"] not in (None, made["secret"])
    assert (await admin.delete(path, headers={"If-Match": "*"})).status_code == 204


async def test_a_document_shows_no_secret_of_a_new_webhook(admin: httpx2.AsyncClient, visit: Visit) -> None:
    """The answer names what has one that nobody knows; a viewer may not have it made anew, who edits webhooks may."""
    key = {"Idempotency-Key": "abcdefghijklmnop"}
    text = "webhooks: [{ url: https://hooks.example.com/ }]\n"
    body = {"files": {"wardgate.yaml": text}, "document": "wardgate.yaml"}
    planned = await done(await admin.post("/documents:plan", json=body))
    assert (planned["unseen"], len(planned["changes"])) == ([], 1)
    made = await done(await admin.post("/documents:apply", json=body, headers=key))
    (new,) = made["unseen"]
    webhook = new["id"]
    assert new == {
        "kind": "webhook",
        "id": webhook,
        "name": "https://hooks.example.com/",
        "command": f"wardgate webhooks rotate-secret {webhook}",
    }
    assert "whsec_" not in json.dumps(made)
    assert "whsec_" not in (await admin.get(f"/webhooks/{webhook}")).text
    again = await done(await admin.post("/documents:apply", json=body, headers=key))
    assert again == made
    state = {"If-Match": (await admin.get(f"/webhooks/{webhook}")).headers["etag"]}
    refused = await visit("viewer").post(f"/webhooks/{webhook}:rotate-secret", json={}, headers=state)
    assert refused.status_code == 403
    shown = await done(await admin.post(f"/webhooks/{webhook}:rotate-secret", json={}, headers=state))
    assert shown["secret"].startswith("whsec_")
    assert "whsec_" not in (await admin.get("/documents")).text
