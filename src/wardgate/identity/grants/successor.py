"""A used refresh token leads to the one that took its place, for who still has the used one in hand, and nobody else.

The successor is encrypted under a key that follows from the text of the used token, of which the store has a digest
only: what lies in the store gives nobody a token.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO = b"wardgate/refresh-successor/v1"
_NONCE_BYTES = 12


def seal(used: str, successor: str, digest: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
    """``successor`` for who has ``used``, whose stored digest is ``digest``."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + _cipher(used).encrypt(nonce, successor.encode(), digest)


def unseal(used: str, sealed: bytes, digest: bytes) -> str | None:
    """The successor; ``None`` where it was not sealed for this token."""
    try:
        return _cipher(used).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], digest).decode()
    except (InvalidTag, ValueError):
        return None


def _cipher(used: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(used.encode()))
