"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_RANDOM_BITS = 80


class IdMaker:
    """Makes ids: 48 bits of milliseconds, then 80 random bits, in lower-case Crockford base32 (ULID).

    Ids of later milliseconds sort after those of earlier ones, as text, and so do later ids of one millisecond from
    the same maker: what is added in one go keeps its order.
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str, at: float) -> str:
        """``<prefix>_`` and 26 digits, for something made ``at`` (Unix seconds)."""
        start = (int(at * 1000) & (1 << 48) - 1) << _RANDOM_BITS
        with self._lock:
            following = self._last + 1
            if following >> _RANDOM_BITS == start >> _RANDOM_BITS:
                number = following
            else:
                number = start | int.from_bytes(self._random_bytes(_RANDOM_BITS // 8), "big")
            self._last = number
        digits = [_CROCKFORD[number >> shift & 31] for shift in range((_LENGTH - 1) * 5, -1, -5)]
        return f"{prefix}_{''.join(digits)}"


_maker = IdMaker()


def new_id(prefix: str, at: float) -> str:
    """A new id from this process's maker."""
    return _maker.new(prefix, at)
