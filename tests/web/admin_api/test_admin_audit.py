"""The audit trail and leaked keys by the admin API."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx2
import pytest

from wardgate.control import audit, leaks
from wardgate.domain.audit import AuditEvent
from wardgate.domain.leak import Leak
from wardgate.storage.database import SqlStore

Visit = Callable[[str], httpx2.AsyncClient]


async def keep(store: SqlStore, *actions: str) -> None:
    """Records one event in each of as many transactions."""
    for number, action in enumerate(actions):
        async with store.writing() as tx:
            await tx.audit.record(AuditEvent(action=action, target=f"t{number}"), at=1000.0 + number)


async def test_entries_are_listed_page_by_page(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Newest first, as many as asked for, to the end, with filters kept."""
    await keep(store, "key.issue", "api.apply", "key.revoke", "key.issue")
    seen: list[int] = []
    following: str | None = "audit?limit=2&action=key."
    while following is not None:
        answer = (await admin.get(following)).json()
        seen += [each["seq"] for each in answer["items"]]
        following = answer["next"] and answer["next"].removeprefix("/admin/v1/")
    assert seen == [4, 3, 1]
    [entry] = (await admin.get("audit", params={"target": "t1", "since": 1000, "until": 1002})).json()[
        "items"
    ]
    assert (entry["action"], entry["actor"]["kind"], entry["outcome"]) == ("api.apply", "system", "done")


async def test_verifying_by_the_api(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """The verdict says where the trail ends, and what is wrong with it compared to a head kept from earlier."""
    await keep(store, "key.issue")
    head = (await admin.get("audit/head")).json()["head"]
    verdict = (await admin.get("audit/verification", params={"head": head})).json()
    assert (verdict["intact"], verdict["links"], verdict["head"], verdict["compared"]) == (
        True,
        1,
        head,
        True,
    )
    verdict = (await admin.get("audit/verification", params={"head": f"9:{'0' * 64}"})).json()
    assert (verdict["intact"], verdict["problem"], verdict["problem_seq"]) == (False, "head_ahead", 1)
    answer = await admin.get("audit/verification", params={"head": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "head_invalid")


async def test_exporting_by_the_api(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """One JSON object a line, oldest first, each with its hash."""
    await keep(store, "key.issue", "api.apply")
    answer = await admin.get("audit/export", params={"after": 1})
    assert answer.headers["content-type"] == "application/jsonl"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        audit.as_json(each) async for each in audit.export(store, after=1)
    ]
    answer = await admin.get("audit/export", params={"limit": 1})
    assert [json.loads(line)["seq"] for line in answer.text.splitlines()] == [1]


async def test_leaks_by_the_api(store: SqlStore, admin: httpx2.AsyncClient) -> None:
    """What was found is listed, newest first, page by page."""
    async with store.writing() as tx:
        for number in range(3):
            leak = Leak(
                id=f"leak_{number}", kind="api_key", credential="key_1", environment="development",
                source="GitHub: content", url=f"https://example.com/{number}", at=1.0, action="notify",
            )  # fmt: skip
            await tx.leaks.add(leak)
    first = (await admin.get("leaks", params={"limit": 2, "environment": "development"})).json()
    assert [each["id"] for each in first["items"]] == ["leak_2", "leak_1"]
    rest = (await admin.get(first["next"].removeprefix("/admin/v1/"))).json()
    assert [each["id"] for each in rest["items"]] == ["leak_0"]
    assert len(await leaks.list_leaks(store)) == 3


@pytest.mark.parametrize("path", ["audit", "audit/head", "audit/verification", "audit/export"])
async def test_only_auditors_see_the_trail(store: SqlStore, visit: Visit, path: str) -> None:
    """A viewer is refused, which is in the trail afterwards; an auditor is answered."""
    answer = await visit("viewer").get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await visit("auditor").get(path)).status_code == 200
    [refused] = [each async for each in audit.export(store) if each.event.outcome == "refused"]
    assert refused.actor_name == "viewer"
