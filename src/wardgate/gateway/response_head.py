"""The head of an upstream's answer: strict parsing, hop-by-hop fields removed, framing decided (RFC 9112 section 6.3)."""

from __future__ import annotations

import re

from wardgate.gateway.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    DROP,
    TRANSFER_ENCODING,
    UPGRADE,
    Line,
    LineError,
    LineMemo,
)

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class ResponseError(ValueError):
    """The upstream's answer is not valid HTTP/1.1."""


class ResponseHead:
    """``block``: status line, forwardable fields and Content-Length, CRLF-ended. ``length`` is -1 when unknown;
    ``dated``: ``block`` has a Date."""

    __slots__ = ("block", "chunked", "dated", "keep_alive", "length", "status", "upgrade")

    def __init__(self, status: int, block: bytes) -> None:
        self.status = status
        self.block = block
        self.length = -1
        self.chunked = False
        self.dated = False
        self.keep_alive = True
        self.upgrade: bytes | None = None


class ResponseParser:
    """Parses response heads with a memo of lines; one per worker."""

    __slots__ = ("_max_count", "memo")

    def __init__(self, max_header_count: int) -> None:
        self._max_count = max_header_count
        self.memo = LineMemo(response=True)

    def parse(self, raw: bytes) -> ResponseHead:
        """The head in ``raw``, which ends before its empty line.

        Raises:
            ResponseError: it is malformed or ambiguous.
        """
        texts = raw.split(b"\r\n")
        match = _STATUS_LINE.fullmatch(texts[0])
        if match is None:
            raise ResponseError("status line")
        if len(texts) - 1 > self._max_count:
            raise ResponseError("too many fields")
        known = self.memo.known
        parse = self.memo.parse
        kept: list[Line] = []
        special: list[Line] = []
        try:
            for text in texts[1:]:
                line = known.get(text) or parse(text)
                (special if line.kind else kept).append(line)
        except LineError:
            raise ResponseError("field line") from None
        minor, status_text, phrase = match.groups()
        head = ResponseHead(int(status_text), b"")
        head.keep_alive = minor == b"1"
        nominated = _interpret(head, special, kept) if special else frozenset()
        out = [b"HTTP/1.1 %b %b" % (status_text, phrase or b"")]
        if nominated:
            kept = [line for line in kept if line.pair[0] not in nominated]
            head.dated = head.dated and b"date" not in nominated
        out.extend(line.text for line in kept)
        if head.status < 200 and head.status != 101 and (head.chunked or head.length >= 0):
            # It has no body (RFC 9112 section 6.3), yet a client may believe the field.
            raise ResponseError("framing in an interim answer")
        if head.status == 204:
            # No body follows and no length is told (RFC 9110 section 8.6). From an upstream that announces one it may come
            # nevertheless, and would be taken for the next request's answer.
            if head.chunked or head.length > 0:
                head.keep_alive = False
            head.length = -1
        if head.length >= 0 and head.status >= 200:
            out.append(b"Content-Length: %d" % head.length)
        out.append(b"")
        head.block = b"\r\n".join(out)
        if head.chunked and minor == b"0":
            raise ResponseError("transfer-encoding in HTTP/1.0")
        return head


def _interpret(head: ResponseHead, special: list[Line], kept: list[Line]) -> frozenset[bytes]:
    """Sets the framing from the special fields, of which ``kept`` gets those to forward; the names that Connection
    nominates are returned."""
    nominated: set[bytes] = set()
    closing = False
    for line in special:
        kind, value = line.kind, line.pair[1]
        if kind == DROP:
            continue
        if kind == DATE:
            head.dated = True
            kept.append(line)
        elif kind == CONTENT_LENGTH:
            if _LENGTH.fullmatch(value) is None or head.length >= 0:
                raise ResponseError("content-length")
            head.length = int(value)
        elif kind == TRANSFER_ENCODING:
            if value.lower() != b"chunked" or head.chunked:
                raise ResponseError("transfer-encoding")
            head.chunked = True
        elif kind == CONNECTION:
            options = {option.strip(b" \t").lower() for option in value.split(b",")}
            closing = closing or b"close" in options
            head.keep_alive = not closing and (head.keep_alive or b"keep-alive" in options)
            nominated |= options
        elif kind == UPGRADE:
            head.upgrade = value.lower()
    if head.chunked and head.length >= 0:
        raise ResponseError("both framings")
    return frozenset(nominated)
