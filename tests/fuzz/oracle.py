"""A second reader of HTTP/1.1: llhttp in strict mode, and the gateway's own reading in the same form.

``check_request`` and ``check_response`` hold when everything the gateway accepts is accepted by llhttp too, with the
same start line, fields, framing, body and trailers. What the gateway refuses is of no interest here: it may refuse more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httptools

from wardgate.gateway import path as paths
from wardgate.gateway.chunked import ChunkDecoder, ChunkError
from wardgate.gateway.fields import FORWARD, response_kind
from wardgate.gateway.head import HeadError, HeadParser, RequestHead
from wardgate.gateway.response_head import ResponseError, ResponseHead, ResponseParser

_NEXT_REQUEST = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
_NEXT_RESPONSE = b"HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n"

Pair = tuple[bytes, bytes]


class DisagreementError(AssertionError):
    """The two readers understood the same bytes differently."""


@dataclass
class Message:
    """One message as a reader understood it."""

    url: bytes = b""
    status: int = 0
    method: bytes = b""
    version: str = ""
    fields: list[Pair] = field(default_factory=list)
    body: bytes = b""
    trailers: list[Pair] = field(default_factory=list)
    keep_alive: bool = False
    headed: bool = False
    complete: bool = False
    chunked: bool = False


class _Recorder:
    """Call-backs of httptools that keep every message."""

    def __init__(self, *, response: bool) -> None:
        self.messages: list[Message] = []
        self.parser = httptools.HttpResponseParser(self) if response else httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.messages.append(Message())

    def on_url(self, url: bytes) -> None:
        self.messages[-1].url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        message = self.messages[-1]
        pair = (name.lower(), value.strip(b" \t"))
        (message.trailers if message.headed else message.fields).append(pair)

    def on_headers_complete(self) -> None:
        message = self.messages[-1]
        message.headed = True
        message.version = self.parser.get_http_version()
        message.keep_alive = self.parser.should_keep_alive()
        if isinstance(self.parser, httptools.HttpRequestParser):
            message.method = self.parser.get_method()
        else:
            message.status = self.parser.get_status_code()

    def on_chunk_header(self) -> None:
        self.messages[-1].chunked = True

    def on_body(self, body: bytes) -> None:
        self.messages[-1].body += body

    def on_message_complete(self) -> None:
        self.messages[-1].complete = True


def llhttp(data: bytes, *, response: bool = False) -> list[Message]:
    """The messages llhttp finds in ``data``.

    Raises:
        httptools.HttpParserError: it refuses them. An upgrade is no refusal.
    """
    recorder = _Recorder(response=response)
    try:
        recorder.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        if "Pause on CONNECT/Upgrade" not in str(error):  # how it says so for responses
            raise
    return recorder.messages


@dataclass
class Ours:
    """A whole request as the gateway reads it."""

    head: RequestHead
    raw: bytes
    body: bytes
    trailers: list[bytes]
    end: int


def read_request(data: bytes) -> Ours | None:
    """The first request in ``data``; ``None`` when it is refused or not whole."""
    end = data.find(b"\r\n\r\n")
    if end <= 0:
        return None
    parser = HeadParser(100, 8192)
    try:
        head = parser.parse(data[:end])
    except HeadError:
        return None
    rest = data[end + 4 :]
    if head.chunked:
        decoder = ChunkDecoder(parser.memo)
        try:
            body = b"".join(decoder.feed(rest))
        except ChunkError:
            return None
        if not decoder.done:
            return None
        return Ours(head, data[:end], body, decoder.trailers, len(data) - len(decoder.rest))
    if len(rest) < head.content_length:
        return None
    body = rest[: head.content_length]
    return Ours(head, data[:end], body, [], end + 4 + len(body))


def _agree(what: str, ours: object, theirs: object, data: bytes) -> None:
    if ours != theirs:
        raise DisagreementError(f"{what}: gateway {ours!r}, llhttp {theirs!r}, in {data!r}")


def _trimmed(message: bytes) -> bytes:
    """``message`` without the white space after "chunked": it is no part of the value (RFC 9112 section 5.1), but llhttp
    refuses it."""
    end = message.find(b"\r\n\r\n") + 4
    head = re.sub(rb"(?i)(\r\ntransfer-encoding:[ \t]*chunked)[ \t]+(?=\r\n)", rb"\1", message[:end])
    return head + message[end:]


def check_request(data: bytes) -> bool:
    """Compares both readings of the first request in ``data``; whether the gateway accepted it.

    Raises:
        DisagreementError: llhttp refuses what the gateway accepts, or reads it differently.
    """
    ours = read_request(data)
    if ours is None:
        return False
    head = ours.head
    whole = _trimmed(data[: ours.end])
    options = {part.strip().lower() for v in head.values(b"connection") for part in v.split(b",")}
    switches = b"upgrade" in options and bool(head.values(b"upgrade"))
    # llhttp still obeys Proxy-Connection, which no standard defines; the gateway ignores and drops it.
    old = b"proxy-connection" in whole.lower()
    more = b"" if switches or old or not head.keep_alive else _NEXT_REQUEST
    try:
        messages = llhttp(whole + more)
    except httptools.HttpParserInvalidMethodError:
        return True  # llhttp knows a fixed list of methods; ours are checked against the API's document
    except httptools.HttpParserError as error:
        raise DisagreementError(f"llhttp refuses: {error}; gateway accepts {data!r}") from None
    theirs = messages[0]
    _agree("complete", True, theirs.complete, data)
    _agree("method", head.method.encode(), theirs.method, data)
    _agree("version", f"1.{head.minor}", theirs.version, data)
    _agree("target", ours.raw.split(b" ")[1], theirs.url, data)
    _agree("fields", head.fields, theirs.fields, data)
    if not switches:
        if (
            head.keep_alive and not old
        ):  # closing where llhttp would not is no harm: "keep-alive, close" in HTTP/1.0
            _agree("keep-alive", True, theirs.keep_alive, data)
        _agree("body", ours.body, theirs.body, data)
        _agree("messages", 2 if more else 1, len(messages), data)
    if more:
        _agree("next", b"/next", messages[1].url, data)
    # llhttp ends its reading at an Upgrade it knows nothing of: it has no body and no trailers to compare.
    for line in [] if switches else ours.trailers:
        name, _, value = line.partition(b": ")
        if (name.lower(), value) not in theirs.trailers:
            raise DisagreementError(f"trailer {line!r} unknown to llhttp in {data!r}")
    if theirs.url.startswith(b"/"):
        _agree("canonical", (head.path, head.target, head.query), paths.canonical(theirs.url), data)
    return True


def read_response(data: bytes, method: str = "GET") -> tuple[ResponseHead, bytes, int] | None:
    """The first response in ``data``: head, body, where it ends; ``None`` when refused, not whole or unbounded."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    parser = ResponseParser(100)
    try:
        head = parser.parse(data[:end])
    except ResponseError:
        return None
    rest = data[end + 4 :]
    if method == "HEAD" or head.status < 200 or head.status in (204, 304):
        return head, b"", end + 4
    if head.chunked:
        decoder = ChunkDecoder(parser.memo)
        try:
            body = b"".join(decoder.feed(rest))
        except ChunkError:
            return None
        return (head, body, len(data) - len(decoder.rest)) if decoder.done else None
    if head.length < 0 or len(rest) < head.length:
        return None
    return head, rest[: head.length], end + 4 + head.length


