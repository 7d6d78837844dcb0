"""Thousands of connections that do nothing harm nobody, and one address cannot take them all."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time

import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream


def _room(count: int) -> None:
    """Enough descriptors in this process for ``count`` connections, or the test is skipped."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 500:
        pytest.skip(f"at most {hard} open files are allowed here")
    if soft < count + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 2000), hard))


def _open(port: int, count: int, start: bytes) -> list[socket.socket]:
    socks = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port), 10)
        if start:
            sock.sendall(start)
        socks.append(sock)
    return socks


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """An installation with ordinary time-outs, started with a low limit of open files it must raise itself."""
    return make_stack(upstream, document([api("raw", [upstream.url])]), "--header-timeout", "20s")


@pytest.mark.parametrize(
    ("count", "start"), [(1000, b"GET /raw/v1/echo HTTP/1.1\r\nHost: g\r\nX-"), (5000, b"")]
)
def test_idle_connections_harm_nobody(stack: Stack, count: int, start: bytes) -> None:
    """Beside them a request is answered as fast as ever."""
    _room(count)
    socks = _open(stack.port, count, start)
    try:
        with stack.wire() as wire:
            times = []
            for _ in range(100):
                began = time.monotonic()
                wire.send(stack.request("/raw/v1/echo"))
                assert wire.answer().status == 200
                times.append(time.monotonic() - began)
        assert sorted(times)[50] < 0.05
        assert stack.ask("/raw/v1/echo").status == 200
    finally:
        for sock in socks:
            sock.close()


def test_one_address_gets_a_bounded_number_of_connections(make_stack: MakeStack, upstream: Upstream) -> None:
    """The connection past the bound is told so and closed; when others end there is room again."""
    stack = make_stack(
        upstream, document([api("raw", [upstream.url])]), "--max-connections-per-address", "20"
    )
    socks = _open(stack.port, 20, b"")
    try:
        with stack.wire() as wire:
            answer = wire.answer()
            assert (answer.status, answer.reason) == (503, "connections_exceeded")
            assert wire.closed()
    finally:
        for sock in socks:
            sock.close()
    time.sleep(0.2)
    assert stack.ask("/raw/v1/echo").status == 200


def test_slow_heads_are_ended_in_time(make_stack: MakeStack, upstream: Upstream) -> None:
    """Three hundred clients that send a byte now and then all get 408 when the time for a head is over."""
    stack = make_stack(upstream, document([api("raw", [upstream.url])]), "--header-timeout", "1s")
    socks = _open(stack.port, 300, b"GET /raw/v1/echo HTTP/1.1\r\n")
    began = time.monotonic()
    for turn in range(3):
        time.sleep(0.4)
        for sock in socks:
            with contextlib.suppress(ConnectionError):
                sock.sendall(b"X" if turn else b"A")
    try:
        for sock in socks:
            sock.settimeout(5)
            data = b""
            while more := sock.recv(4096):
                data += more
            assert data.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 6
    finally:
        for sock in socks:
            sock.close()


@pytest.mark.parametrize("kind", ["pipelined", "tiny chunks"])
def test_one_busy_connection_leaves_the_others_their_turn(stack: Stack, kind: str) -> None:
    """While one client sends requests, or a body in tiny chunks, as fast as it can, another is answered in time."""
    stop = threading.Event()
    wire = stack.wire(timeout=20)

    def flood() -> None:
        try:
            if kind == "tiny chunks":
                wire.send(stack.request("/raw/v1/length", "POST", b"Transfer-Encoding: chunked\r\n"))
            unit = b"GET /nowhere HTTP/1.1\r\nHost: g\r\n\r\n" if kind == "pipelined" else b"1\r\nx\r\n"
            while not stop.is_set():
                wire.send(unit * 5000)
        except OSError:
            return

    def drain() -> None:
        try:
            while wire.sock.recv(1 << 20):
                pass
        except OSError:
            return

    threads = [threading.Thread(target=flood), threading.Thread(target=drain)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        with stack.wire() as other:
            for _ in range(10):
                began = time.monotonic()
                other.send(stack.request("/raw/v1/echo"))
                assert other.answer().status == 200
                assert time.monotonic() - began < 1.5
    finally:
        stop.set()
        wire.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(20)
        wire.sock.close()
