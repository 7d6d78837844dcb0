"""The API key: its text form, its checksum and the digest it is stored under.

A key reads ``wg_<tag>_<32 base62><6 base62>``: the environment's tag, 190 bits of randomness and the CRC-32 of
all that stands before, in base62. The checksum refuses garbage before any look-up and lets a secret scanner tell
a key from noise; it is no security. The digest is BLAKE2b-256 keyed with the instance's master key: fast on
purpose, as the secret has full entropy and cannot be guessed from a stolen table.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final
from zlib import crc32

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH: Final = 32
CHECK_LENGTH: Final = 6
TAG_PATTERN = "[a-z0-9]{1,12}"

_RANDOM_BYTES = 48
_UNDERSCORE: Final = ord("_")
_TAIL: Final = SECRET_LENGTH + CHECK_LENGTH
#: Bytes of a key whose tag is one character, and twelve.
_SHORTEST: Final = len("wg_x_") + _TAIL
_LONGEST: Final = _SHORTEST + 11
#: The value of each base62 digit by its byte; 0 for all other bytes.
_VALUES: Final = bytes(max(0, ALPHABET.find(chr(byte))) for byte in range(256))


def checksum(body: bytes) -> bytes:
    """The six base62 digits of the CRC-32 of ``body``, most significant first."""
    left = crc32(body)
    digits = []
    for _ in range(CHECK_LENGTH):
        left, digit = divmod(left, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits)).encode()


def generate(tag: str, random_bytes: Callable[[int], bytes]) -> str:
    """A new key of the environment tagged ``tag``; ``random_bytes`` is the source, ``secrets.token_bytes`` in use.

    Raises:
        ValueError: the tag is not one to twelve lower-case letters or digits.
    """
    if not re.fullmatch(TAG_PATTERN, tag):
        raise ValueError(f"environment tag {tag!r} must be 1 to 12 lower-case letters or digits")
    body = f"wg_{tag}_{random_digits(random_bytes)}"
    return body + checksum(body.encode()).decode()


def random_digits(random_bytes: Callable[[int], bytes]) -> str:
    """The random part of a secret: 32 base62 digits, each equally likely."""
    digits: list[str] = []
    while len(digits) < SECRET_LENGTH:
        # 62 * 4 = 248: rejecting the eight highest values keeps every digit equally likely.
        digits.extend(ALPHABET[byte % 62] for byte in random_bytes(_RANDOM_BYTES) if byte < 248)
    return "".join(digits[:SECRET_LENGTH])


def tag_of(key: bytes) -> str | None:
    """The environment tag of a well-formed key, or ``None`` for anything that is no key at all."""
    return key[3 : -_TAIL - 1].decode() if well_formed(key) else None


def well_formed(key: bytes) -> bool:
    """Whether ``key`` has the form of a key, its checksum included."""
    length = len(key)
    if (
        not _SHORTEST <= length <= _LONGEST
        or not key.startswith(b"wg_")
        or key[length - _TAIL - 1] != _UNDERSCORE
    ):
        return False
    # Each step is one call over all bytes: a worker does this for every key that it did not see lately.
    tag = key[3 : length - _TAIL - 1]
    if not tag.isalnum() or tag != tag.lower() or not key[length - _TAIL :].isalnum():
        return False
    # The checksum is read rather than written anew: no object is made or looked up on the way.
    value = 0
    for at in range(length - CHECK_LENGTH, length):
        value = value * 62 + _VALUES[key[at]]
    return value == crc32(key[: length - CHECK_LENGTH])


class Digester:
    """:func:`digest` for many keys: the master key is set up once."""

    __slots__ = ("_copy",)

    def __init__(self, master_key: bytes) -> None:
        self._copy = hashlib.blake2b(digest_size=32, key=master_key).copy

    def of(self, key: bytes) -> bytes:
        """The 32 bytes ``key`` is stored and looked up under."""
        state = self._copy()
        state.update(key)
        return state.digest()


def digest(key: bytes, master_key: bytes) -> bytes:
    """The 32 bytes a key is stored and looked up under (BLAKE2b-256, keyed; RFC 7693)."""
    return Digester(master_key).of(key)


def shown_prefix(key: str) -> str:
    """What may be shown of a key for ever: scheme, tag and the first four random characters."""
    return key[: key.rindex("_") + 5]


def last_four(key: str) -> str:
    """The last four characters, by which people recognise a key in a list."""
    return key[-4:]
