"""Large bodies pass through without being kept: the worker's memory stays bounded whoever is slow."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream

_MB = 1 << 20
_GIGABYTE = 1024 * _MB
_SIZES = [("length", _GIGABYTE), ("chunked", 128 * _MB)]
_WORKER_LIMIT = 100 * _MB
_PIECE = bytes(range(256)) * 256


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """An API that takes bodies of any size, with patience for slow readers."""
    entry = api(
        "raw", [upstream.url], max_body=_GIGABYTE, upstream={"timeouts": {"response": 30, "idle": 20}}
    )
    return make_stack(upstream, document([entry]))


def _peak(stack: Stack) -> int:
    """The most memory a worker ever held, in bytes."""
    status = Path(f"/proc/{stack.service.workers()[0]}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize(("how", "size"), _SIZES)
def test_a_large_download_is_streamed(stack: Stack, how: str, size: int) -> None:
    """Every byte arrives, in order, and the worker stays small."""
    digest = hashlib.blake2b()
    with stack.wire(timeout=60) as wire:
        wire.send(stack.request(f"/raw/v1/big?n={size}&how={how}"))
        wire._until(b"\r\n\r\n")
        if how == "chunked":
            while count := int(wire._until(b"\r\n"), 16):
                digest.update(wire._exactly(count))
                wire._exactly(2)
        else:
            for _ in range(size // _MB):
                digest.update(wire._exactly(_MB))
    expected = hashlib.blake2b()
    for _ in range(size // len(_PIECE)):
        expected.update(_PIECE)
    assert digest.digest() == expected.digest()
    assert _peak(stack) < _WORKER_LIMIT


@pytest.mark.parametrize(("how", "size"), _SIZES)
def test_a_large_upload_is_streamed(stack: Stack, how: str, size: int) -> None:
    """The upstream counts every byte, and the worker stays small."""
    framing = b"Transfer-Encoding: chunked\r\n" if how == "chunked" else b"Content-Length: %d\r\n" % size
    with stack.wire(timeout=60) as wire:
        wire.send(stack.request("/raw/v1/length", "POST", framing))
        piece = b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE) if how == "chunked" else _PIECE
        for _ in range(size // len(_PIECE)):
            wire.send(piece)
        if how == "chunked":
            wire.send(b"0\r\n\r\n")
        assert wire.answer().body == b"%d" % size
    assert _peak(stack) < _WORKER_LIMIT


def test_a_client_that_reads_slowly_holds_the_upstream_back(stack: Stack) -> None:
    """While nobody reads, the gateway stops taking more than its buffers hold; later all of it arrives."""
    with stack.wire(timeout=60) as wire:
        wire.send(stack.request(f"/raw/v1/big?n={64 * _MB}"))
        wire._until(b"\r\n\r\n")
        time.sleep(1.0)
        assert _peak(stack) < _WORKER_LIMIT
        left = 64 * _MB
        while left:
            step = min(left, _MB)
            wire._exactly(step)
            left -= step
    assert _peak(stack) < _WORKER_LIMIT


def test_an_upstream_that_reads_slowly_holds_the_client_back(stack: Stack) -> None:
    """While the upstream does not read, a client can only send what the buffers hold."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/never-reads", "POST", b"Content-Length: %d\r\n" % (120 * _MB)))
        wire.sock.settimeout(1.0)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += wire.sock.send(_PIECE)
    assert sent < 90 * _MB  # what the kernel takes for four sockets, 32 MB each at most
    assert _peak(stack) < _WORKER_LIMIT


def test_many_clients_that_do_not_read_stay_cheap(stack: Stack) -> None:
    """Forty stalled downloads cost the worker their buffers and no more."""
    wires = [stack.wire() for _ in range(40)]
    try:
        for wire in wires:
            wire.send(stack.request(f"/raw/v1/big?n={64 * _MB}"))
        time.sleep(1.0)
        assert stack.ask("/raw/v1/echo").status == 200
        assert _peak(stack) < _WORKER_LIMIT
    finally:
        for wire in wires:
            wire.sock.close()
