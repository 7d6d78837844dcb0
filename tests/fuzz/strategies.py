"""Messages that are nearly right: grammar first, then bytes changed where parsers have been fooled before."""

from __future__ import annotations

from hypothesis import strategies as st

_METHODS = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"get",
    b"G\tET",
    b"TRACE",
    b"",
    b"PRI",
]
_TARGETS = [
    b"/", b"/a", b"/a?b=c", b"/%2e%2e/a", b"/a//b", b"/a%2fb", b"/a;b", b"*", b"a:80", b"http://h/a", b"http://h",
    b"http://u@h/a", b"//h/a", b"/\xc3\xa9", b"/a b", b"/%00", b"/a#b", b"/?\r\nX: y",
]  # fmt: skip
_VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"HTTP/01.1",
    b"HTTP/0.9",
]
_NAMES = [
    b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect", b"X-A", b"Cookie",
    b"content-length", b"TRANSFER-ENCODING", b"Content_Length", b"X-Wardgate-Application", b"Authorization", b"",
    b"Content-Length ", b"X A", b"X\x00", b"Proxy-Connection", b"Trailer", b"TE", b"Keep-Alive",
]  # fmt: skip
_VALUES = [
    b"h", b"0", b"3", b"+3", b"3, 3", b"0x3", b"-1", b"3 ", b" 3", b"chunked", b"Chunked", b"xchunked",
    b"chunked, identity", b"identity", b"gzip, chunked", b"chunked\x0b", b"\tchunked\t", b"close", b"keep-alive",
    b"keep-alive, close", b"Upgrade", b"websocket", b"h2c", b"100-continue", b"", b"a\tb", b"\xff", b"a\x00b", b"h:80",
    b"18446744073709551617", b"u@h", b"Host", b"close, X-A", b"\"a, b\"", b"a\r\n b",
]  # fmt: skip
_ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\r\n "]
_COLONS = [b": "] * 10 + [b":", b":\t", b" :", b"", b":  "]
_CHUNKS = [
    b"0\r\n\r\n", b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3;a=b\r\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n",
    b"03\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"3\r\nabcX\r\n0\r\n\r\n", b"0\r\nX-T: 1\r\n\r\n", b"-1\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n", b"ffffffffffffffff1\r\n", b"3;\"\n\"\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n",
    b"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n", b"3;a=\"q;\\\"\"\r\nabc\r\n0\r\n\r\n", b"0;a\r\n\r\n",
    b"A\r\n0123456789\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nX: y\n\r\n", b"3\r\nabc\r\n0\r\n X: y\r\n\r\n",
]  # fmt: skip
_TOKENS = [
    b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b":", b",", b";", b"\x0b", b"\x85", b"\xff", b"0", b"chunked", b"/..",
    b"%0d%0a", b"\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n",
]  # fmt: skip


@st.composite
def _mutated(draw: st.DrawFn, data: bytes) -> bytes:
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        deed = draw(st.sampled_from(["insert", "delete", "replace", "repeat"]))
        if deed == "insert":
            data = data[:at] + draw(st.sampled_from(_TOKENS)) + data[at:]
        elif deed == "delete":
            data = data[:at] + data[at + draw(st.integers(1, 3)) :]
        elif deed == "replace":
            data = data[:at] + draw(st.binary(min_size=1, max_size=1)) + data[at + 1 :]
        else:
            data = data[:at] + data[max(0, at - draw(st.integers(1, 20))) : at] + data[at:]
    return data


def _mostly(right: bytes, all_of: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.sampled_from([right] * (4 * len(all_of)) + all_of)


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    out = b""
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 4]))):
        out += draw(st.sampled_from(_NAMES)) + draw(st.sampled_from(_COLONS))
        out += draw(st.sampled_from(_VALUES)) + draw(st.sampled_from(_ENDS))
    return out


_BODIES = st.one_of(
    st.just(b""), st.lists(st.sampled_from(_CHUNKS), max_size=3).map(b"".join), st.binary(max_size=12)
)
_FRAMINGS = [b"", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Bytes that look like a request, with what follows it."""
    head = b" ".join(
        [
            draw(_mostly(b"POST", _METHODS)),
            draw(_mostly(b"/a", _TARGETS)),
            draw(_mostly(b"HTTP/1.1", _VERSIONS)),
        ]
    )
    lines = draw(_mostly(b"Host: h\r\n", [b"", b"Host: h\r\nHost: i\r\n", b"host:h\r\n"])) + draw(_lines())
    data = head + b"\r\n" + lines + draw(st.sampled_from(_FRAMINGS)) + b"\r\n" + draw(_BODIES)
    return draw(_mutated(data))


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Bytes that look like a response, with what follows it."""
    status = draw(
        _mostly(
            b"200 OK",
            [
                b"204 No Content",
                b"304 Not Modified",
                b"101 Switching Protocols",
                b"103 E",
                b"200",
                b"20 OK",
                b"2000 OK",
            ],
        )
    )
    head = draw(_mostly(b"HTTP/1.1", _VERSIONS)) + b" " + status
    data = head + b"\r\n" + draw(_lines()) + draw(st.sampled_from(_FRAMINGS)) + b"\r\n" + draw(_BODIES)
    return draw(_mutated(data))


@st.composite
def chunked_bodies(draw: st.DrawFn) -> bytes:
    """Bytes that look like a chunked body."""
    return draw(_mutated(b"".join(draw(st.lists(st.sampled_from(_CHUNKS), min_size=1, max_size=4)))))


_PATH_PIECES = [
    b"/", b"a", b"..", b".", b"%2e", b"%2E%2e", b"%2f", b"%5c", b"\\", b";", b"%3b", b"%25", b"2f", b"%c0%af", b"%00",
    b"%EF%BC%8F", b"%e2%81%84", b"?", b"#", b"%23", b"%20", b"+", b"%u002f", b"%EF%BC%8E", b"x=1", b"&", b"%e2%80%ae",
    b"%41", b"~", b"%7e", b":", b"@", b"%ff", b"\x7f", b" ", b"%0d%0a",
]  # fmt: skip


def targets() -> st.SearchStrategy[bytes]:
    """Bytes that look like a request target."""
    pieces = st.lists(st.one_of(st.sampled_from(_PATH_PIECES), st.binary(max_size=2)), max_size=8)
    return pieces.map(lambda parts: b"/" + b"".join(parts))
