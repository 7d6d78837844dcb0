"""The head of a request: strict parsing per RFC 9112, every ambiguity refused.

``parse`` is a pure function of the bytes; what it returns never changes and may be reused for identical bytes.
"""

from __future__ import annotations

import re
from functools import cached_property

from wardgate.gateway import path as paths
from wardgate.gateway.fields import (
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    DROP,
    EXPECT,
    HOST,
    SINGLE,
    TRANSFER_ENCODING,
    UPGRADE,
    Line,
    LineError,
    LineMemo,
)

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])")
_ANY_VERSION = re.compile(rb"[^ ]+ [^ ]+ HTTP/[0-9]+(?:\.[0-9]+)?")
_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._~]{1,253})(?::([0-9]{1,5}))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(.*)")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

#: Fields a client may not have removed by naming them in Connection: doing so changes what the upstream believes.
_NOT_NOMINABLE = frozenset(
    {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"authorization",
        b"cookie",
        b"content-type",
        b"expect",
    }
)
_UNSUPPORTED_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})


class HeadError(Exception):
    """The request cannot be accepted; ``reason`` is the rejection's name."""

    def __init__(self, reason: str, note: str = "") -> None:
        super().__init__(f"{reason}: {note}" if note else reason)
        self.reason = reason
        self.note = note


