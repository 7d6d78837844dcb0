"""What the framework of the admin API promises every operation, seen on keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.storage.samples import FREE, application, entry
from tests.web.admin_api.conftest import Visitors

from wardgate.control.apply import apply_document
from wardgate.domain.document import Document
from wardgate.storage.database import SqlStore
from wardgate.web.admin_api.app import check_routes
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Problem
from wardgate.web.admin_api.operations import Operations, check

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


async def test_nobody_without_a_token_gets_further(visit: Visit) -> None:
    """401 says how to come in, before anything else is looked at."""
    stranger = visit("nobody")
    for answer in (await stranger.get("/keys"), await stranger.post("/keys", content=b"{")):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.headers["cache-control"] == "no-store"


async def test_a_refused_action_is_kept_in_the_trail(
    shop: SqlStore, admin: httpx2.AsyncClient, visit: Visit
) -> None:
    """403 before the body is looked at, and one record of it with who, what and why."""
    key = (await issue(admin)).json()["credential"]["id"]
    refused = await visit("auditor").post(f"/keys/{key}:revoke", content=b"{", headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    async with shop.reading() as tx:
        last = (await tx.audit.page(0, 1000))[-1]
    assert (last.event.action, last.event.target, last.event.outcome) == ("key.revoke", key, "refused")
    assert last.actor_id == "usr_auditor"
    assert last.event.note == "needs keys.revoke"


async def test_the_use_case_decides_after_the_first_look(admin: httpx2.AsyncClient, visit: Visit) -> None:
    """What a role may see it sees, and no more."""
    assert (await visit("viewer").get("/keys")).status_code == 200
    assert (await visit("publisher").get("/keys")).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "body_malformed"),
        (b'{"application": "shop", "application": "other"}', 400, "body_malformed"),
        (b'{"application": NaN}', 400, "body_malformed"),
        (b"\xff", 400, "body_malformed"),
        (b'"\\ud800"', 400, "body_malformed"),
        (b"[" * 65 + b"]" * 65, 400, "body_malformed"),
        (b'{"expires_at": 1e999}', 400, "body_malformed"),
        (b"", 422, "request_invalid"),
        (b"[]", 422, "request_invalid"),
        (b'{"application": "shop", "environment": "development", "what": 1}', 422, "request_invalid"),
        (b'{"application": 5, "environment": "development"}', 422, "request_invalid"),
    ],
)
async def test_a_body_has_one_reading_or_none(
    admin: httpx2.AsyncClient, body: bytes, status: int, code: str
) -> None:
    """JSON is strict and so are types and names; what is wrong is said."""
    answer = await admin.post("/keys", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]


async def test_a_body_is_json_and_bounded(admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """415 for another type, 413 for one that is too large, whether it says so or not."""
    other = await admin.post("/keys", content=b"a=b", headers={"Content-Type": "text/plain"})
    assert (other.status_code, other.json()["code"]) == (415, "body_not_json")
    monkeypatch.setattr("wardgate.web.admin_api.bodies.MAX_BODY", 100)

    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * 60
        yield b" " * 60

    for content in (b" " * 101, chunks()):
        answer = await admin.post("/keys", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_errors_name_the_field_and_never_its_value(admin: httpx2.AsyncClient) -> None:
    """A password in a body that is refused stands in no answer."""
    answer = await admin.post("/users", json={"name": 5, "password": ["hunter2"], "hunter3": 1})
    assert answer.status_code == 422
    assert {each["at"] for each in answer.json()["errors"]} == {"body.name", "body.password", "body.hunter3"}
    assert "hunter2" not in answer.text


async def test_unknown_parameters_are_errors(admin: httpx2.AsyncClient) -> None:
    """A misspelt filter does not silently show everything."""
    answer = await admin.get("/keys", params={"aplication": "shop"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "query.aplication"


async def test_what_is_not_there_is_a_problem_too(admin: httpx2.AsyncClient) -> None:
    """404 and 405 have the form of every other refusal."""
    nowhere = await admin.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "http_404")
    method = await admin.put("/keys")
    assert (method.status_code, method.json()["code"]) == (405, "http_405")
    assert method.headers["allow"] == "GET, POST"
    verb = await admin.get("/keys/key_0:revoke")
    assert (verb.status_code, verb.headers["allow"]) == (405, "POST")


async def test_a_counter_that_moves_spoils_no_change(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Uses of a key change the ETag for reading, not for If-Match."""
    key = (await issue(admin)).json()["credential"]["id"]
    before = (await admin.get(f"/keys/{key}")).headers["etag"]
    async with shop.writing() as tx:
        connection = cast("Any", tx)._connection
        await connection.execute(text(f"INSERT INTO credential_uses VALUES ('{key}', 7, 1.0, '192.0.2.1')"))
    after = await admin.get(f"/keys/{key}", headers={"If-None-Match": before})
    assert (after.status_code, after.json()["use_count"]) == (200, 7)
    revoked = await admin.post(f"/keys/{key}:revoke", headers={"If-Match": before})
    assert revoked.status_code == 200


