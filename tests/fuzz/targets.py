"""What is fuzzed, and with what to begin: each target takes bytes and raises when an invariant does not hold."""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["wardgate.gateway"], enable_loader_override=False):
    from tests.fuzz import oracle


def _request(data: bytes) -> None:
    oracle.check_request(data)


def _response(data: bytes) -> None:
    oracle.check_response(data)


def _chunks(data: bytes) -> None:
    """The first bytes say where to cut."""
    oracle.check_chunks(data[3:], list(data[:3]))


def _path(data: bytes) -> None:
    oracle.check_path(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "request": _request,
    "response": _response,
    "chunked": _chunks,
    "path": _path,
}

SEEDS: dict[str, list[bytes]] = {
    "request": [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /a?b HTTP/1.1\r\nHost: h:80\r\nContent-Length: 3\r\nConnection: close, X-A\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
        b"GET http://h/a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n",
    ],
    "response": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.0 304 Not Modified\r\nContent-Length: 10\r\nConnection: keep-alive\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ],
    "chunked": [
        b"\x01\x05\x093\r\nabc\r\n0\r\n\r\n",
        b'\x01\x05\x09a;x="y\\"z";q\r\n0123456789\r\n00\r\nX-T: 1\r\n\r\nrest',
    ],
    "path": [b"/", b"/a/b?c=d", b"/caf%c3%a9/%2e%2e/a%2fb", b"/%EF%BC%8F;a//\\", b"/a%2541?%zz"],
}


def main() -> None:
    """Hands the process over to libFuzzer; ``argv`` is the target's name and libFuzzer's options."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
