"""The head of a request: strict parsing per RFC 9112, every ambiguity refused.

A head is its request line and its block of fields. A client that keeps its connection repeats the block even where the
path changes, so the block is parsed apart: both are pure functions of their bytes, never change, and are reused.
"""

from __future__ import annotations

import re

from wardgate.gateway import path as paths
from wardgate.gateway.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    DROP,
    EXPECT,
    HOST,
    ORIGIN,
    TRANSFER_ENCODING,
    UPGRADE,
    Line,
    LineError,
    LineMemo,
    Memo,
)

_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])")
_OTHER_VERSION = re.compile(rb"[^ ]+ [^ ]+ HTTP/(?!1\.[01]\Z)[0-9]+(?:\.[0-9]+)?")
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
_REPEATED = {
    CONTENT_LENGTH: "framing_ambiguous",
    TRANSFER_ENCODING: "framing_ambiguous",
    HOST: "host_invalid",
}
#: Meanings and request lines remembered, and the length of lines they are remembered by.
_MEMO_SIZE = 1024
_MEMO_KEY = 512
_UNSUPPORTED_METHODS = frozenset({"CONNECT", "TRACE", "TRACK", "PRI"})


class HeadError(Exception):
    """The request cannot be accepted; ``reason`` is the rejection's name."""

    def __init__(self, reason: str, note: str = "") -> None:
        super().__init__(f"{reason}: {note}" if note else reason)
        self.reason = reason
        self.note = note


class Meaning:
    """What the fields that concern a proxy say together. Shared by every block with the same such lines.

    ``content_length`` is 0 when there is no body; ``chunked`` excludes it; ``length_text`` is the line to forward.
    ``host`` is lower-case without port, ``authority`` as received. ``close``/``keep`` are what Connection asks for,
    ``nominated`` the fields it wants removed. ``origin`` decides on CORS.
    """

    __slots__ = (
        "authority",
        "chunked",
        "close",
        "content_length",
        "expect_continue",
        "host",
        "keep",
        "length_text",
        "nominated",
        "origin",
        "websocket",
    )

    def __init__(self) -> None:
        self.host = ""
        self.authority = b""
        self.content_length = 0
        self.length_text: bytes | None = None
        self.chunked = False
        self.expect_continue = False
        self.close = False
        self.keep = False
        self.websocket = False
        self.origin: bytes | None = None
        self.nominated: frozenset[bytes] = frozenset()


class FieldBlock:
    """The fields of a head: ``all_lines`` is everything received, in order; ``meaning`` what it says to a proxy.

    ``presented_at`` and ``presented`` remember what ``presented`` found in this block, and where it looked.
    """

    __slots__ = ("all_lines", "meaning", "minor", "presented", "presented_at", "raw")

    def __init__(self, raw: bytes, minor: int, lines: list[Line], meaning: Meaning) -> None:
        self.raw = raw
        self.minor = minor
        self.all_lines = lines
        self.meaning = meaning
        self.presented_at: object = None
        self.presented: object = None

    @property
    def lines(self) -> list[Line]:
        """The lines that may be forwarded."""
        nominated = self.meaning.nominated
        if nominated:
            return [line for line in self.all_lines if line.kind < DROP and line.pair[0] not in nominated]
        return [line for line in self.all_lines if line.kind < DROP]

    @property
    def authority(self) -> bytes:
        """The Host as received."""
        return self.meaning.authority

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Every field as received, in order."""
        return [line.pair for line in self.all_lines]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the field ``name`` (lower case)."""
        return [line.pair[1] for line in self.all_lines if line.pair[0] == name]


class Asked:
    """A parsed request line. ``authority``: of an absolute-form target, which must be the Host's; else as
    :class:`RequestHead` has it."""

    __slots__ = ("authority", "method", "minor", "path", "query", "target")

    def __init__(
        self, method: str, minor: int, authority: bytes | None, path: str, target: bytes, query: bytes
    ) -> None:
        self.method = method
        self.minor = minor
        self.authority = authority
        self.path = path
        self.target = target
        self.query = query


