"""A private key that signs tokens: how it is made, kept and used (RFC 7515, RFC 7518, RFC 8037)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from wardgate.domain.oauth import SigningAlgorithm
from wardgate.identity.ports import StoredKey, Vault
from wardgate.jose.encoding import encode
from wardgate.jose.thumbprint import jwk_thumbprint

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey

_COORDINATE = 32
_RSA_BITS = 2048
_ES256 = ec.ECDSA(SHA256())
_RS256 = padding.PKCS1v15()
_RS256_HASH = SHA256()
_as_json = json.JSONEncoder(separators=(",", ":")).encode


def generate(algorithm: SigningAlgorithm) -> PrivateKey:
    """A fresh private key; an RSA key takes a tenth of a second and more."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, _RSA_BITS)
    return Ed25519PrivateKey.generate()


def public_jwk(key: PrivateKey, algorithm: SigningAlgorithm) -> dict[str, Any]:
    """The public half as the JWK set shows it; ``kid`` is its thumbprint (RFC 7638), so equal keys have equal ids."""
    members: dict[str, Any]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        x, y = (encode(number.to_bytes(_COORDINATE, "big")) for number in (point.x, point.y))
        members = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    elif isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        members = {"kty": "RSA", "n": _integer(public.n), "e": _integer(public.e)}
    else:
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        members = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}
    return {**members, "kid": jwk_thumbprint(members), "alg": algorithm, "use": "sig"}


def _integer(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def stored(
    key: PrivateKey,
    algorithm: SigningAlgorithm,
    vault: Vault,
    *,
    environment: str,
    now: float,
    active_at: float,
) -> StoredKey:
    """``key`` as it is kept: published from ``now``, its private half sealed under its own id."""
    public = public_jwk(key, algorithm)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return StoredKey(
        kid=public["kid"],
        environment=environment,
        algorithm=algorithm,
        public=public,
        sealed_private=vault.seal(private, _label(public["kid"])),
        created_at=now,
        active_at=active_at,
    )


def _label(kid: str) -> str:
    return f"token-key {kid}"


class Signer:
    """Signs with one key."""

    def __init__(self, key: StoredKey, vault: Vault) -> None:
        """Raises MasterKeyError when it was sealed under another master key."""
        self._kid = key.kid
        self._algorithm = key.algorithm
        self._heads: dict[str, str] = {}
        private = load_der_private_key(vault.open(key.sealed_private, _label(key.kid)), None)
        if not isinstance(private, PrivateKey):
            raise TypeError(f"the signing key {key.kid} is of a type that signs no token")
        self._sign = _signature_of(private)

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """A compact JWS whose header says ``alg``, ``kid`` and ``typ``."""
        head = self._heads.get(typ)
        if head is None:
            header = {"alg": self._algorithm, "kid": self._kid, "typ": typ}
            head = self._heads[typ] = encode(_as_json(header).encode())
        text = f"{head}.{encode(_as_json(claims).encode())}"
        return f"{text}.{encode(self._sign(text.encode()))}"


def _signature_of(key: PrivateKey) -> Callable[[bytes], bytes]:
    """What makes the signature's bytes as JWS wants them."""
    if isinstance(key, ec.EllipticCurvePrivateKey):

        def ecdsa(data: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(data, _ES256))
            return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

        return ecdsa
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda data: key.sign(data, _RS256, _RS256_HASH)
    return key.sign
