"""Finding keys in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain import apikey
from wardgate.domain.leak import find, genuine, masked, without_keys
from wardgate.domain.operator import new_token
from wardgate.domain.tokenform import SecretKind, new_secret


def seeded(count: int) -> bytes:
    """Bytes that are the same in every process: tests are named by what they are given."""
    return bytes(range(count))


KEY = apikey.generate("prod", seeded).encode()
TOKEN = new_token(seeded).encode()
OPAQUE = new_secret("at", lambda count: b"\x55" * count).encode()
KINDS: tuple[SecretKind, ...] = ("at", "rt", "ac", "dc", "cs", "ss", "ra", "pr", "ot")


@pytest.mark.parametrize(
    "around", [b"%s", b'key = "%s"', b"a=%s&b", b"(%s)", b"\x00%s\x00", b"https://x/%s/y", b"%s\n%s"]
)
def test_keys_are_found_wherever_they_stand(around: bytes) -> None:
    """Quotes, brackets, zero bytes and addresses around a key do not hide it."""
    text = around.replace(b"%s", KEY)
    assert [each.text for each in find(text)] == [KEY] * around.count(b"%s")
    assert [text[each.offset :][: len(KEY)] for each in find(text)] == [KEY] * around.count(b"%s")


def test_each_kind_is_told_apart() -> None:
    """API keys, operators' tokens and the authorization server's secrets are known by their form."""
    assert [(each.kind, each.text) for each in find(KEY + b" " + TOKEN)] == [
        ("api_key", KEY),
        ("admin_token", TOKEN),
    ]
    for kind in KINDS:
        text = new_secret(kind, seeded).encode()
        assert [(each.kind, each.text) for each in find(b"x=" + text + b";")] == [("oauth_secret", text)]


@pytest.mark.parametrize("text", [KEY, TOKEN])
@given(place=st.integers(min_value=9), digit=st.sampled_from(apikey.ALPHABET))
def test_a_wrong_checksum_is_no_key(text: bytes, place: int, digit: str) -> None:
    """One other character and it is noise: there are no false alarms."""
    where = 9 + place % (len(text) - 9)
    other = text[:where] + digit.encode() + text[where + 1 :]
    assert (genuine(other) is not None) == (other == text)


@pytest.mark.parametrize(
    "text", [KEY[:-1], b"wg_prod_", b"wg_PROD_" + KEY[8:], b"", TOKEN[:-1], OPAQUE + b"x", b"x" + OPAQUE]
)
def test_what_goes_on_or_ends_early_is_no_key(text: bytes) -> None:
    """A key is all of itself; one without a checksum is a whole word besides."""
    assert list(find(text)) == []


@pytest.mark.parametrize("text", [KEY, TOKEN])
@pytest.mark.parametrize(
    "around", [b"%%22%b%%22", rb"\n%b\n", b"KEY_%b_", b"wg_%b", b"wg_a_wgop_%bxx", b"%b"]
)
def test_a_checksum_needs_no_end_of_word(text: bytes, around: bytes) -> None:
    """Escapes that run into a key, and names that end in it, do not hide it."""
    assert [each.text for each in find(around % text)] == [text]


@given(st.binary(max_size=300))
def test_anything_may_be_searched(data: bytes) -> None:
    """Any bytes are searched without an error, and what is found is genuine."""
    for each in find(data):
        assert genuine(each.text) is not None


@given(st.integers(0, 2**32))
def test_masked_keys_cannot_be_used(seed: int) -> None:
    """What is shown of a key keeps at least 30 of its random characters back, and is no key."""
    for text in (
        KEY,
        TOKEN,
        new_secret("at", lambda count: seed.to_bytes(5, "big").ljust(count, b"\xff")).encode(),
    ):
        shown = masked(text)
        assert len(shown) <= len(text) - 27
        assert list(find(shown.encode())) == []
        assert without_keys(f"é{text.decode()}!", "-") == "é-!"
        assert text.decode() not in repr(list(find(text)))
