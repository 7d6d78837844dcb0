"""The gateway's own answers: RFC 9457 problems whose bytes tell nothing they should not."""

from __future__ import annotations

import json
import re

import pytest

from wardgate.domain.rejection import REASONS, Rejection
from wardgate.gateway import answers


@pytest.mark.parametrize("name", sorted(REASONS))
def test_every_reason_is_a_problem(name: str) -> None:
    """Type, title, status, detail and the public reason; the length is right."""
    data = answers.problem(Rejection.of(name), b"X-A: b\r\n", with_body=True)
    head, _, body = data.partition(b"\r\n\r\n")
    told = json.loads(body)
    reason = REASONS[name]
    assert told["status"] == reason.status == int(head.split(b" ")[1])
    assert (told["reason"], told["type"]) == (reason.public, f"urn:wardgate:problem:{reason.public}")
    assert told["title"]
    assert told["detail"]
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert b"\r\nX-A: b" in head


@pytest.mark.parametrize("name", sorted(REASONS))
def test_every_reason_is_an_oauth_error(name: str) -> None:
    """Where OAuth 2.0 is spoken: a code, a description of the characters it may have, the public reason; never stored."""
    data = answers.problem(Rejection.of(name), b"X-A: b\r\n", with_body=True, oauth=True)
    head, _, body = data.partition(b"\r\n\r\n")
    told, reason = json.loads(body), REASONS[name]
    expected = "invalid_request"
    if reason.status >= 500:
        expected = "server_error" if reason.status == 500 else "temporarily_unavailable"
    assert (told["error"], told["reason"]) == (expected, reason.public)
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", told["error_description"])
    assert reason.status == int(head.split(b" ")[1])
    for line in ("Content-Type: application/json", "Cache-Control: no-store", f"Content-Length: {len(body)}"):
        assert f"\r\n{line}\r\n".encode() in head


def test_all_wrong_credentials_look_alike() -> None:
    """Every reason that is shown as credential_invalid gives the same bytes."""
    alike = [name for name, reason in REASONS.items() if reason.public == "credential_invalid"]
    assert len(alike) > 5
    assert len({answers.problem(Rejection.of(name), b"", with_body=True) for name in alike}) == 1


def test_headers_and_retry_after() -> None:
    """Lines of the rejection stand in the head; a wait is rounded up, never to zero."""
    rejection = Rejection.of("rate_exceeded", b"RateLimit: x", retry_after=0.01, note="private")
    data = answers.problem(rejection, b"", with_body=False)
    assert b"\r\nRateLimit: x\r\nRetry-After: 1\r\n" in data
    assert data.endswith(b"\r\n\r\n")
    assert b"private" not in data
    assert b"Retry-After: 3\r\n" in answers.problem(
        Rejection.of("rate_exceeded", retry_after=2.1), b"", with_body=True
    )


def test_documents() -> None:
    """A body has its length, 204 has neither, and HEAD has the length alone."""
    assert answers.document(200, b"a/b", b"xyz", b"X: y\r\n", with_body=True) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 3\r\nX: y\r\n\r\nxyz"
    )
    assert answers.document(200, b"a/b", b"xyz", b"", with_body=False).endswith(b"Content-Length: 3\r\n\r\n")
    assert answers.document(204, b"", b"", b"", with_body=True) == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert answers.status_line(799) == b"HTTP/1.1 799 \r\n"
