"""Strict incremental decoding of chunked bodies (RFC 9112 section 7.1).

Chunks are decoded and written anew, never passed through, so sizes with leading signs, bare LFs or odd extensions
cannot mean one thing here and another behind. Extensions are accepted within a bound and dropped.
"""

from __future__ import annotations

import re

from wardgate.gateway.fields import (
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
    LineError,
    LineMemo,
)

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t\x20!#-\[\]-~\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
#: A size and its extensions, without the white space that RFC 9112 section 7.1.1 calls bad.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;%b(?:=(?:%b|%b))?)*+" % (_TOKEN, _TOKEN, _QUOTED))
_PLAIN_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_MAX_LINE = 4096
_MAX_TRAILERS = 16 * 1024
#: Fields that must not stand in a trailer (RFC 9110 section 6.5.1): framing, routing, authentication, identity.
_FORBIDDEN_TRAILERS = frozenset(
    {
        b"content-encoding",
        b"content-type",
        b"content-range",
        b"trailer",
        b"cookie",
        b"set-cookie",
        b"cache-control",
        b"proxy-authorization",
        b"www-authenticate",
        b"location",
        b"te",
    }
)


#: Fields whose place in a trailer only serves to make two readers disagree: the message is refused.
_FRAMING = frozenset({CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, HOST})


class ChunkError(ValueError):
    """The body does not follow the chunked grammar."""


class ChunkDecoder:
    """Feed bytes; get data out. ``done`` is true once the last chunk and the trailers were read.

    ``trailers`` then holds the trailer lines that may be forwarded, ``rest`` the bytes that follow the body.
    """

    __slots__ = ("_buffer", "_left", "_memo", "_state", "_trailer_bytes", "done", "rest", "trailers")

    def __init__(self, memo: LineMemo) -> None:
        self._memo = memo
        self._buffer = b""
        self._left = 0
        self._state = 0  # 0 size line, 1 data, 2 CRLF after data, 3 trailers
        self._trailer_bytes = 0
        self.done = False
        self.rest = b""
        self.trailers: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The body bytes found in ``data``, in order, possibly none.

        Raises:
            ChunkError: the stream is not valid; nothing after it can be trusted.
        """
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        out: list[bytes] = []
        position = 0
        size = len(data)
        while position < size:
            if self._state == 1:
                take = min(self._left, size - position)
                out.append(data[position : position + take])
                position += take
                self._left -= take
                if self._left == 0:
                    self._state = 2
                continue
            if self._state == 0:
                # A whole chunk at hand, as nearly all are: three times cheaper, which matters when they are tiny.
                plain = _PLAIN_SIZE.match(data, position)
                if plain is not None:
                    begin = plain.end()
                    end = begin + int(plain[1], 16)
                    if end > begin and data[end : end + 2] == b"\r\n":
                        out.append(data[begin:end])
                        position = end + 2
                        continue
            end = data.find(b"\n", position, position + _MAX_LINE)
            if end < 0:
                if size - position >= _MAX_LINE:
                    raise ChunkError("line too long")
                self._buffer = data[position:]
                return out
            if end == position or data[end - 1] != 0x0D:
                raise ChunkError("bare LF")
            line = data[position : end - 1]
            position = end + 1
            if self._line(line):
                self.rest = data[position:]
                return out
        return out

    def _line(self, line: bytes) -> bool:
        """Takes one CRLF-ended line; true when it ends the body."""
        if self._state == 0:
            match = _SIZE.fullmatch(line)
            if match is None:
                raise ChunkError("chunk size")
            self._left = int(match.group(1), 16)
            self._state = 1 if self._left else 3
            return False
        if self._state == 2:
            if line:
                raise ChunkError("data longer than its chunk")
            self._state = 0
            return False
        if not line:
            self.done = True
            return True
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _MAX_TRAILERS:
            raise ChunkError("trailers too large")
        try:
            parsed = self._memo.parse(line)
        except LineError:
            raise ChunkError("trailer field") from None
        if parsed.kind in _FRAMING:
            raise ChunkError("framing field in a trailer")
        if parsed.kind == 0 and parsed.pair[0] not in _FORBIDDEN_TRAILERS:
            self.trailers.append(parsed.text)
        return False


def encode(pieces: list[bytes]) -> bytes:
    """``pieces`` as one chunk, or nothing when they are empty."""
    body = b"".join(pieces)
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


def last_chunk(trailers: list[bytes]) -> bytes:
    """The end of a chunked body with its trailer lines."""
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n" + b"\r\n".join(trailers) + b"\r\n\r\n"
