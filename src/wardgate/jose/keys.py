"""Public keys that verify signatures: read from JWK sets, and chosen by key id and algorithm (RFC 7517)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import errors
from joserfc.jwk import ECKey, OKPKey, RSAKey

from wardgate.jose.encoding import decode
from wardgate.jose.errors import JoseError

#: What each algorithm needs: the key's type and, for curves, which one (RFC 7518 section 3.1, RFC 8037, RFC 9864).
SUITED: Mapping[str, tuple[str, str]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
#: All algorithms this code verifies. No ``none``, nothing symmetric: no text that a client may know is ever a key.
ALGORITHMS = frozenset(SUITED)
#: What is offered and asked for where nobody chose.
DEFAULT_ALGORITHMS = frozenset(("ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"))

#: RFC 7518 section 3.3 asks for 2048 bits; more than 8192 costs the verifier without gain.
_RSA_BITS = range(2048, 8193)
_RSA_MAX_EXPONENT = 1 << 32
#: Primes that tell the moduli of CVE-2017-15361 ("ROCA") apart: those chips made primes that are powers of 65537 modulo each
#: of these, so their product is one too. Of other moduli one in 240 million is.
_TELLING = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_POWERS = {prime: frozenset(pow(65537, exponent, prime) for exponent in range(prime)) for prime in _TELLING}
_COORDINATE: Mapping[str, int] = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_MEMBERS: Mapping[str, tuple[str, ...]] = {"EC": ("crv", "x", "y"), "RSA": ("e", "n"), "OKP": ("crv", "x")}
_CLASSES: Mapping[str, type[ECKey | RSAKey | OKPKey]] = {
    "EC": ECKey,
    "RSA": RSAKey,
    "OKP": OKPKey,
}
#: A set from outside is bounded: keys beyond are not read.
_MAX_KEYS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key. ``kid`` and ``alg`` are empty where its JWK has none; ``native`` is joserfc's."""

    kid: str
    alg: str
    kty: str
    crv: str
    native: ECKey | RSAKey | OKPKey = field(repr=False)

    def suits(self, alg: str) -> bool:
        """Whether it may verify ``alg``: of the right type and curve, and not dedicated to another algorithm."""
        return SUITED.get(alg) == (self.kty, self.crv) and (not self.alg or _same(self.alg, alg))


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by their id, never changed."""

    keys: tuple[Key, ...] = ()

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any]) -> KeySet:
        """The keys of a JWK set that verify signatures; all others are ignored (RFC 7517 section 5).

        Ignored are symmetric and unknown types, keys for encryption, RSA below 2048 or above 8192 bits or of a generator
        whose keys can be factored, curves no algorithm here uses, points off their curve, and keys published with their
        private part.
        """
        members = document.get("keys")
        if not isinstance(members, list | tuple):
            return cls()
        return cls.of(members[:_MAX_KEYS])

    @classmethod
    def of(cls, jwks: Iterable[Any]) -> KeySet:
        """The usable keys among ``jwks``."""
        return cls(tuple(key for key in map(read_key, jwks) if key is not None))

    def candidates(self, kid: str | None, alg: str) -> list[Key]:
        """The keys that may have made a signature with ``alg``: those called ``kid``, or any where there is no id."""
        if kid is None:
            return [key for key in self.keys if key.suits(alg)]
        return [key for key in self.keys if key.kid == kid and key.suits(alg)]


def read_key(jwk: Any) -> Key | None:
    """The public key a JWK describes, or ``None`` where it describes none that verifies a signature here."""
    if not isinstance(jwk, Mapping) or not _PRIVATE.isdisjoint(jwk):
        return None
    kty, kid, alg = jwk.get("kty"), jwk.get("kid", ""), jwk.get("alg", "")
    names = _MEMBERS.get(kty) if isinstance(kty, str) else None
    if names is None or not isinstance(kty, str) or not isinstance(kid, str) or not isinstance(alg, str):
        return None
    if not _for_verifying(jwk):
        return None
    material = {name: value for name in names if isinstance(value := jwk.get(name), str)}
    if len(material) != len(names):
        return None
    crv = material.get("crv", "")
    if (kty, crv) not in SUITED.values() or not _sound(kty, material):
        return None
    try:
        native = _CLASSES[kty].import_key({"kty": kty, **material})
        native.public_key  # noqa: B018 a point off its curve shows when the key is made
    except (errors.JoseError, ValueError, TypeError):
        return None
    return Key(kid=kid, alg=alg, kty=kty, crv=crv, native=native)


def _for_verifying(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops")
    if operations is not None and not (isinstance(operations, list | tuple) and "verify" in operations):
        return False
    return bool(jwk.get("use", "sig") == "sig")


def _sound(kty: str, material: Mapping[str, str]) -> bool:
    """Whether the numbers have the form and size they must have, and so one text only (RFC 7518 sections 6.2, 6.3)."""
    try:
        octets = {name: decode(material[name].encode()) for name in material if name != "crv"}
    except (JoseError, UnicodeEncodeError):
        return False
    if kty == "RSA":
        modulus, exponent = int.from_bytes(octets["n"], "big"), int.from_bytes(octets["e"], "big")
        if modulus.bit_length() not in _RSA_BITS or exponent & 1 == 0 or not 2 < exponent < _RSA_MAX_EXPONENT:
            return False
        return not all(modulus % prime in powers for prime, powers in _POWERS.items())
    return all(len(value) == _COORDINATE[material["crv"]] for value in octets.values())


def narrowed(algorithms: Iterable[str], to: str | None) -> frozenset[str]:
    """Those of ``algorithms`` that are ``to``, by whichever name; all where it is ``None``."""
    return frozenset(each for each in algorithms if to is None or _same(to, each))


def _same(declared: str, alg: str) -> bool:
    """``EdDSA`` and ``Ed25519`` are two names of one algorithm with a key of that curve (RFC 9864 section 2.2)."""
    return declared == alg or {declared, alg} == {"EdDSA", "Ed25519"}
