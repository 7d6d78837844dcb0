"""A stranger who has the authorization server store more and more, at real sockets: the one address, and no other."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Wire

SECURITY = {"schemes": ["oauth2"], "scopes": {"items.read": "See items"}}
CALLBACK = "https://app.example/cb"
#: Loopback has addresses enough: each test is a stranger of its own.
FLOOD, OTHER, PERSON = "127.0.0.2", "127.0.0.3", "127.0.0.4"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A recording upstream."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    """Two workers before one authorization server, as it is by default."""
    content = document([api("items", [upstream.url], security=SECURITY)])
    with Stack(tmp_path_factory.mktemp("intake"), upstream, content, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def screen(stack: Stack) -> str:
    """A public client for devices and browsers."""
    made = command(
        *("clients", "add", "open", "--authentication", "none", "--grant", "device", "--grant", "code"),
        *("--redirect-uri", CALLBACK, "--scope", "items.read", "--json", "--data-dir", str(stack.data_dir)),
    )
    return str(json.loads(made)["id"])


def ask_from(address: str, port: int, request: bytes) -> Answer:
    """One answer to a client at ``address``."""
    with Wire.over(socket.create_connection(("127.0.0.1", port), 10, source_address=(address, 0))) as wire:
        wire.send(request)
        return wire.answer(request.split(b" ")[0].decode())


def form(path: str, told: str = "", padding: int = 0, **fields: str) -> bytes:
    """A posted form; ``padding`` bytes are of no use, and ``told`` is whom the request says it is from."""
    body = urlencode({**fields, "padding": "x" * padding})
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: gateway",
        *([f"X-Forwarded-For: {told}", f"Forwarded: for={told}"] if told else []),
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def flood(stack: Stack, address: str, path: str, **fields: str) -> Answer:
    """The answer when it has become too much. Each request is large and says that it is from somewhere else."""
    for number in range(200):
        answer = ask_from(address, stack.port, form(path, f"192.0.2.{number}", 60_000, **fields))
        if answer.status not in (200, 303):
            return answer
    raise AssertionError("it never became too much")


def test_a_stranger_is_slowed_and_nobody_else(stack: Stack, screen: str) -> None:
    """429 with the time to wait, wherever the stranger asks and whoever it says it is; and then it goes on."""
    path = "/oauth2/device_authorization"
    refused = flood(stack, FLOOD, path, client_id=screen)
    assert refused.status == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert refused.values("cache-control") == ["no-store"]
    assert 1 <= int(refused.values("retry-after")[0]) <= 2
    assert ask_from(OTHER, stack.port, form(path, padding=60_000, client_id=screen)).status == 200
    for port in (stack.port, stack.service.control):
        # One may pass meanwhile; were it OTHER's to use up, all would.
        spoofed = [ask_from(FLOOD, port, form(path, OTHER, 60_000, client_id=screen)) for _ in range(3)]
        assert "temporarily_unavailable" in [answer.json().get("error") for answer in spoofed]
    time.sleep(int(refused.values("retry-after")[0]))
    assert ask_from(FLOOD, stack.port, form(path, client_id=screen)).status == 200


def test_a_person_sees_a_page_that_says_when_to_come_back(stack: Stack, screen: str) -> None:
    """A browser is not sent to the application with it: what is too much would come back from there at once."""
    asked = {
        "client_id": screen,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    seen = flood(stack, PERSON, "/oauth2/authorize", **asked)
    assert seen.status == 429
    assert seen.values("content-type") == ["text/html; charset=utf-8"]
    assert b"Too many attempts; try again in" in seen.body
    time.sleep(int(seen.values("retry-after")[0]))
    request = f"GET /oauth2/authorize?{urlencode(asked)} HTTP/1.1\r\nHost: gateway\r\n\r\n"
    answer = ask_from(PERSON, stack.port, request.encode())
    assert answer.status == 303
    assert "/oauth2/login?request=" in answer.values("location")[0]
