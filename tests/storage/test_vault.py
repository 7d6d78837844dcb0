"""Sealed values open only whole, under their own label and master key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.storage.errors import MasterKeyError
from wardgate.storage.signing import new_signing_key, open_signing_key
from wardgate.storage.vault import Vault

KEY = bytes(range(32))


@given(st.binary(), st.text())
def test_what_is_sealed_opens(value: bytes, label: str) -> None:
    """Any value comes back, and sealing it twice gives two texts."""
    vault = Vault(KEY)
    sealed = vault.seal(value, label)
    assert vault.open(sealed, label) == value
    assert vault.seal(value, label) != sealed


@given(st.integers(0), st.integers(1, 255))
def test_an_altered_value_does_not_open(position: int, change: int) -> None:
    """One changed byte anywhere is noticed."""
    vault = Vault(KEY)
    sealed = bytearray(vault.seal(b"a private key", "label"))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(MasterKeyError, match="cannot be decrypted"):
        vault.open(bytes(sealed), "label")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 13])
def test_a_short_value_does_not_open(sealed: bytes) -> None:
    """A value without its parts is refused like an altered one."""
    with pytest.raises(MasterKeyError):
        Vault(KEY).open(sealed, "label")


def test_another_label_or_key_does_not_open() -> None:
    """A value cannot be moved to another row or another installation."""
    sealed = Vault(KEY).seal(b"value", "one")
    with pytest.raises(MasterKeyError):
        Vault(KEY).open(sealed, "other")
    with pytest.raises(MasterKeyError):
        Vault(bytes(32)).open(sealed, "one")


def test_a_signing_key_is_a_p256_key_that_does_not_show() -> None:
    """A new signing key opens as a PEM, and its repr holds none of it."""
    vault = Vault(KEY)
    kid, sealed = new_signing_key(vault)
    key = open_signing_key(vault, kid, sealed)
    assert key.private_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in repr(key)
    assert key.kid == kid
