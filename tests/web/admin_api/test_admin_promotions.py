"""Promotions, differences and drift over the admin API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.control.operators.operating import person
from tests.control.promoting import API, CLOSED, OPENED, apply, audited, in_force, orders
from tests.web.admin_api.conftest import Visitors

from wardgate.control.operators import grants
from wardgate.control.operators.authenticate import authenticate
from wardgate.control.operators.service_accounts import add_service_account
from wardgate.storage.database import SqlStore

Visit = Callable[[str], httpx2.AsyncClient]
REQUEST = {"api": API, "environment": "staging", "reason": "why"}


async def asked(client: httpx2.AsyncClient) -> tuple[dict[str, Any], str]:
    """A promotion asked for, and the ETag of what it is now."""
    made = await client.post("/promotions", json=REQUEST)
    assert made.status_code == 201, made.text
    shown = await client.get(f"/promotions/{made.json()['promotion']['id']}")
    assert made.headers["location"].endswith(f"/promotions/{made.json()['promotion']['id']}")
    return shown.json(), shown.headers["etag"]


async def test_what_weakens_is_approved_by_somebody_else(store: SqlStore, visit: Visit) -> None:
    """The publisher asks, cannot approve; an admin does, on what they saw."""
    await person(store, "publisher")
    await apply(store, orders(OPENED))
    found, tag = await asked(visit("publisher"))
    assert found["promotion"]["status"] == "pending"
    assert found["promotion"]["weakenings"][0]["kind"] == "security_off"
    path = f"/promotions/{found['promotion']['id']}:approve"
    body = {"reason": "fine", "seen": found["seen"]}
    refused = await visit("publisher").post(path, json=body, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await visit("admin").post(path, json=body)).status_code == 428
    stale = await visit("admin").post(path, json=body, headers={"If-Match": '"old"'})
    assert stale.status_code == 412
    assert await in_force(store) is None
    done = await visit("admin").post(path, json=body, headers={"If-Match": tag})
    assert (done.status_code, done.json()["promotion"]["status"]) == (200, "done")
    assert done.json()["promotion"]["decisions"][0]["by"] == "admin"
    assert await in_force(store) == 1


async def test_who_approves_has_seen_what_it_is_now(store: SqlStore, visit: Visit) -> None:
    """When what is weakened changed since the page was read, its ETag did too."""
    await apply(store, orders(CLOSED))
    done, _ = await asked(visit("publisher"))
    assert done["promotion"]["status"] == "done"
    await apply(store, orders(OPENED))
    found, tag = await asked(visit("publisher"))
    async with store.writing() as tx:
        deployment = await tx.apis.deployment("development", API)
        assert deployment is not None
        bound = deployment.bound
        await tx.apis.deploy("staging", API, 2, bound, bound.content_hash(), at=1.0, actor="x")
    path = f"/promotions/{found['promotion']['id']}:approve"
    late = await visit("admin").post(path, json={"reason": "fine"}, headers={"If-Match": tag})
    assert late.status_code == 412


async def test_who_issued_a_programs_token_does_not_approve_for_it(
    store: SqlStore, visitors: Visitors, visit: Visit
) -> None:
    """The owner who let the pipeline in is told so, and the trail keeps that they tried; an admin approves."""
    await apply(store, orders(OPENED))
    await grants.grant(
        store, kind="service", name=(await add_service_account(store, name="ci")).name, role="publisher"
    )
    issued = await visit("owner").post("/admin-tokens", json={"name": "pipeline", "service": "ci"})
    credential = issued.json()["credential"]
    assert (credential["issued_by"], credential["issued_through"]) == ("usr_owner", [])
    visitors.known["ci"] = await authenticate(store, issued.json()["token"], "192.0.2.7", time.time())
    found, tag = await asked(visit("ci"))
    path = f"/promotions/{found['promotion']['id']}:approve"
    own = await visit("owner").post(path, json={"reason": "fine"}, headers={"If-Match": tag})
    assert (own.status_code, own.json()["code"]) == (409, "second_person")
    assert credential["id"] in own.json()["detail"]
    assert "issued no access token" in own.json()["remedy"]
    assert await audited(store, "promotion.approve") == [("owner", found["promotion"]["id"], "refused")]
    done = await visit("admin").post(path, json={"reason": "fine"}, headers={"If-Match": tag})
    assert (done.status_code, done.json()["promotion"]["status"]) == (200, "done")


@pytest.mark.parametrize("verb", ["reject", "cancel"])
async def test_it_is_rejected_or_cancelled(store: SqlStore, visit: Visit, verb: str) -> None:
    """Either closes it, and the list shows how it ended."""
    await apply(store, orders(OPENED))
    found, tag = await asked(visit("publisher"))
    who = visit("admin" if verb == "reject" else "publisher")
    path = f"/promotions/{found['promotion']['id']}:{verb}"
    done = await who.post(path, json={"reason": "no"}, headers={"If-Match": tag})
    assert done.status_code == 200
    listed = (await visit("viewer").get("/promotions", params={"environment": "staging"})).json()["items"]
    assert [each["status"] for each in listed] == [{"reject": "rejected", "cancel": "cancelled"}[verb]]


async def test_rollback_withdraw_differences_and_drift(store: SqlStore, visit: Visit) -> None:
    """Each is one request, and each tells what it found or did."""
    publisher = visit("publisher")
    await apply(store, orders(CLOSED))
    await asked(publisher)
    await apply(store, orders(CLOSED, max_body=1000))
    compared = await visit("viewer").get(
        "/differences", params={"before": "orders/v1@staging", "after": f"{API}@2"}
    )
    assert compared.status_code == 200
    assert compared.json()["weakens"] is False
    assert [each["kind"] for each in compared.json()["differences"]] == ["max_body_lowered"]
    assert compared.json()["differences"][0]["after"] == "1000"
    body = {"api": API, "environment": "staging", "reason": "back"}
    gone = await publisher.post("/promotions:withdraw", json=body)
    assert (gone.status_code, gone.json()["promotion"]["kind"]) == (201, "withdraw")
    back = await publisher.post("/promotions:rollback", json=body)
    assert (back.status_code, back.json()["promotion"]["kind"]) == (201, "rollback")
    drift = (await publisher.get("/drift")).json()["items"]
    assert [(each["environment"], each["drifts"]) for each in drift] == [("development", []), ("staging", [])]
    assert drift[1]["behind"]


async def test_what_cannot_be_is_refused_with_a_reason(store: SqlStore, visit: Visit) -> None:
    """Unknown names are 404, what the state does not allow 409, who may not 403."""
    await apply(store, orders())
    publisher = visit("publisher")
    assert (await publisher.post("/promotions", json={**REQUEST, "api": "none/v1"})).status_code == 404
    first = await publisher.post("/promotions", json={**REQUEST, "environment": "development"})
    assert (first.status_code, first.json()["code"]) == (409, "environment_first")
    assert (await visit("viewer").post("/promotions", json=REQUEST)).status_code == 403
    assert (
        await publisher.get("/differences", params={"before": "x", "after": "staging"})
    ).status_code == 404
