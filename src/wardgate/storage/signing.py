"""Makes and reads the keys that identity assertions are signed with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from wardgate.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class StoredSigningKey:
    """A signing key as the gateway uses it: its id and its private key, PKCS #8 in PEM (never shown)."""

    kid: str
    private_pem: bytes = field(repr=False)


def new_signing_key(vault: Vault) -> tuple[str, bytes]:
    """The key id and the sealed private key of a fresh ES256 (P-256) key.

    The id is the start of the SHA-256 of its public point: equal keys have equal ids.
    """
    key = generate_private_key(SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    kid = hashlib.sha256(point).hexdigest()[:32]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return kid, vault.seal(pem, kid)


def open_signing_key(vault: Vault, kid: str, sealed: bytes) -> StoredSigningKey:
    """The key stored as ``sealed``. Raises MasterKeyError when the master key is another database's."""
    return StoredSigningKey(kid, vault.open(sealed, kid))
