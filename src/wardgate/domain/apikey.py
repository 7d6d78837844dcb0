"""The API key: its text form, its checksum and the digest it is stored under.

A key reads ``wg_<tag>_<32 base62><6 base62>``: the environment's tag, 190 bits of randomness and the CRC-32 of
all that stands before, in base62. The checksum refuses garbage before any look-up and lets a secret scanner tell
a key from noise; it is no security. The digest is BLAKE2b-256 keyed with the instance's master key: fast on
purpose, as the secret has full entropy and cannot be guessed from a stolen table.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH = 32
CHECK_LENGTH = 6
TAG_PATTERN = "[a-z0-9]{1,12}"
#: The form of a key in text; also what a secret scanner searches for.
KEY_PATTERN = rf"wg_({TAG_PATTERN})_([0-9A-Za-z]{{32}})([0-9A-Za-z]{{6}})"
_KEY = re.compile(KEY_PATTERN.encode())

_RANDOM_BYTES = 48
_PAIRS = [(first + second).encode() for first in ALPHABET for second in ALPHABET]


def checksum(body: bytes) -> bytes:
    """The six base62 digits of the CRC-32 of ``body``, most significant first."""
    high, low = divmod(zlib.crc32(body), 3844)
    high, middle = divmod(high, 3844)
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def generate(tag: str, random_bytes: Callable[[int], bytes]) -> str:
    """A new key of the environment tagged ``tag``; ``random_bytes`` is the source, ``secrets.token_bytes`` in use.

    Raises:
        ValueError: the tag is not one to twelve lower-case letters or digits.
    """
    if not re.fullmatch(TAG_PATTERN, tag):
        raise ValueError(f"environment tag {tag!r} must be 1 to 12 lower-case letters or digits")
    digits: list[str] = []
    while len(digits) < SECRET_LENGTH:
        # 62 * 4 = 248: rejecting the eight highest values keeps every digit equally likely.
        digits.extend(ALPHABET[byte % 62] for byte in random_bytes(_RANDOM_BYTES) if byte < 248)
    body = f"wg_{tag}_{''.join(digits[:SECRET_LENGTH])}"
    return body + checksum(body.encode()).decode()


def tag_of(key: bytes) -> str | None:
    """The environment tag of a well-formed key, or ``None`` for anything that is no key at all."""
    match = _KEY.fullmatch(key)
    if match is None or checksum(key[:-CHECK_LENGTH]) != match.group(3):
        return None
    return match.group(1).decode()


def digest(key: bytes, master_key: bytes) -> bytes:
    """The 32 bytes a key is stored and looked up under (BLAKE2b-256, keyed; RFC 7693)."""
    return hashlib.blake2b(key, digest_size=32, key=master_key).digest()


def shown_prefix(key: str) -> str:
    """What may be shown of a key for ever: scheme, tag and the first four random characters."""
    return key[: key.rindex("_") + 5]


def last_four(key: str) -> str:
    """The last four characters, by which people recognise a key in a list."""
    return key[-4:]
