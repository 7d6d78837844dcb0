"""Answers the gateway gives itself: RFC 9457 problems, OAuth 2.0 errors, pre-flights, small documents."""

from __future__ import annotations

import json
import math
import re
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from wardgate.domain.rejection import REASONS, Reason, Rejection

PROBLEM_TYPE = "urn:wardgate:problem:"
#: What ``error_description`` cannot hold.
_NOT_SHOWN = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def status_line(status: int) -> bytes:
    """``HTTP/1.1 404 Not Found`` with CRLF."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


def date_line() -> bytes:
    """``Date`` of this moment (RFC 9110 section 6.6.1) with CRLF, for answers that have none yet."""
    return _date_line(int(time.time()))


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


@lru_cache(maxsize=256)
def _problem(reason: Reason, detail: str) -> tuple[bytes, bytes]:
    """The fixed head and body of a reason; equal for all reasons that share a public one, but for ``detail``."""
    shown = REASONS[reason.public]
    body = json.dumps(
        {
            "type": PROBLEM_TYPE + reason.public,
            "title": shown.title,
            "status": reason.status,
            "detail": detail or shown.detail,
            "reason": reason.public,
        }
    ).encode()
    head = status_line(
        reason.status
    ) + b"Content-Type: application/problem+json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n" % len(
        body
    )
    return head, body


@lru_cache(maxsize=256)
def _oauth_error(reason: Reason, detail: str) -> tuple[bytes, bytes]:
    """The same for who speaks OAuth 2.0 (RFC 6749 section 5.2); ``reason`` stands in it too."""
    code = "invalid_request"
    if reason.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        code = (
            "server_error" if reason.status == HTTPStatus.INTERNAL_SERVER_ERROR else "temporarily_unavailable"
        )
    described = _NOT_SHOWN.sub("'", detail or REASONS[reason.public].detail)
    body = json.dumps({"error": code, "error_description": described, "reason": reason.public}).encode()
    fields = b"Content-Type: application/json\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    return status_line(reason.status) + fields + b"Content-Length: %d\r\n" % len(body), body


def problem(rejection: Rejection, more: bytes, *, with_body: bool, oauth: bool = False) -> bytes:
    """The whole answer to a rejected request; ``more`` are further header lines with CRLF. ``oauth``: an endpoint of OAuth
    2.0 was asked, whose clients read no problems."""
    made = _oauth_error if oauth else _problem
    head, body = made(rejection.reason, rejection.detail)
    parts = [head]
    parts.extend(line + b"\r\n" for line in rejection.headers)
    if rejection.retry_after is not None:
        parts.append(b"Retry-After: %d\r\n" % max(1, math.ceil(rejection.retry_after)))
    parts.append(more)
    parts.append(b"\r\n")
    if with_body:
        parts.append(body)
    return b"".join(parts)


def document(status: int, content_type: bytes, body: bytes, more: bytes, *, with_body: bool) -> bytes:
    """A small fixed answer (JWKS, pre-flight)."""
    head = status_line(status)
    if body or status != HTTPStatus.NO_CONTENT:
        head += b"Content-Type: %b\r\nContent-Length: %d\r\n" % (content_type, len(body))
    return head + more + b"\r\n" + (body if with_body else b"")