async def test_a_thing_is_added_only_where_there_is_none(admin: httpx2.AsyncClient) -> None:
    """If-None-Match: * adds, once; If-Match does not add."""
    lost = await admin.put("/roles/clerk", json={}, headers={"If-Match": "*"})
    assert lost.status_code == 412
    added = await admin.put("/roles/clerk", json={}, headers={"If-None-Match": "*"})
    assert added.status_code == 200
    again = await admin.put("/roles/clerk", json={}, headers={"If-None-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (412, "changed_meanwhile")
    tag = added.headers["etag"]
    changed = await admin.put(
        "/roles/clerk", json={"description": "new"}, headers={"If-Match": f'"x", {tag}'}
    )
    assert changed.status_code == 200
    weak = await admin.put("/roles/clerk", json={}, headers={"If-Match": f"W/{changed.headers['etag']}"})
    assert weak.status_code == 412
    malformed = await admin.put("/roles/clerk", json={}, headers={"If-Match": "bare"})
    assert malformed.status_code == 422
    gone = await admin.delete("/roles/clerk", headers={"If-Match": changed.headers["etag"]})
    assert (gone.status_code, gone.content) == (204, b"")


async def test_concurrent_edits_lose_nothing(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Of many changes decided on the same state one is made; each of the others is told."""
    await admin.put("/roles/clerk", json={}, headers={"If-None-Match": "*"})

    async def add(scope: str) -> int:
        refused = 0
        while True:
            role = await admin.get("/roles/clerk")
            wanted = {"scopes": [*role.json()["scopes"], scope]}
            answer = await admin.put("/roles/clerk", json=wanted, headers={"If-Match": role.headers["etag"]})
            if answer.status_code == 200:
                return refused
            assert answer.status_code == 412
            refused += 1

    refused = await asyncio.gather(*(add(f"scope{number}") for number in range(8)))
    kept = (await admin.get("/roles/clerk")).json()["scopes"]
    assert sorted(kept) == [f"scope{number}" for number in range(8)]
    assert sum(refused) > 0


async def test_a_request_that_comes_twice_is_done_once(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """The answer is given again, without the secret; another body under the same key is refused."""
    first = await issue(admin, **{"Idempotency-Key": "k1"})
    again = await issue(admin, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json() | {"key": None}
    assert len((await admin.get("/keys")).json()["items"]) == 1
    other = await admin.post(
        "/keys",
        json={"application": "shop", "environment": "production"},
        headers={"Idempotency-Key": "k1"},
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_others_and_of_failures_do_not_count(
    shop: SqlStore, admin: httpx2.AsyncClient, visit: Visit
) -> None:
    """A key is somebody's own; what was refused can be sent again under it; at once it waits for nobody."""
    await issue(admin, **{"Idempotency-Key": "k1"})
    assert "idempotency-replayed" not in (await issue(visit("admin"), **{"Idempotency-Key": "k1"})).headers
    wrong = {"application": "nobody", "environment": "development"}
    failed = await admin.post("/keys", json=wrong, headers={"Idempotency-Key": "k2"})
    assert failed.status_code == 404
    assert (await issue(admin, **{"Idempotency-Key": "k2"})).status_code == 201
    answers = await asyncio.gather(*(issue(admin, **{"Idempotency-Key": "k3"}) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum("idempotency-replayed" not in each.headers for each in answers if each.status_code == 201) == 1
    malformed = await issue(admin, **{"Idempotency-Key": "a b"})
    assert (malformed.status_code, malformed.json()["code"]) == (400, "idempotency_key_malformed")


async def test_no_secret_is_kept_for_an_answer_sent_again(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """What is stored of an answer holds no key."""
    key = (await issue(admin, **{"Idempotency-Key": "k1"})).json()["key"]
    async with shop.reading() as tx:
        rows = (await cast("Any", tx)._connection.execute(text("SELECT body FROM idempotency"))).all()
    assert len(rows) == 1
    assert key not in rows[0].body
    assert '"key":null' in rows[0].body


async def test_lists_come_in_pages(shop: SqlStore, admin: httpx2.AsyncClient) -> None:
    """Following next shows everything once, with the filters of the first page, whatever is added meanwhile."""
    made = [(await issue(admin)).json()["credential"]["id"] for _ in range(5)]
    seen: list[str] = []
    url = "/keys?limit=2&application=shop"
    while url:
        page = (await admin.get(url.removeprefix("/admin/v1"))).json()
        seen += [each["id"] for each in page["items"]]
        url = page["next"]
        if len(seen) == 2:
            made.append((await issue(admin)).json()["credential"]["id"])
            assert "application=shop" in url
    assert seen == made


@pytest.mark.parametrize("cursor", ["x", "A" * 40, "%00", "é"])
async def test_cursors_of_others_are_refused(admin: httpx2.AsyncClient, cursor: str) -> None:
    """What this list did not give out is not guessed at."""
    answer = await admin.get("/keys", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


async def test_the_document_says_all_of_an_operation(admin: httpx2.AsyncClient) -> None:
    """OpenAPI 3.1, to be had without a token, with every status and header."""
    document = (await admin.get("/openapi.json", headers={"Authorization": ""})).json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/admin/v1"}]
    revoke = document["paths"]["/keys/{key_id}:revoke"]["post"]
    assert revoke["operationId"] == "revoke_key"
    assert revoke["x-wardgate-permission"] == "keys.revoke"
    assert {each["name"] for each in revoke["parameters"]} == {"key_id", "If-Match", "Idempotency-Key"}
    expected = {
        "200",
        "400",
        "401",
        "403",
        "404",
        "408",
        "409",
        "412",
        "413",
        "415",
        "422",
        "428",
        "429",
        "503",
    }
    assert set(revoke["responses"]) == expected


def test_nothing_is_reachable_that_was_not_declared(store: SqlStore, visitors: Visitors) -> None:
    """A route that was added past the declarations stops the start."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/back-door", lambda: None)
    with pytest.raises(TypeError, match="/back-door is no operation"):
        check_routes(app)


async def test_an_operation_needs_a_permission_there_is() -> None:
    """A misspelt permission stops the start."""
    operations = Operations("things")

    @operations.get("/things", permission=cast("Any", "things.see"))
    async def list_things(ask: Ask) -> Problem:
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"things\.see"):
        check(operations.all)
