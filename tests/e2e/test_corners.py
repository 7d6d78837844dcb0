"""Where two features meet: cut uploads, tunnels under limits, odd bytes in the log, pre-flights with bodies."""

from __future__ import annotations

import socket
import time

import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Wire

_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_PLANS = {"narrow": [{"kind": "concurrency", "amount": 2}]}


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """An API with CORS and a plan for two at once, and one with its key in the query."""
    cors = {"origins": ["*"], "methods": ["GET"]}
    query = {"schemes": ["api_key"], "api_key": {"in": "query", "name": "api_key"}}
    content = document(
        [
            api("raw", [upstream.url], plans=["open", "narrow"], cors=cors),
            api("query", [upstream.url], security=query),
            api("hosted", [upstream.url], hosts=["api.example.com", "*.wild.example.com"], base_path="/"),
        ],
        _PLANS,
    )
    return make_stack(upstream, content)


@pytest.mark.parametrize(
    ("framing", "part"),
    [(b"Content-Length: 100\r\n", b"x" * 50), (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n5\r\nab")],
)
@pytest.mark.parametrize("half", [True, False])
def test_a_cut_upload_never_looks_whole(
    stack: Stack, upstream: Upstream, framing: bytes, part: bytes, half: bool
) -> None:
    """When the client stops in its body the upstream's connection is cut: no length is met, no last chunk written."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/mirror", "POST", framing, part))
        time.sleep(0.2)
        if half:
            wire.sock.shutdown(socket.SHUT_WR)
            assert wire.closed()
    time.sleep(0.3)
    assert len(upstream.log.requests) == 1
    assert not upstream.on_wire(b"\r\n0\r\n\r\n")
    stack.service.until(lambda: stack.access_log()[-1]["reason"] == "client_closed", 3)


def test_tunnels_count_as_in_flight(stack: Stack) -> None:
    """Two tunnels fill a concurrency of two; when one ends, from either side, there is room again."""
    request = stack.request("/raw/v1/upgrade-late", more=_UPGRADE, key=stack.keys["narrow"])

    def open_tunnel() -> tuple[Wire, int]:
        wire = stack.wire()
        wire.send(request)
        return wire, wire.answer().status

    first, second, third = (open_tunnel() for _ in range(3))
    assert [status for _, status in (first, second, third)] == [101, 101, 429]
    first[0].sock.close()
    third[0].sock.close()
    time.sleep(0.3)
    again, status = open_tunnel()
    assert status == 101
    again.sock.close()
    second[0].sock.close()
    time.sleep(0.3)
    assert [stack.ask("/raw/v1/echo", key=stack.keys["narrow"]).status for _ in range(3)] == [200] * 3


def test_a_slow_tunnel_holds_its_sender_back(stack: Stack) -> None:
    """A client that sends into a tunnel without reading the echo is stopped, and later reads every byte."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/upgrade-late", more=_UPGRADE))
        assert wire.answer().status == 101
        wire.sock.settimeout(1.0)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += wire.sock.send(b"x" * 65536)
        wire.sock.settimeout(20)
        for _ in range(sent // 65536):
            wire._exactly(65536)


def test_the_log_is_json_whatever_clients_send(stack: Stack) -> None:
    """Quotes, escapes, controls and non-ASCII in path, query, Host and method break no line."""
    targets = [
        '/raw/v1/%22,%22status%22:200,%22x%22:%22', "/raw/v1/%5B%7B%22a", "/raw/v1/%E6%97%A5%C3%A9%F0%9F%9A%80",
        '/raw/v1/x?"}{"\\&a=%00%0d%0a%22', "/raw/v1/%C2%A0x",
    ]  # fmt: skip
    before = len(stack.access_log())
    for target in targets:
        assert stack.ask(target).status == 200
    with stack.wire() as wire:
        wire.send(b'"GET\xff / HTTP/1.1\r\n\r\n')
        assert wire.answer().status == 400
    stack.service.until(lambda: len(stack.access_log()) >= before + 6, 5)
    assert '/raw/v1/","status":200,"x":"' in [line["path"] for line in stack.access_log()]


@pytest.mark.parametrize(
    "target",
    [
        "/raw/v1/echo?api_key=KEY", "/raw/v1/echo?%61pi_key=KEY", "/query/v1/echo?%61pi_key=KEY&api_key=KEY",
        "/query/v1/echo?a=KEY", "/nowhere?token=KEY", "/raw/v1/KEY", "/raw/v1/KEY/a?b", "/raw/v1/echo?x=%77KEYTAIL",
    ],
)  # fmt: skip
def test_keys_in_odd_places_are_not_logged(stack: Stack, target: str) -> None:
    """A key in a path, under another name or half encoded does not stand in the log."""
    line = target.replace("KEYTAIL", stack.key[1:]).replace("KEY", stack.key)
    before = len(stack.access_log())
    stack.ask(line)
    stack.service.until(lambda: len(stack.access_log()) > before, 5)
    assert stack.key[8:] not in (stack.data_dir / "access.log").read_text()


def test_a_preflight_with_a_body_desynchronises_nothing(stack: Stack, upstream: Upstream) -> None:
    """The body of a pre-flight is read off; it is not taken for a request."""
    inner = b"GET /raw/v1/smuggled HTTP/1.1\r\nHost: g\r\n\r\n"
    head = (
        b"OPTIONS /raw/v1/a HTTP/1.1\r\nHost: g\r\nOrigin: https://o\r\nAccess-Control-Request-Method: GET\r\n"
        b"Content-Length: %d\r\n\r\n" % len(inner)
    )
    with stack.wire() as wire:
        wire.send(head + inner + stack.request("/raw/v1/echo?next"))
        assert wire.answer().status == 204
        assert b"echo?next" in wire.answer().body
    assert not upstream.on_wire(b"smuggled")


def test_a_key_in_a_trailer_is_not_forwarded(stack: Stack, upstream: Upstream) -> None:
    """Neither is what a trailer says about the caller."""
    trailer = f"x-api-key: {stack.key}\r\nX_API_KEY: {stack.key}\r\nX-Fine: 1\r\n".encode()
    body = b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n"
    assert stack.ask("/raw/v1/mirror", "POST", b"Transfer-Encoding: chunked\r\n", body).status == 200
    assert upstream.on_wire(b"X-Fine: 1")
    assert not upstream.on_wire(b"wg_")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example.com", 200), ("API.Example.Com.", 200), ("api.example.com:8443", 200), ("a.wild.example.com", 200),
        ("evil.example.com", 404), ("api.example.com.evil", 404), ("wild.example.com", 404), ("127.0.0.1", 404),
    ],
)  # fmt: skip
def test_apis_are_chosen_by_host(stack: Stack, host: str, status: int) -> None:
    """Case, a trailing dot and the port do not matter; another name does not find the API."""
    with stack.wire() as wire:
        wire.send(f"GET /echo HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {stack.key}\r\n\r\n".encode())
        assert wire.answer().status == status


