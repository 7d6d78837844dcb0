"""Encrypts what must be readable again (signing keys), under a key derived from the master key."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wardgate.storage.errors import MasterKeyError

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_INFO = b"wardgate/vault/v1"


class Vault:
    """AES-256-GCM under HKDF-SHA256 of the master key (RFC 5869).

    A sealed value is a format byte, a random nonce and the ciphertext with its tag. ``label`` is authenticated:
    a value sealed for one row cannot be opened as another's.
    """

    def __init__(self, master_key: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(master_key)
        self._cipher = AESGCM(derived)

    def seal(self, value: bytes, label: str) -> bytes:
        """``value`` encrypted for the row called ``label``."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, value, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """What :meth:`seal` was given.

        Raises:
            MasterKeyError: it was sealed under another master key, for another label, or was altered.
        """
        start = len(_FORMAT) + _NONCE_BYTES
        try:
            if not sealed.startswith(_FORMAT) or len(sealed) <= start:
                raise InvalidTag
            return self._cipher.decrypt(sealed[len(_FORMAT) : start], sealed[start:], label.encode())
        except InvalidTag:
            raise MasterKeyError(
                f"{label!r} cannot be decrypted: master.key is not the one this database was made with",
                "Put back the master.key that belongs to this wardgate.db",
            ) from None
