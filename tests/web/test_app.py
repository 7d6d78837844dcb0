"""Control's own pages: liveness, readiness, metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from wardgate.domain.settings import ServerSettings
from wardgate.gateway.hub import HubClient, HubConnection, Message
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.web import bridge as bridges
from wardgate.web.app import create_app
from wardgate.web.bridge import SupervisorBridge


class Supervisor:
    """The other end of the hub: answers with ``children`` and ``body``, unless it is ``silent``."""

    def __init__(self) -> None:
        self.children: list[dict[str, Any]] = [
            {"name": "gateway-0", "state": "ready"},
            {"name": "control", "state": "ready"},
        ]
        self.body = "wardgate_workers 1\n"
        self.silent = False
        self.accepted: list[str] = []
        self.connection = HubConnection(self._answer, lambda: None)

    def _answer(self, message: Message) -> None:
        if message["kind"] != "metrics.request" or self.silent:
            return
        self.accepted.append(message["accept"])
        answer = {
            "kind": "metrics.reply",
            "id": message["id"],
            "body": self.body,
            "content_type": "text/plain; version=1.0.0",
        }
        self.connection.send({**answer, "children": self.children})


class Store:
    """A store that can go away."""

    def __init__(self) -> None:
        self.away = False

    def probe(self) -> None:
        if self.away:
            raise StoreUnavailableError("the disk is gone")


@pytest.fixture
def supervisor() -> Supervisor:
    """The supervisor of this test."""
    return Supervisor()


@pytest.fixture
def store() -> Store:
    """The store of this test."""
    return Store()


@pytest.fixture
async def client(supervisor: Supervisor, store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    """Speaks to control, which is joined to ``supervisor`` by a real hub."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    await asyncio.get_running_loop().create_connection(lambda: supervisor.connection, sock=theirs)
    hub = await HubClient.connect(ours.detach())
    app = create_app(ServerSettings(), SupervisorBridge(hub), store.probe)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://control"
    ) as speaking:
        yield speaking
    hub.close()
    supervisor.connection.close()
    await asyncio.sleep(0.01)


async def test_ready_when_workers_are_and_the_store_is_readable(client: httpx2.AsyncClient) -> None:
    """Both checks are named and pass."""
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "checks": {"store": "ok", "workers": "ok"}},
    )
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("children", "said"),
    [
        (
            [{"name": "gateway-0", "state": "ready"}, {"name": "gateway-1", "state": "waiting"}],
            "1 of 2 are ready",
        ),
        ([{"name": "control", "state": "ready"}], "0 of 0 are ready"),
    ],
)
async def test_not_ready_while_a_worker_is_not(
    client: httpx2.AsyncClient, supervisor: Supervisor, children: list[dict[str, Any]], said: str
) -> None:
    """A worker that is starting again makes the installation not ready, and the answer says so; it stays alive."""
    supervisor.children = children
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["workers"]) == (503, said)
    assert (await client.get("/livez")).json() == {"status": "ok"}


async def test_not_ready_while_the_store_is_away(client: httpx2.AsyncClient, store: Store) -> None:
    """The check of the store says what is wrong without details of the system."""
    store.away = True
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["store"]) == (503, "the store cannot be read")


async def test_metrics_are_the_supervisors(client: httpx2.AsyncClient, supervisor: Supervisor) -> None:
    """Text and content type come as the supervisor rendered them for what the scraper accepts."""
    answer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert (answer.text, answer.headers["content-type"]) == (supervisor.body, "text/plain; version=1.0.0")
    assert supervisor.accepted == ["application/openmetrics-text"]


async def test_a_silent_supervisor_is_said(
    client: httpx2.AsyncClient, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer in time metrics and readiness are 503, and nothing waits for ever."""
    monkeypatch.setattr(bridges, "REPLY_SECONDS", 0.05)
    supervisor.silent = True
    metrics = await client.get("/metrics")
    assert (metrics.status_code, metrics.text) == (503, "the supervisor did not answer within 0.05 s\n")
    assert (
        (await client.get("/readyz"))
        .json()["checks"]["supervisor"]
        .startswith("the supervisor did not answer")
    )
    supervisor.connection.close()
    await asyncio.sleep(0.02)
    assert (await client.get("/metrics")).text == "the supervisor is gone\n"


async def test_many_questions_at_a_time_get_their_own_answers(client: httpx2.AsyncClient) -> None:
    """Concurrent scrapes do not mix."""
    answers = await asyncio.gather(*(client.get("/metrics") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def test_the_index_names_the_pages(client: httpx2.AsyncClient) -> None:
    """The root says what this is and where to go on; anything else is problem details."""
    index = await client.get("/")
    assert index.json()["links"] == {
        "admin": "/admin/v1/openapi.json",
        "metrics": "/metrics",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    assert index.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    missing = await client.get("/missing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert missing.json() == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert (await client.post("/livez")).status_code == 405
