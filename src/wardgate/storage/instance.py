"""The key by which an installation vouches for its revisions: Ed25519 (RFC 8032), its private part sealed."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wardgate.storage.vault import Vault


def new_instance_key(vault: Vault) -> tuple[str, bytes, bytes]:
    """The id, the public key (32 bytes) and the sealed private key of a fresh one.

    The id is the start of the SHA-256 of the public key.
    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(public).hexdigest()[:32]
    return key_id, public, vault.seal(key.private_bytes_raw(), _label(key_id))


def open_instance_key(vault: Vault, key_id: str, sealed: bytes) -> Ed25519PrivateKey:
    """The private key stored as ``sealed``. Raises MasterKeyError when the master key is another database's."""
    return Ed25519PrivateKey.from_private_bytes(vault.open(sealed, _label(key_id)))


def public_of(vault: Vault, key_id: str, sealed: bytes) -> bytes:
    """The public key that belongs to the sealed private one: who can write the database alone cannot exchange it.

    Raises:
        MasterKeyError: the master key is another database's.
    """
    return open_instance_key(vault, key_id, sealed).public_key().public_bytes_raw()


def verified(public: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether ``signature`` is that of ``signed`` by the holder of ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _label(key_id: str) -> str:
    return f"instance/{key_id}"
