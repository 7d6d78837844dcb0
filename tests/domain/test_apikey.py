"""The key's text form and checksum."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wardgate.domain import apikey

#: The form that docs/keys.md tells.
_FORM = re.compile(rb"wg_([a-z0-9]{1,12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


def _digits(number: int) -> bytes:
    """Base62, six digits, by definition."""
    return bytes(ord(apikey.ALPHABET[number // 62**place % 62]) for place in range(5, -1, -1))


def _oracle(key: bytes) -> str | None:
    """What the documented form says of ``key``, straight from its pattern."""
    match = _FORM.fullmatch(key)
    if match is None or _digits(zlib.crc32(key[:-6])) != match.group(3):
        return None
    return match.group(1).decode()


@given(st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True))
def test_a_generated_key_tells_its_environment(tag: str) -> None:
    """What is issued has the documented form, and its tag is read back."""
    key = apikey.generate(tag, secrets.token_bytes)
    assert _FORM.fullmatch(key.encode())
    assert apikey.tag_of(key.encode()) == tag


@given(st.binary(max_size=60))
@example(b"")
@example(b"wg__" + b"A" * 38)
@example(b"wg_" + b"A" * 38)
@example(b"wg_a_" + b"\xc3\xa9" * 19)
def test_anything_else_is_no_key(noise: bytes) -> None:
    """Garbage of any length is told from a key as the pattern tells it."""
    assert apikey.tag_of(noise) == _oracle(noise)


@given(
    st.integers(0, 60),
    st.binary(min_size=0, max_size=3),
    st.integers(0, 3),
    st.sampled_from(["dev", "p", "a" * 12]),
)
def test_a_damaged_key_is_judged_as_the_pattern_judges(place: int, put: bytes, cut: int, tag: str) -> None:
    """Bytes put in, taken out or changed anywhere: the same verdict as by the form and the checksum."""
    key = apikey.generate(tag, secrets.token_bytes).encode()
    damaged = key[:place] + put + key[place + cut :]
    assert apikey.tag_of(damaged) == _oracle(damaged)


@given(st.binary(max_size=60))
def test_the_checksum_is_the_crc_in_base62(body: bytes) -> None:
    """Six digits, most significant first."""
    assert apikey.checksum(body) == _digits(zlib.crc32(body))


def test_a_tag_of_another_form_is_refused() -> None:
    """Its message names the tag and what it must be."""
    with pytest.raises(ValueError, match="'Dev' must be 1 to 12 lower-case letters or digits"):
        apikey.generate("Dev", secrets.token_bytes)


@given(st.binary(max_size=80), st.binary(min_size=32, max_size=32))
def test_a_digest_is_keyed_blake2b(key: bytes, master_key: bytes) -> None:
    """However often the hash is used again, each key has the digest it is stored under."""
    wanted = hashlib.blake2b(key, digest_size=32, key=master_key).digest()
    keyed = apikey.Digester(master_key)
    assert (keyed.of(b"another") == wanted) == (key == b"another")
    assert keyed.of(key) == wanted == apikey.digest(key, master_key)


def test_what_is_too_short_is_no_key() -> None:
    """Every length below that of a key, with and without its beginning: refused, never an error."""
    key = apikey.generate("d", lambda count: bytes(range(count))).encode()
    assert apikey.tag_of(key) == "d"
    for length in range(len(key)):
        assert apikey.tag_of(key[:length]) is None
        assert apikey.tag_of(b"x" * length) is None
