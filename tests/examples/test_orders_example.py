"""The orders example, run as its readers run it and spoken to over real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.sync.client import connect

from wardgate.openapi import read_document

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """``host:port`` of a running instance."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "examples.orders", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.communicate()[1].decode()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def client(address: str) -> Iterator[httpx2.Client]:
    """A client of the running instance."""
    with httpx2.Client(base_url=f"http://{address}", trust_env=False) as client:
        yield client


def test_items_can_be_added_shown_and_removed(client: httpx2.Client) -> None:
    """An item lives from POST to DELETE, and is gone after it."""
    made = client.post("/items", json={"name": "ink", "price": 300})
    assert made.status_code == 201
    place = made.headers["location"]
    assert client.get(place).json() == made.json()
    assert made.json() in client.get("/items").json()["items"]
    assert client.delete(place).status_code == 204
    assert client.get(place).json() == {"detail": "there is no such item"}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 400, "the body is no JSON"),
        (b"\xff", 400, "the body is no JSON"),
        (b"[]", 422, "an item needs a name and a price in cents"),
        (b'{"name": "x", "price": true}', 422, "an item needs a name and a price in cents"),
    ],
)
def test_wrong_items_are_refused(client: httpx2.Client, body: bytes, status: int, detail: str) -> None:
    """What is no item is refused with the reason."""
    answer = client.post("/items", content=body)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


def test_echo_shows_what_arrived(client: httpx2.Client) -> None:
    """Echo returns path, query, headers and body as the service received them."""
    seen = client.post("/echo?a=1", content=b"hello", headers={"X-Test": "yes"}).json()
    assert (seen["method"], seen["path"], seen["query"], seen["body"], seen["size"]) == (
        "POST",
        "/echo",
        "a=1",
        "hello",
        5,
    )
    assert seen["headers"]["x-test"] == "yes"


def test_events_stream_one_by_one(client: httpx2.Client) -> None:
    """Server-sent events arrive as they happen, not at the end."""
    with client.stream("GET", "/events?count=3&interval=0.05") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data:")]
    assert lines == [f'data: {{"order": {number}}}' for number in (1, 2, 3)]


def test_the_websocket_echoes(address: str) -> None:
    """Text comes back as text and bytes as bytes."""
    with connect(f"ws://{address}/ws", proxy=None) as talk:
        talk.send("hello")
        assert talk.recv() == "hello"
        talk.send(b"\x00\x01")
        assert talk.recv() == b"\x00\x01"


def test_what_make_run_installs_serves_the_websocket() -> None:
    """The server takes upgrades only where a WebSocket library is installed; `make run` installs its lock and no more."""
    lock = (ROOT / "requirements" / "run.lock").read_text(encoding="utf-8")
    assert "\nwebsockets==" in lock


def test_every_declared_operation_exists(client: httpx2.Client) -> None:
    """The OpenAPI document declares no operation the service does not have."""
    text = (ROOT / "examples" / "orders" / "orders.openapi.yaml").read_text()
    for operation in read_document(text, "orders.openapi.yaml").operations:
        if operation.path == "/ws":
            continue
        answer = client.request(operation.method, operation.path.replace("{id}", "1") + "?count=1")
        assert answer.status_code != 405, operation.name
        assert not (answer.status_code == 404 and answer.text == "Not Found"), operation.name