def check_response(data: bytes) -> bool:
    """Compares both readings of the first response in ``data``; whether the gateway accepted it.

    Raises:
        DisagreementError: llhttp refuses what the gateway accepts, or reads it differently.
    """
    ours = read_response(data)
    if ours is None:
        return False
    head, body, end = ours
    old = b"proxy-connection" in data.lower()
    more = _NEXT_RESPONSE if head.keep_alive and head.status != 101 and not old else b""
    try:
        messages = llhttp(_trimmed(data[:end]) + more, response=True)
    except httptools.HttpParserError as error:
        raise DisagreementError(f"llhttp refuses: {error}; gateway accepts {data!r}") from None
    theirs = messages[0]
    _agree("status", head.status, theirs.status, data)
    options = {
        part.strip(b" \t").lower()
        for name, value in theirs.fields
        if name == b"connection"
        for part in value.split(b",")
    }
    if head.status != 101 and not (b"upgrade" in options and any(n == b"upgrade" for n, _ in theirs.fields)):
        _agree("body", body, theirs.body, data)
        if more:
            _agree("next", 299, messages[1].status if len(messages) > 1 else 0, data)
    lines = head.block.split(b"\r\n")[1:-1]
    told = [line.partition(b": ") for line in lines]
    mine = [(name.lower(), value) for name, _, value in told if name.lower() != b"content-length"]
    kept = [p for p in theirs.fields if response_kind(p[0]) == FORWARD and p[0] not in options]
    _agree("fields", mine, kept, data)
    return True


def check_chunks(data: bytes, cuts: list[int]) -> None:
    """Chunked ``data`` cut anywhere gives the same as in one piece, and nothing that llhttp would refuse.

    Raises:
        DisagreementError: the result depends on the cuts, or llhttp reads it differently.
    """
    whole = _decode([data])
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    _agree("pieces", whole, _decode(pieces), data)
    if whole is not None and whole[2]:
        check_request(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)


def _decode(pieces: list[bytes]) -> tuple[bytes, list[bytes], bool, bytes] | None:
    """Body, trailers, whether it ended, and the rest; ``None`` when refused."""
    decoder = ChunkDecoder(HeadParser(100, 8192).memo)
    body = b""
    for number, piece in enumerate(pieces, start=1):
        try:
            body += b"".join(decoder.feed(piece))
        except ChunkError:
            return None
        if decoder.done:
            return body, decoder.trailers, True, decoder.rest + b"".join(pieces[number:])
    return body, decoder.trailers, False, b""


def check_path(target: bytes) -> None:
    """A canonical path is its own canonical form and has one reading only.

    Raises:
        DisagreementError: it changes when read again, or holds what a second reader resolves differently.
    """
    try:
        path, encoded, query = paths.canonical(target)
    except paths.PathError:
        return
    _agree(
        "idempotence",
        (path, encoded, query),
        paths.canonical(encoded + (b"?" + query if query else b"")),
        target,
    )
    lower = encoded.lower()
    segments = encoded.split(b"/")[1:]
    if any(
        bad in lower
        for bad in (b"%2f", b"%5c", b"%00", b"\\", b"//", b";", b"#", b"%3b", b"%3f", b"%23", b"%2e")
    ):
        raise DisagreementError(f"{target!r} passes as {encoded!r}")
    if any(segment in (b".", b"..") for segment in segments):
        raise DisagreementError(f"dot segment: {target!r} passes as {encoded!r}")
    if any(byte <= 0x20 or byte >= 0x7F for byte in encoded + query):
        raise DisagreementError(f"raw byte: {target!r} passes as {encoded!r}")
