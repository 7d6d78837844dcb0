"""A passkey in software (WebAuthn level 2 sections 6 and 8.7): makes and uses credentials as a device does."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP, _ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def text(value: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def data(value: str) -> bytes:
    """The bytes of it."""
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


@dataclass
class Authenticator:
    """One credential. ``verifies``: it checks who holds it; ``synced``: copies of it may exist."""

    origin: str
    rp: str = ""
    verifies: bool = True
    synced: bool = False
    cross_origin: bool | None = False
    count: int = 0
    user: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def create(self, options: str) -> str:
        """What ``navigator.credentials.create`` gives for ``options``, as JSON."""
        asked = json.loads(options)
        self.rp = self.rp or asked["rp"]["id"]
        self.user = data(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        auth = self._authenticator_data(_ATTESTED) + attested
        response = {
            "clientDataJSON": text(self._client_data("webauthn.create", asked["challenge"])),
            "attestationObject": text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": auth})),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: str) -> str:
        """What ``navigator.credentials.get`` gives for ``options``, as JSON."""
        asked = json.loads(options)
        self.count += 1
        client = self._client_data("webauthn.get", asked["challenge"])
        auth = self._authenticator_data(0)
        signature = self.key.sign(auth + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(auth),
            "signature": text(signature),
            "userHandle": text(self.user),
        }
        return self._credential(response)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        client: dict[str, Any] = {"type": kind, "challenge": challenge, "origin": self.origin}
        if self.cross_origin is not None:
            client["crossOrigin"] = self.cross_origin
        return json.dumps(client).encode()

    def _authenticator_data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        flags |= (_ELIGIBLE | _BACKED_UP) if self.synced else 0
        return hashlib.sha256(self.rp.encode()).digest() + bytes((flags,)) + self.count.to_bytes(4, "big")

    def _credential(self, response: dict[str, Any]) -> str:
        name = text(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
