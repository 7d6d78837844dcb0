"""Keys of JWK sets: what is taken, what is ignored."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from tests.jose.minted import KEYS, b64, public

from wardgate.jose.keys import ALGORITHMS, KeySet, read_key

_RSA_1024 = {"kty": "RSA", "e": "AQAB", "n": b64(b"\xc1" + b"\x55" * 127)}


def _with_n(bits: int, exponent: bytes = b"\x01\x00\x01") -> dict[str, Any]:
    modulus = ((1 << bits) - 1).to_bytes((bits + 7) // 8, "big")
    return {"kty": "RSA", "e": b64(exponent), "n": b64(modulus)}


def _power_of_65537() -> dict[str, Any]:
    """A modulus that is a power of 65537 modulo every small prime, as those of CVE-2017-15361 are: made, nobody's key."""
    product = math.prod(prime for prime in range(2, 168) if all(prime % each for each in range(2, prime)))
    modulus = pow(65537, 12345, product) + product * ((1 << 2047) // product + 2)
    return {"kty": "RSA", "e": "AQAB", "n": b64(modulus.to_bytes(256, "big"))}


@pytest.mark.parametrize(
    "jwk",
    [
        _power_of_65537(),
        {"kty": "oct", "k": "AAAA"},
        {"kty": "PEM"},
        {},
        None,
        "key",
        _RSA_1024,
        _with_n(2047),
        _with_n(8193),
        _with_n(2048, b"\x01"),
        _with_n(2048, b"\x02"),
        _with_n(2048, b"\x01\x00\x00\x00\x01"),
        public("ES256", use="enc"),
        public("ES256", use=["sig"]),
        public("ES256", key_ops=["sign"]),
        public("ES256", key_ops="verify"),
        public("ES256", kid=7),
        public("ES256", alg=7),
        public("ES256", crv="secp256k1"),
        public("ES256", crv="P-384"),
        public("ES256", x=b64(b"\1" * 32)),
        public("ES256", x="AA" + public("ES256")["x"]),
        public("ES256", x=public("ES256")["x"] + "="),
        public("ES256", y=None),
        public("EdDSA", x=b64(b"\1" * 31)),
        dict(OKPKey.generate_key("X25519").as_dict(private=False)),
        dict(OKPKey.generate_key("Ed448").as_dict(private=False)),
        {**KEYS["ES256"].as_dict(private=True)},
        {**KEYS["RS256"].as_dict(private=True)},
        public("ES256", k="AAAA"),
    ],
)
def test_what_cannot_be_used_is_ignored(jwk: Any) -> None:
    """Symmetric, weak, private, misplaced and malformed keys are no keys here."""
    assert read_key(jwk) is None
    assert len(KeySet.from_jwks({"keys": [jwk, public()]}).keys) == 1


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_key_is_found_by_its_id_and_algorithm(algorithm: str) -> None:
    """A key suits its own algorithms and is found under its id; under another id nothing is."""
    keys = KeySet.of([public(algorithm, use="sig", key_ops=["verify"], alg=algorithm)])
    assert [key.kid for key in keys.candidates(f"k-{algorithm}", algorithm)] == [f"k-{algorithm}"]
    assert keys.candidates("another", algorithm) == []
    assert len(keys.candidates(None, algorithm)) == 1


def test_the_two_names_of_eddsa_are_one() -> None:
    """A key for ``EdDSA`` serves ``Ed25519`` and the other way round (RFC 9864)."""
    for declared, used in (("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")):
        assert KeySet.of([public("EdDSA", alg=declared, kid="k")]).candidates("k", used)


def test_several_keys_may_share_an_id() -> None:
    """RFC 7517 section 4.5: keys of different types may share ``kid``; the algorithm tells them apart."""
    keys = KeySet.of([public("ES256", kid="k"), public("RS256", kid="k")])
    assert [key.kty for key in keys.candidates("k", "ES256")] == ["EC"]
    assert [key.kty for key in keys.candidates("k", "PS256")] == ["RSA"]


def test_a_key_set_is_bounded() -> None:
    """Keys past the two hundredth are not read."""
    jwk = ECKey.generate_key("P-256").as_dict(private=False)
    assert len(KeySet.from_jwks({"keys": [jwk] * 300}).keys) == 200


_NAMES = st.sampled_from(["keys", "kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["EC", "RSA", "OKP", "P-256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=6),
)


@given(_JSON)
def test_no_document_breaks_the_reader(value: Any) -> None:
    """Whatever JSON stands where a set or a key should, reading it raises nothing."""
    read_key(value)
    KeySet.from_jwks({"keys": value})
    KeySet.from_jwks({"keys": [value, {**public(), "x": value}]})


def test_a_printed_key_shows_no_material() -> None:
    """The representation names the key and leaves its numbers out."""
    assert public()["x"] not in repr(KeySet.of([public()]))
