"""Response heads: strict, framing decided once, hop-by-hop and the gateway's own fields removed."""

from __future__ import annotations

import pytest

from wardgate.gateway.response_head import ResponseError, ResponseHead, ResponseParser


def _parse(raw: bytes) -> ResponseHead:
    return ResponseParser(100).parse(raw)


def test_a_plain_answer() -> None:
    """The block is what goes on to the client: status line, fields in order, one length."""
    head = _parse(
        b"HTTP/1.1 200 Fine\r\nX-A:  b \r\nContent-Length: 007\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a\r\nSet-Cookie: b"
    )
    assert (
        head.block
        == b"HTTP/1.1 200 Fine\r\nX-A: b\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 7\r\n"
    )
    assert (head.status, head.length, head.chunked, head.keep_alive) == (200, 7, False, True)


@pytest.mark.parametrize(
    ("raw", "length", "chunked", "keep"),
    [
        (b"HTTP/1.1 200 OK", -1, False, True),
        (b"HTTP/1.1 200", -1, False, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1", 1, False, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1", 1, False, True),
        # RFC 9112 section 9.3: close decides, wherever it stands.
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 1",
            1,
            False,
            False,
        ),
        (
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 1",
            1,
            False,
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1", 1, False, False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked", -1, True, True),
    ],
)
def test_framing(raw: bytes, length: int, chunked: bool, keep: bool) -> None:
    """How the body ends, and whether the connection may be used again."""
    head = _parse(raw)
    assert (head.length, head.chunked, head.keep_alive) == (length, chunked, keep)


def test_nominated_fields_are_removed() -> None:
    """What the upstream names in Connection is meant for the gateway alone."""
    assert b"secret" not in _parse(b"HTTP/1.1 200 OK\r\nConnection: X-B\r\nX-B: secret\r\nX-C: d").block


def test_an_answer_without_content_tells_no_length() -> None:
    """204 goes on without framing; where a body was announced the connection is not used again, for it may come."""
    for field, keep in (
        (b"Content-Length: 0", True),
        (b"Content-Length: 5", False),
        (b"Transfer-Encoding: chunked", False),
    ):
        head = _parse(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n" + field)
        assert (head.block, head.keep_alive) == (b"HTTP/1.1 204 No Content\r\nX-A: b\r\n", keep)
    assert b"Content-Length: 5" in _parse(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5").block


def test_interim_answers_have_no_length() -> None:
    """A length in 1xx is refused, in 101 ignored: no client may come to believe in a body."""
    for field in (b"Content-Length: 0", b"Transfer-Encoding: chunked"):
        with pytest.raises(ResponseError):
            _parse(b"HTTP/1.1 103 Early Hints\r\n" + field)
    assert b"Length" not in _parse(b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0").block


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"HTTP/2 200 OK", b"HTTP/1.2 200 OK", b"http/1.1 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 200\tOK", b"HTTP/1.1 200 O\x00K", b"ICY 200 OK",
        b"HTTP/1.1 200 OK\r\nX : y", b"HTTP/1.1 200 OK\r\n X: y", b"HTTP/1.1 200 OK\r\nX: y\nZ: a", b"HTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1", b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1", b"HTTP/1.1 200 OK\r\nContent-Length:",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", b"HTTP/1.1 200 OK" + b"\r\nX: y" * 101,
    ],
)  # fmt: skip
def test_ambiguous_answers_are_refused(raw: bytes) -> None:
    """What two readers could frame differently never reaches a client."""
    with pytest.raises(ResponseError):
        _parse(raw)