class RequestHead:
    """A parsed head.

    ``path`` is the canonical decoded path, ``target`` the same encoded for forwarding, ``query`` the raw query without
    ``?``. ``content_length`` is 0 when there is no body; ``chunked`` excludes it. ``lines`` are the fields that may be
    forwarded, in order. ``host`` is lower-case without port; ``authority`` as received.
    """

    __slots__ = (
        "__dict__",
        "all_lines",
        "authority",
        "chunked",
        "content_length",
        "expect_continue",
        "host",
        "keep_alive",
        "length_text",
        "lines",
        "matched",
        "method",
        "minor",
        "path",
        "query",
        "target",
        "upgrade",
    )

    def __init__(self, method: str, minor: int, path: str, target: bytes, query: bytes) -> None:
        self.method = method
        self.minor = minor
        self.path = path
        self.target = target
        self.query = query
        self.host = ""
        self.authority = b""
        self.content_length = 0
        self.length_text: bytes | None = None
        self.chunked = False
        self.expect_continue = False
        self.keep_alive = minor == 1
        self.upgrade = False
        self.lines: list[Line] = []
        self.all_lines: list[Line] = []
        #: The router's finding for this head, kept by the gateway for identical heads to come.
        self.matched: object = None

    @cached_property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Every field as received, in order."""
        return [line.pair for line in self.all_lines]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the field ``name`` (lower case)."""
        return [line.pair[1] for line in self.all_lines if line.pair[0] == name]

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow."""
        return self.chunked or self.content_length > 0


class HeadParser:
    """Parses request heads within bounds, with a memo of header lines."""

    __slots__ = ("_max_count", "_max_target", "memo")

    def __init__(self, max_header_count: int, max_target_bytes: int) -> None:
        self._max_count = max_header_count
        self._max_target = max_target_bytes
        self.memo = LineMemo()

    def parse(self, raw: bytes) -> RequestHead:
        """The head in ``raw``, which ends before its empty line.

        Raises:
            HeadError: what is wrong, as a rejection's reason.
        """
        texts = raw.split(b"\r\n")
        if len(texts) - 1 > self._max_count:
            raise HeadError("headers_too_large", f"{len(texts) - 1} fields")
        head, authority = self._request_line(texts[0])
        known = self.memo.known
        parse = self.memo.parse
        lines: list[Line] = []
        special: list[Line] | None = None
        try:
            for text in texts[1:]:
                line = known.get(text) or parse(text)
                lines.append(line)
                if line.kind:
                    if special is None:
                        special = [line]
                    else:
                        special.append(line)
        except LineError:
            raise HeadError("request_malformed", "field line") from None
        head.all_lines = lines
        if special is None:
            head.lines = lines
            _finish_host(head, None, authority)
            return head
        _interpret(head, special, authority)
        return head

    def _request_line(self, text: bytes) -> tuple[RequestHead, bytes | None]:
        match = _REQUEST_LINE.fullmatch(text)
        if match is None:
            if _ANY_VERSION.fullmatch(text):
                raise HeadError("version_unsupported")
            raise HeadError("request_malformed", "request line")
        method_text, target, minor = match.groups()
        if len(target) > self._max_target:
            raise HeadError("uri_too_long")
        method = method_text.decode()
        if method in _UNSUPPORTED_METHODS:
            raise HeadError("method_unsupported", method)
        authority = None
        if target[0] != 0x2F:
            absolute = _ABSOLUTE.fullmatch(target)
            if absolute is None:
                raise HeadError("request_malformed", "request target")
            authority = absolute.group(1)
            target = absolute.group(2)
            if not target.startswith(b"/"):
                target = b"/" + target
        try:
            path, encoded, query = paths.canonical(target)
        except paths.PathError as error:
            raise HeadError(error.reason) from None
        return RequestHead(method, minor[0] - 48, path, encoded, query), authority


def _interpret(head: RequestHead, special: list[Line], authority: bytes | None) -> None:
    """Applies the fields that mean something to a proxy; refuses what could be read in two ways."""
    seen: set[int] = set()
    host: bytes | None = None
    nominated: frozenset[bytes] = frozenset()
    upgrade: bytes | None = None
    connection_upgrade = False
    for line in special:
        kind = line.kind
        if kind == DROP:
            continue
        if kind in seen:
            if kind in (CONTENT_LENGTH, TRANSFER_ENCODING):
                raise HeadError("framing_ambiguous", "repeated")
            if kind == HOST:
                raise HeadError("host_invalid", "repeated")
            if kind != CONNECTION:
                raise HeadError("header_duplicate", line.pair[0].decode())
        seen.add(kind)
        value = line.pair[1]
        if kind == HOST:
            host = value
        elif kind == CONTENT_LENGTH:
            if _LENGTH.fullmatch(value) is None:
                raise HeadError("framing_ambiguous", "content-length")
            head.content_length = int(value)
            head.length_text = line.text
        elif kind == TRANSFER_ENCODING:
            if value.lower() != b"chunked" or head.minor == 0:
                raise HeadError("framing_ambiguous", "transfer-encoding")
            head.chunked = True
        elif kind == CONNECTION:
            options = _connection_options(value)
            if b"close" in options:
                head.keep_alive = False
            elif b"keep-alive" in options and head.minor == 0:
                head.keep_alive = True
            connection_upgrade = connection_upgrade or b"upgrade" in options
            nominated |= options
        elif kind == EXPECT:
            if value.lower() != b"100-continue":
                raise HeadError("expectation_unsupported")
            head.expect_continue = head.minor == 1
        elif kind == UPGRADE:
            upgrade = value.lower()
    if TRANSFER_ENCODING in seen and CONTENT_LENGTH in seen:
        raise HeadError("framing_ambiguous", "both")
    _finish_host(head, host, authority)
    head.upgrade = (
        upgrade == b"websocket"
        and connection_upgrade
        and head.minor == 1
        and head.method == "GET"
        and not head.has_body
    )
    head.lines = [
        line
        for line in head.all_lines
        if line.kind in (0, AUTHORIZATION, SINGLE) and (not nominated or line.pair[0] not in nominated)
    ]


def _connection_options(value: bytes) -> frozenset[bytes]:
    options = frozenset(option.strip(b" \t").lower() for option in value.split(b",") if option.strip(b" \t"))
    for option in options:
        if _TOKEN.fullmatch(option) is None:
            raise HeadError("request_malformed", "connection")
        if option in _NOT_NOMINABLE:
            raise HeadError("request_malformed", f"connection names {option.decode()}")
    return options


def _finish_host(head: RequestHead, host: bytes | None, authority: bytes | None) -> None:
    """RFC 9112 section 3.2: one valid Host in HTTP/1.1, equal to the authority of an absolute target."""
    if host is None:
        if head.minor == 1:
            raise HeadError("host_invalid", "missing")
        host = authority or b""
        if not host:
            return
    match = _HOST.fullmatch(host)
    if match is None or (match.group(2) is not None and int(match.group(2)) > 65535):
        raise HeadError("host_invalid")
    if authority is not None and authority.lower() != host.lower():
        raise HeadError("host_invalid", "differs from the request target")
    head.authority = host
    head.host = match.group(1).decode().lower().rstrip(".")
