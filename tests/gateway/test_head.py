"""Request heads: what is accepted, how it is understood, and the reason each ambiguous one is refused with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz import strategies

from wardgate.gateway.fields import Line
from wardgate.gateway.head import HeadError, HeadParser, RequestHead

_HOST = b"\r\nHost: a.example"


def _parse(raw: bytes) -> RequestHead:
    return HeadParser(100, 8192).parse(raw)


def _reason(raw: bytes) -> str:
    with pytest.raises(HeadError) as refused:
        _parse(raw)
    return refused.value.reason


def test_a_plain_head() -> None:
    """Method, path, query, host and fields as received."""
    head = _parse(b"PATCH /a%20b?c=%2F HTTP/1.1\r\nHost: A.Example.:8080\r\nX-A: b\r\nx-a: c")
    assert (head.method, head.path, head.target, head.query) == ("PATCH", "/a b", b"/a%20b", b"c=%2F")
    assert (head.host, head.block.authority) == ("a.example", b"A.Example.:8080")
    assert head.values(b"x-a") == [b"b", b"c"]
    assert not head.has_body
    assert head.keep_alive


@pytest.mark.parametrize(
    ("line", "fields", "keep"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"\r\nConnection: close", False),
        (b"GET / HTTP/1.1", b"\r\nConnection: Keep-Alive, CLOSE", False),
        (b"GET / HTTP/1.1", b"\r\nConnection: x\r\nConnection: close", False),
        (b"GET / HTTP/1.0", b"", False),
        (b"GET / HTTP/1.0", b"\r\nConnection: keep-alive", True),
        (b"GET / HTTP/1.0", b"\r\nConnection: keep-alive, close", False),
    ],
)
def test_persistence(line: bytes, fields: bytes, keep: bool) -> None:
    """RFC 9112 section 9.3: 1.1 stays open unless told otherwise, 1.0 only when asked, close always wins."""
    assert _parse(line + _HOST + fields).keep_alive is keep


@pytest.mark.parametrize(
    ("fields", "upgrade"),
    [
        (b"\r\nConnection: Upgrade\r\nUpgrade: WebSocket", True),
        (b"\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket", True),
        (b"\r\nUpgrade: websocket", False),
        (b"\r\nConnection: upgrade\r\nUpgrade: h2c", False),
        (b"\r\nConnection: upgrade\r\nUpgrade: websocket, h2c", False),
        (b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1", False),
    ],
)
def test_only_a_bodyless_websocket_get_upgrades(fields: bytes, upgrade: bool) -> None:
    """Everything else is forwarded without its upgrade."""
    assert _parse(b"GET / HTTP/1.1" + _HOST + fields).upgrade is upgrade
    assert not _parse(b"PUT / HTTP/1.1" + _HOST + fields).upgrade
    assert not _parse(b"GET / HTTP/1.0" + _HOST + fields).upgrade


def test_what_is_forwarded() -> None:
    """Framing, hop-by-hop, nominated and gateway fields are not among the lines that go on."""
    head = _parse(
        b"POST / HTTP/1.1"
        + _HOST
        + b"\r\nContent-Length: 3\r\nConnection: X-Gone, close\r\nX-Gone: 1\r\nTE: trailers\r\n"
        b"X-Wardgate-Plan: x\r\nX_Forwarded_For: y\r\nExpect: 100-continue\r\nAccept: */*\r\nAuthorization: Basic x\r\n"
        b"Content-Type: a/b\r\nOrigin: https://o"
    )
    kept = [line.pair[0] for line in head.block.lines]
    assert kept == [b"accept", b"authorization", b"content-type", b"origin"]
    assert head.block.meaning.expect_continue
    assert (head.content_length, head.block.meaning.length_text) == (3, b"Content-Length: 3")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GET / HTTP/1.1", "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a", "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: u@a", "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: a:65536", "host_invalid"),
        (b"GET http://b/ HTTP/1.1\r\nHost: a", "host_invalid"),
        (b"GET http://a:80/ HTTP/1.1\r\nHost: a", "host_invalid"),
        (b"GET / HTTP/2.0\r\nHost: a", "version_unsupported"),
        (b"GET / HTTP/1.1 \r\nHost: a", "request_malformed"),
        (b"get / http/1.1\r\nHost: a", "request_malformed"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a", "method_unsupported"),
        (b"GET * HTTP/1.1\r\nHost: a", "request_malformed"),
        (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: a", "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: a" + b"\r\nX: y" * 100, "headers_too_large"),
        (b"GET /../ HTTP/1.1\r\nHost: a", "path_ambiguous"),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
            "framing_ambiguous",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1", "framing_ambiguous"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000000", "framing_ambiguous"),
        (b"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked", "framing_ambiguous"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x", "expectation_unsupported"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: a\r\nUpgrade: b", "header_duplicate"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: a\r\nOrigin: b", "header_duplicate"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: host", "request_malformed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: \x80", "request_malformed"),
    ],
)
def test_refusals(raw: bytes, reason: str) -> None:
    """Each ambiguity has its reason."""
    assert _reason(raw) == reason


def test_an_old_request_needs_no_host() -> None:
    """HTTP/1.0 without Host is accepted; with an absolute target the two must still agree."""
    assert _parse(b"GET / HTTP/1.0").host == ""
    assert _reason(b"GET http://a/ HTTP/1.0") == "host_invalid"


_shared = HeadParser(100, 8192)


@settings(max_examples=400)
@given(st.lists(strategies.requests(), min_size=1, max_size=3))
def test_memos_never_change_a_verdict(many: list[bytes]) -> None:
    """A parser that has seen thousands of heads, and the last block again, judges as a new one does."""
    last = None
    for data in many:
        raw = data.partition(b"\r\n\r\n")[0]
        try:
            fresh = _parse(raw)
        except HeadError as error:
            with pytest.raises(HeadError) as refused:
                _shared.parse(raw, last)
            assert refused.value.reason == error.reason
            continue
        warm = _shared.parse(raw, last)
        last = warm.block
        for name in (
            "method",
            "path",
            "target",
            "query",
            "host",
            "chunked",
            "content_length",
            "keep_alive",
            "upgrade",
        ):
            assert getattr(warm, name) == getattr(fresh, name)
        for warm_line, fresh_line in zip(warm.block.lines, fresh.block.lines, strict=True):
            for name in Line.__slots__:
                assert getattr(warm_line, name) == getattr(fresh_line, name)
