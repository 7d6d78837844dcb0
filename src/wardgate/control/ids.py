"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
from collections.abc import Callable

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_RANDOM_BITS = 80


def new_id(prefix: str, at: float, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """``<prefix>_`` and 26 lower-case Crockford base32 digits: 48 bits of milliseconds, then 80 random bits (ULID).

    Ids of later milliseconds sort after those of earlier ones, as text.
    """
    number = (int(at * 1000) & (1 << 48) - 1) << _RANDOM_BITS
    number |= int.from_bytes(random_bytes(_RANDOM_BITS // 8), "big")
    digits = [_CROCKFORD[number >> shift & 31] for shift in range((_LENGTH - 1) * 5, -1, -5)]
    return f"{prefix}_{''.join(digits)}"
