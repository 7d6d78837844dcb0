"""Header lines: the strict grammar of RFC 9112 section 5, what each field means to a proxy, and a memo of both.

A line that was seen before costs one dictionary look-up; a keep-alive client repeats nearly all of its lines. The
memo is a pure function's cache: bounded, and it decides nothing about validity of a credential.
"""

from __future__ import annotations

import re
from typing import Final, Generic, TypeVar

from wardgate.domain.headers import DROPPED, IDENTITY_PREFIX, cgi_name, dropped

# What a request parser does with a field. FORWARD must be 0: it is tested for truth on every line. The kinds below DROP
# are forwarded; all but FORWARD may stand once only, CONNECTION apart.
FORWARD: Final = 0
AUTHORIZATION: Final = 1
CONTENT_TYPE: Final = 2
ORIGIN: Final = 3
DROP: Final = 4
HOST: Final = 5
CONTENT_LENGTH: Final = 6
TRANSFER_ENCODING: Final = 7
CONNECTION: Final = 8
EXPECT: Final = 9
UPGRADE: Final = 10
DATE: Final = 11

V = TypeVar("V")
#: A full memo starts anew after so many misses for each entry.
_MISSES = 16

#: Credentials longer than usual lines that are kept, and the longest of them.
_LONG_LINES = 512
_LONGEST_KEPT = 2048

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: What may stand in a value, white space within it included; deleting it from a value must leave nothing.
_VALUE: Final = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])


_REQUEST_KINDS: Final[dict[bytes, int]] = {
    b"host": HOST,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"authorization": AUTHORIZATION,
    b"content-type": CONTENT_TYPE,
    b"origin": ORIGIN,
    **dict.fromkeys(DROPPED, DROP),
}

_RESPONSE_KINDS: Final[dict[bytes, int]] = {
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    b"date": DATE,
    b"keep-alive": DROP,
    b"proxy-connection": DROP,
    b"proxy-authenticate": DROP,
    b"ratelimit": DROP,
    b"ratelimit-policy": DROP,
}


class Line:
    """A parsed header line: the field, what it means, the line as it will be forwarded, and its :func:`cgi_name`."""

    __slots__ = ("kind", "pair", "plain", "text")

    def __init__(self, pair: tuple[bytes, bytes], kind: int, text: bytes, plain: bytes) -> None:
        self.pair = pair
        self.kind = kind
        self.text = text
        self.plain = plain


class LineError(ValueError):
    """The line is not a field line: bad name, space before the colon, a fold, or a control character."""


def request_kind(name: bytes) -> int:
    """What the lower-case field ``name`` means in a request.

    A name that collides with one of the gateway's own or a framing field (see :func:`cgi_name`) is dropped.
    """
    kind = _REQUEST_KINDS.get(name)
    if kind is not None:
        return kind
    return DROP if dropped(name) else FORWARD


def response_kind(name: bytes) -> int:
    """What the lower-case field ``name`` means in an upstream's answer."""
    if name.startswith(IDENTITY_PREFIX):
        return DROP
    return _RESPONSE_KINDS.get(name, FORWARD)


class Memo(Generic[V]):
    """Remembers up to ``size`` results by the bytes they are of.

    ``known.get(key)`` is the caller's fast path. A full memo takes nothing more until it was missed many times its size
    over, and then starts anew: values that never come back neither push out those that do nor cost an insertion each.
    """

    __slots__ = ("_missed", "_size", "known")

    def __init__(self, size: int) -> None:
        self._size = size
        self._missed = 0
        self.known: dict[bytes, V] = {}

    def put(self, key: bytes, value: V) -> None:
        """Remembers ``value``, if there is room."""
        if len(self.known) >= self._size:
            self._missed += 1
            if self._missed < _MISSES * self._size:
                return
            self._missed = 0
            self.known.clear()
        self.known[key] = value


class LineMemo:
    """Parses lines, remembering those of at most ``longest`` bytes, what field names mean, and a few of the longer lines
    that hold credentials: access tokens are long, and repeated where other fields change."""

    __slots__ = ("_kind", "_long", "_longest", "_memo", "_names", "known")

    def __init__(self, *, response: bool = False, size: int = 4096, longest: int = 256) -> None:
        self._kind = response_kind if response else request_kind
        self._longest = longest
        self._memo: Memo[Line] = Memo(size)
        self._names: Memo[tuple[bytes, int, bytes]] = Memo(1024)
        self._long: Memo[Line] = Memo(_LONG_LINES)
        #: For the caller's fast path: ``known.get(line)`` before ``parse(line)``.
        self.known = self._memo.known

    def parse(self, raw: bytes) -> Line:
        """The line parsed, and remembered.

        Raises:
            LineError: it does not follow the grammar.
        """
        if len(raw) > self._longest:
            known = self._long.known.get(raw)
            if known is not None:
                return known
        name, colon, rest = raw.partition(b":")
        meant = self._names.known.get(name)
        if meant is None:
            if _NAME.fullmatch(name) is None:
                raise LineError
            lower = name.lower()
            meant = (lower, self._kind(lower), cgi_name(lower))
            self._names.put(name, meant)
        value = rest.strip(b" \t")
        if not colon or value.translate(None, _VALUE):
            raise LineError
        # Most lines come as they are forwarded.
        as_is = len(rest) == len(value) + 1 and rest[0] == 0x20
        line = Line((meant[0], value), meant[1], raw if as_is else name + b": " + value, meant[2])
        if len(raw) <= self._longest:
            self._memo.put(raw, line)
        elif meant[1] == AUTHORIZATION and len(raw) <= _LONGEST_KEPT:
            self._long.put(raw, line)
        return line
