"""What every answer of an API that is on its way out tells its clients: since when, until when, and what comes next."""

from __future__ import annotations

from email.utils import formatdate
from urllib.parse import quote

from wardgate.domain.standing import Standing

#: What may stand in a URL as it is (RFC 3986); a header cannot be broken out of with any of it.
_URL = ":/?#[]@!$&'()*+,;=%~-._"


def standing_lines(standing: Standing) -> bytes:
    """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594) and ``Link`` to the successor (RFC 5829), each line with CRLF;
    empty for an API that is neither deprecated nor retired."""
    if standing.lifecycle not in ("deprecated", "retired"):
        return b""
    lines = ""
    if standing.deprecated_at is not None:
        lines += f"Deprecation: @{int(standing.deprecated_at)}\r\n"
    if standing.sunset_at is not None:
        lines += f"Sunset: {formatdate(standing.sunset_at, usegmt=True)}\r\n"
    if standing.successor:
        lines += f'Link: <{quote(standing.successor, safe=_URL)}>; rel="successor-version"\r\n'
    return lines.encode("ascii")
