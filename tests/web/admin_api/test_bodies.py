"""Bodies that are dear to read: each is refused, or read, in a time that others can wait for."""

from __future__ import annotations

import time

import pytest

from wardgate.web.admin_api.bodies import MAX_BODY, MAX_DEPTH, BodyError, parse

#: Seconds; reading each value of the dearest of these took twelve, and the control process was taken for dead.
BEARABLE = 4.0


def filled(head: bytes, part: bytes, tail: bytes) -> bytes:
    """The largest body of so many parts."""
    return head + part * ((MAX_BODY - len(head) - len(tail)) // len(part)) + tail


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(filled(b"[", b"[],", b"[]]"), "too many values", id="lists"),
        pytest.param(filled(b"[", b'"",', b"1]"), "too many values", id="strings"),
        pytest.param(filled(b"[", b"1,", b"1]"), "too many values", id="numbers"),
        pytest.param(filled(b"", b"[", b""), f"over {MAX_DEPTH} deep", id="nested"),
        pytest.param(filled(b'["', b'\\"', b""), "no JSON", id="unending string"),
    ],
)
def test_the_dearest_bodies_are_refused_soon(body: bytes, why: str) -> None:
    """Whoever has a token could stop the control process with one request otherwise."""
    began = time.process_time()
    with pytest.raises(BodyError, match=why) as caught:
        parse(body)
    assert caught.value.status == 400
    assert time.process_time() - began < BEARABLE


def test_large_texts_are_read() -> None:
    """Documents are few values of any length: what stands in strings counts for nothing."""
    began = time.process_time()
    assert len(parse(filled(b'{"files": {"a": "', b"[{,", b'"}}'))["files"]["a"]) > MAX_BODY // 2
    assert time.process_time() - began < BEARABLE