class RequestHead:
    """A parsed head: the request line, and ``block``.

    ``path`` is the canonical decoded path, ``target`` the same encoded for forwarding, ``query`` the raw query without
    ``?``. ``matched`` is the gateway's finding for this head, kept for identical heads to come.
    """

    __slots__ = (
        "block",
        "chunked",
        "content_length",
        "has_body",
        "host",
        "keep_alive",
        "matched",
        "method",
        "minor",
        "path",
        "query",
        "target",
        "upgrade",
    )

    def __init__(
        self, method: str, minor: int, path: str, target: bytes, query: bytes, block: FieldBlock
    ) -> None:
        self.method = method
        self.minor = minor
        self.path = path
        self.target = target
        self.query = query
        self.block = block
        meaning = block.meaning
        self.host = meaning.host
        self.chunked = meaning.chunked
        self.content_length = meaning.content_length
        self.has_body = meaning.chunked or meaning.content_length > 0
        self.keep_alive = not meaning.close and (minor == 1 or meaning.keep)
        self.upgrade = meaning.websocket and method == "GET" and not self.has_body
        self.matched: object = None

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Every field as received, in order."""
        return self.block.fields

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the field ``name`` (lower case)."""
        return self.block.values(name)

    @property
    def passed(self) -> list[tuple[bytes, bytes, bytes]]:
        """Name and value of every field that is not left behind here, and the name as :func:`cgi_name` makes it."""
        nominated = self.block.meaning.nominated
        return [
            (line.pair[0], line.pair[1], line.plain)
            for line in self.block.all_lines
            if line.kind != DROP and line.pair[0] not in nominated
        ]


class HeadParser:
    """Parses request heads within bounds, with memos of request lines, header lines and what the latter mean together."""

    __slots__ = ("_asked", "_max_count", "_max_target", "_meanings", "memo")

    def __init__(self, max_header_count: int, max_target_bytes: int) -> None:
        self._max_count = max_header_count
        self._max_target = max_target_bytes
        self.memo = LineMemo()
        self._asked: Memo[Asked] = Memo(_MEMO_SIZE)
        self._meanings: Memo[Meaning] = Memo(_MEMO_SIZE)

    def parse(self, raw: bytes, last: FieldBlock | None = None) -> RequestHead:
        """The head in ``raw``, which ends before its empty line; ``last`` is a block that may be the same again.

        Raises:
            HeadError: what is wrong, as a rejection's reason.
        """
        line, _, fields = raw.partition(b"\r\n")
        asked = self._asked.known.get(line) or self._read(line)
        block = last
        if block is None or block.raw != fields or block.minor != asked.minor:
            block = self.parse_block(fields, asked.minor)
        if asked.authority is not None and asked.authority != block.authority.lower():
            raise HeadError("host_invalid", "differs from the request target")
        return RequestHead(asked.method, asked.minor, asked.path, asked.target, asked.query, block)

    def _read(self, line: bytes) -> Asked:
        """The request line read, and remembered if it is not long."""
        match = _REQUEST_LINE.fullmatch(line)
        if match is None:
            if _OTHER_VERSION.fullmatch(line):
                raise HeadError("version_unsupported")
            raise HeadError("request_malformed", "request line")
        method_text, target, minor_text = match.groups()
        if len(target) > self._max_target:
            raise HeadError("uri_too_long")
        method = method_text.decode()
        if method in _UNSUPPORTED_METHODS:
            raise HeadError("method_unsupported", method)
        authority: bytes | None = None
        if target[0] != 0x2F:
            authority, target = _origin_form(target)
        try:
            path, encoded, query = paths.canonical(target)
        except paths.PathError as error:
            raise HeadError(error.reason) from None
        asked = Asked(method, 1 if minor_text == b"1" else 0, authority, path, encoded, query)
        if len(line) <= _MEMO_KEY:
            self._asked.put(line, asked)
        return asked

    def parse_block(self, raw: bytes, minor: int) -> FieldBlock:
        """The fields in ``raw``, interpreted for HTTP/1.``minor``.

        Raises:
            HeadError: what is wrong, as a rejection's reason.
        """
        texts = raw.split(b"\r\n") if raw else []
        if len(texts) > self._max_count:
            raise HeadError("headers_too_large", f"{len(texts)} fields")
        known = self.memo.known
        parse = self.memo.parse
        lines: list[Line] = []
        special = [b"1" if minor else b"0"]
        try:
            for text in texts:
                line = known.get(text) or parse(text)
                lines.append(line)
                if line.kind:
                    # Of credentials and media types only that they stand there matters to a proxy.
                    special.append(text if line.kind > CONTENT_TYPE else line.pair[0])
        except LineError:
            raise HeadError("request_malformed", "field line") from None
        key = b"\n".join(special)
        meaning = self._meanings.known.get(key)
        if meaning is None:
            meaning = _interpret([line for line in lines if line.kind], minor)
            if len(key) <= _MEMO_KEY:
                self._meanings.put(key, meaning)
        return FieldBlock(raw, minor, lines, meaning)


