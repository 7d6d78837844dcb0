"""The gateway's parsers beside llhttp: whatever the gateway accepts, both understand alike."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fuzz import oracle, strategies

_MANY = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_MANY
@given(strategies.requests())
@example(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n")
@example(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3; a=b\r\nabc\r\n0\r\n\r\n")
@example(b"POST /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\nContent-Length: 3\r\n\r\nabc")
def test_requests_are_read_as_llhttp_reads_them(data: bytes) -> None:
    """Method, target, fields, framing, body and trailers of an accepted request are llhttp's too."""
    oracle.check_request(data)


@_MANY
@given(strategies.responses())
def test_responses_are_read_as_llhttp_reads_them(data: bytes) -> None:
    """Status, forwarded fields, framing and body of an accepted response are llhttp's too."""
    oracle.check_response(data)


@_MANY
@given(strategies.chunked_bodies(), st.lists(st.integers(0, 300), max_size=6))
def test_chunked_bodies_do_not_depend_on_packets(data: bytes, cuts: list[int]) -> None:
    """Cut anywhere a chunked body gives the same result, and llhttp refuses nothing that is accepted."""
    oracle.check_chunks(data, cuts)


@_MANY
@given(strategies.targets())
def test_canonical_paths_have_one_reading(target: bytes) -> None:
    """No accepted path changes when read again or holds an encoded delimiter or a dot segment."""
    oracle.check_path(target)


def test_generators_reach_acceptance() -> None:
    """The generators are not so wild that everything is refused: the comparison is made."""
    accepted = 0

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(strategies.requests())
    def count(data: bytes) -> None:
        nonlocal accepted
        accepted += oracle.check_request(data)

    count()
    assert accepted > 15
