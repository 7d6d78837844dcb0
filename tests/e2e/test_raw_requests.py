"""Every row of the table of malicious requests, over real sockets."""

from __future__ import annotations

import re

import pytest
from tests.e2e.raw_requests import FORWARDED, TABLE, Raw
from tests.e2e.stack import Stack
from tests.e2e.upstream import Upstream
from tools import raw_requests_page

_ASSERTION = re.compile(rb"x-wardgate-assertion: \S+")


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_verdict(row: Raw, stack: Stack, upstream: Upstream) -> None:
    """The request gets its verdict, the upstream sees what it may, and the connection ends or stays as stated."""
    with stack.wire() as wire:
        wire.send(row.send.replace(b"KEY", stack.key.encode()))
        answer = wire.answer()
        assert (answer.status, answer.reason or FORWARDED) == (row.status, row.reason)
        assert wire.closed(0.05 if row.stays_open else 3.0) != row.stays_open
    assert not any(b"smuggled" in seen.line for seen in upstream.log.requests)
    if row.reason != FORWARDED:
        # A body that turns out to be wrong may have been begun: then it was cut, and never looked whole.
        assert all(seen.values(b"transfer-encoding") or row.sees for seen in upstream.log.requests)
        assert not any(b"\r\n0\r\n\r\n" in data for data in upstream.log.wire.values())
        return
    seen = upstream.log.requests
    assert len(seen) == 1
    wire_bytes = b"".join(upstream.log.wire.values()).lower()
    assert all(token in wire_bytes for token in row.sees)
    # What a signature spells by chance says nothing.
    said = _ASSERTION.sub(b"", wire_bytes)
    assert not any(token in said for token in row.hides)
    assert b"wg_" not in said


def test_the_table_is_large_and_without_repetition() -> None:
    """At least eighty different attacks, each with its own name."""
    assert len({row.send for row in TABLE}) == len(TABLE) >= 80
    assert len({row.name for row in TABLE}) == len(TABLE)


def test_the_page_about_the_table_is_up_to_date() -> None:
    """docs/security/raw-requests.md says what is tested here; `python tools/raw_requests_page.py` writes it anew."""
    assert raw_requests_page.PAGE.read_text(encoding="utf-8") == raw_requests_page.render()