def _origin_form(target: bytes) -> tuple[bytes, bytes]:
    """Of an absolute-form target (RFC 9112 section 3.2.2) the authority in lower case, and path and query."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise HeadError("request_malformed", "request target")
    authority, rest = absolute.groups()
    return authority.lower(), rest if rest.startswith(b"/") else b"/" + rest


def _interpret(special: list[Line], minor: int) -> Meaning:
    """What ``special`` says in HTTP/1.``minor``; refuses what could be read in two ways."""
    meaning = Meaning()
    seen = 0
    host: bytes | None = None
    upgrade = b""
    connection_upgrade = False
    for line in special:
        kind = line.kind
        if kind == DROP:
            continue
        value = line.pair[1]
        bit = 1 << kind
        if seen & bit and kind != CONNECTION:
            raise HeadError(_REPEATED.get(kind, "header_duplicate"), line.pair[0].decode())
        seen |= bit
        if kind == HOST:
            host = value
        elif kind == ORIGIN:
            meaning.origin = value
        elif kind == CONTENT_LENGTH:
            if _LENGTH.fullmatch(value) is None:
                raise HeadError("framing_ambiguous", "content-length")
            meaning.content_length = int(value)
            # To some reader behind the gateway a leading zero means octal.
            padded = value.startswith(b"0")
            meaning.length_text = b"Content-Length: %d" % meaning.content_length if padded else line.text
        elif kind == TRANSFER_ENCODING:
            if value.lower() != b"chunked" or minor == 0:
                raise HeadError("framing_ambiguous", "transfer-encoding")
            meaning.chunked = True
        elif kind == CONNECTION:
            options = _connection_options(value)
            meaning.close = meaning.close or b"close" in options
            meaning.keep = meaning.keep or b"keep-alive" in options
            connection_upgrade = connection_upgrade or b"upgrade" in options
            meaning.nominated |= options
        elif kind == EXPECT:
            if value.lower() != b"100-continue":
                raise HeadError("expectation_unsupported")
            meaning.expect_continue = minor == 1
        elif kind == UPGRADE:
            upgrade = value.lower()
    if meaning.chunked and meaning.length_text is not None:
        raise HeadError("framing_ambiguous", "both")
    _set_host(meaning, host, minor)
    meaning.websocket = upgrade == b"websocket" and connection_upgrade and minor == 1
    return meaning


def _connection_options(value: bytes) -> frozenset[bytes]:
    options = frozenset(option.strip(b" \t").lower() for option in value.split(b",") if option.strip(b" \t"))
    for option in options:
        if _TOKEN.fullmatch(option) is None:
            raise HeadError("request_malformed", "connection")
        if option in _NOT_NOMINABLE:
            raise HeadError("request_malformed", f"connection names {option.decode()}")
    return options


def _set_host(meaning: Meaning, host: bytes | None, minor: int) -> None:
    """RFC 9112 section 3.2: exactly one valid Host in HTTP/1.1."""
    if host is None:
        if minor == 1:
            raise HeadError("host_invalid", "missing")
        return
    match = _HOST.fullmatch(host)
    if match is None or (match.group(2) is not None and int(match.group(2)) > 65535):
        raise HeadError("host_invalid")
    meaning.authority = host
    meaning.host = match.group(1).decode().lower().rstrip(".")