@pytest.mark.parametrize(
    "path", ["/raw/v1x/echo", "/raw/v", "/RAW/v1/echo", "/raw", "/raw/v10", "/", "/raw/v1%20/echo"]
)
def test_base_paths_match_whole_segments(stack: Stack, upstream: Upstream, path: str) -> None:
    """A path that only begins like a base path is not found."""
    assert stack.ask(path).status == 404
    assert not upstream.log.requests


def test_nothing_is_read_after_the_last_request(stack: Stack, upstream: Upstream) -> None:
    """What stands behind a request that closes its connection is never looked at."""
    for last in (
        stack.request("/raw/v1/echo", more=b"Connection: close\r\n"),
        stack.request("/raw/v1/echo").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ):
        with stack.wire() as wire:
            wire.send(last + stack.request("/raw/v1/smuggled"))
            assert wire.answer().status == 200
            assert wire.rest() == b""
    assert not upstream.on_wire(b"smuggled")


def test_every_answer_has_its_own_request_id(stack: Stack, upstream: Upstream) -> None:
    """The upstream, the client and the log know a request by the same name, and no client can choose it."""
    ids = set()
    for _ in range(5):
        answer = stack.ask("/raw/v1/echo", more=b"X-Wardgate-Request-Id: mine\r\n")
        (told,) = answer.values("x-wardgate-request-id")
        assert upstream.log.requests[-1].values(b"x-wardgate-request-id") == [told.encode()]
        ids.add(told)
    assert len(ids) == 5
    stack.service.until(lambda: ids <= {str(line["request_id"]) for line in stack.access_log()}, 5)
