"""Chunked bodies: decoded strictly, whatever the packets, and written so that they decode again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway.chunked import ChunkDecoder, ChunkError, encode, last_chunk
from wardgate.gateway.fields import LineMemo


def _decode(*pieces: bytes) -> tuple[bytes, ChunkDecoder]:
    decoder = ChunkDecoder(LineMemo())
    return b"".join(b"".join(decoder.feed(piece)) for piece in pieces), decoder


@pytest.mark.parametrize(
    ("data", "body", "trailers", "rest"),
    [
        (b"0\r\n\r\n", b"", [], b""),
        (b"3\r\nabc\r\n0\r\n\r\nNEXT", b"abc", [], b"NEXT"),
        (b"A\r\n0123456789\r\n1\r\n!\r\n000\r\n\r\n", b"0123456789!", [], b""),
        (b'3;a;b=c;d="e;\\"\t"\r\nabc\r\n0;z\r\n\r\n', b"abc", [], b""),
        (b"0\r\nX-Sum: 6\r\nX-B:c\r\n\r\n", b"", [b"X-Sum: 6", b"X-B: c"], b""),
        (
            b"0\r\nX-Wardgate-A: b\r\nCookie: a\r\nAuthorization: b\r\nX_Forwarded_For: c\r\n\r\n",
            b"",
            [],
            b"",
        ),
    ],
)
def test_bodies(data: bytes, body: bytes, trailers: list[bytes], rest: bytes) -> None:
    """Data, the trailers that may be forwarded, and what follows the body."""
    found, decoder = _decode(data)
    assert (found, decoder.done, decoder.trailers, decoder.rest) == (body, True, trailers, rest)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n", b"g\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b" 1\r\n", b"1 \r\n", b"1 ;a\r\n", b"1; a\r\n", b"1;\r\n",
        b"1;=b\r\n", b'1;a="b\r\n', b"1;a=\x00\r\n", b"1\nx", b"1\rx\n", b"11111111111111111\r\n", b"1\r\nab\r\n",
        b"1\r\na\n", b"1\r\na0\r\n", b"0\r\nX\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\nX: y\n\r\n",
        b"0\r\nContent-Length: 1\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: a\r\n\r\n",
        b"0\r\nConnection: close\r\n\r\n", b"1;" + b"a" * 5000, b"0\r\n" + b"X: " + b"a" * 5000,
        b"0\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_chunked_body_is_refused(data: bytes) -> None:
    """Nothing is repaired, and nothing grows without bound."""
    with pytest.raises(ChunkError):
        _decode(data)


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_round_trip(pieces: list[bytes], steps: list[int]) -> None:
    """What was encoded decodes to the same, however it is cut."""
    data = b"".join(encode([piece]) for piece in pieces) + last_chunk([b"X-A: b"]) + b"rest"
    cuts: list[bytes] = []
    at = turn = 0
    while at < len(data):
        step = steps[turn % len(steps)]
        cuts.append(data[at : at + step])
        at, turn = at + step, turn + 1
    decoder = ChunkDecoder(LineMemo())
    found = b""
    for number, cut in enumerate(cuts, start=1):
        found += b"".join(decoder.feed(cut))
        if decoder.done:
            assert decoder.rest + b"".join(cuts[number:]) == b"rest"
            break
    assert (found, decoder.done, decoder.trailers) == (b"".join(pieces), True, [b"X-A: b"])


def test_an_unfinished_body_is_not_done() -> None:
    """Every prefix of a body is incomplete, never whole."""
    whole = b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"
    for end in range(len(whole)):
        assert not _decode(whole[:end])[1].done


def test_nothing_is_encoded_as_nothing() -> None:
    """An empty piece would end the body if it were written as a chunk."""
    assert encode([]) == encode([b"", b""]) == b""
    assert last_chunk([]) == b"0\r\n\r\n"
