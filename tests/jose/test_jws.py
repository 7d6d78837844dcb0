"""Signatures: what verifies, and everything that must not."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from tests.jose.minted import AT, CLAIMS, KEYS, b64, public, sign, sign_raw

from wardgate.jose import jws
from wardgate.jose.errors import JoseError
from wardgate.jose.keys import ALGORITHMS, KeySet

ALL = KeySet.from_jwks({"keys": [public(name) for name in KEYS]})
ONE = KeySet.from_jwks({"keys": [public()]})
VALID = sign()


def refused(token: str, keys: KeySet = ALL, *, algorithms: frozenset[str] = ALGORITHMS) -> str:
    """The reason ``token`` is refused for."""
    with pytest.raises(JoseError) as caught:
        jws.verify(token, keys, algorithms=algorithms, types=AT)
    return caught.value.reason


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_verifies(algorithm: str) -> None:
    """A token of each algorithm on the list is believed, with its header and claims as signed."""
    header, claims = jws.verify(sign(algorithm=algorithm), ALL, algorithms=frozenset({algorithm}), types=AT)
    assert (header["alg"], claims) == (algorithm, CLAIMS)


def test_a_signature_of_rfc_7515_verifies() -> None:
    """The example of RFC 7515 appendix A.3 is believed by its key; a copy with one bit changed is not."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    token = (
        "eyJhbGciOiJFUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    keys = KeySet.of([jwk])
    _, claims = jws.verify(token, keys, algorithms=frozenset({"ES256"}), types=frozenset({""}))
    assert claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    with pytest.raises(JoseError, match="signature"):
        jws.verify(token[:-2] + "1A", keys, algorithms=frozenset({"ES256"}), types=frozenset({""}))


@given(st.integers(0, len(VALID) - 1), st.characters(codec="ascii"))
def test_no_mutation_of_one_character_verifies(position: int, character: str) -> None:
    """Whatever character of a valid token is changed to whatever else, it is not believed."""
    mutated = VALID[:position] + character + VALID[position + 1 :]
    if mutated != VALID:
        refused(mutated, ONE)


@given(st.integers(0, len(VALID)), st.integers(0, len(VALID)), st.text(max_size=12))
def test_no_splice_verifies(start: int, end: int, inserted: str) -> None:
    """Cutting a piece out of a valid token and putting any text in its place never gives a valid one."""
    low, high = sorted((start, end))
    mutated = VALID[:low] + inserted + VALID[high:]
    if mutated != VALID:
        refused(mutated, ONE)


@given(st.text(max_size=400))
def test_any_text_is_refused_with_a_reason(text: str) -> None:
    """No text raises anything but a JoseError."""
    refused(text)
    refused(f"{b64(text.encode())}.{text}.{text}")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "HS256", "HS512", "", "ES256K", "RSA1_5"])
def test_an_algorithm_off_the_list_is_refused(name: str) -> None:
    """``none`` in any spelling, symmetric and unknown algorithms are refused before any key is looked at."""
    header = json.dumps({"alg": name, "typ": "at+jwt", "kid": "k-ES256"}).encode()
    for signature in ("", b64(b"x" * 64)):
        assert refused(f"{b64(header)}.{b64(json.dumps(CLAIMS).encode())}.{signature}") == "algorithm"


def test_a_public_key_is_no_hmac_secret() -> None:
    """A token MACed with the text of the public key is refused (RFC 8725 section 2.1)."""
    body = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'at+jwt'}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    for secret in (KEYS["RS256"].as_pem(private=False), json.dumps(public("RS256")).encode()):
        assert refused(f"{body}.{b64(hmac.digest(secret, body.encode(), sha256))}") == "algorithm"


def test_the_caller_chooses_the_algorithms() -> None:
    """A token that is right, of an algorithm the caller does not take, is refused."""
    assert refused(sign(algorithm="RS256"), algorithms=frozenset({"ES256"})) == "algorithm"
    assert refused(VALID, algorithms=frozenset()) == "algorithm"


def test_a_key_is_used_for_its_own_algorithm_only() -> None:
    """A key dedicated to RS256 verifies no PS256, and a P-256 key no ES384, whatever the header claims."""
    dedicated = KeySet.of([public("RS256", alg="RS256", kid="k-PS256")])
    assert refused(sign(algorithm="PS256"), dedicated) == "key_unknown"
    other_curve = KeySet.of([public("ES256", kid="k-ES384")])
    assert refused(sign(algorithm="ES384"), other_curve) == "key_unknown"


@pytest.mark.parametrize("member", ["crit", "b64"])
def test_extensions_are_refused(member: str) -> None:
    """``crit`` and an unencoded payload are refused, signed or not (RFC 7515 section 4.1.11, RFC 7797)."""
    for value in (["exp"], [], True, False, None):
        header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "k-ES256", member: value}).encode()
        assert refused(sign_raw(header, json.dumps(CLAIMS).encode())) == "critical"


def test_keys_in_a_header_are_never_used() -> None:
    """A token signed with the key its own header brings is refused: ``jwk``, ``x5c`` and URLs are not looked at."""
    mine = ECKey.generate_key("P-256")
    jwk = mine.as_dict(private=False)
    for extra in ({"jwk": jwk}, {"jku": "https://evil.example/k"}, {"x5u": "https://evil.example/x"}):
        assert refused(sign(key=mine, **extra), ONE) == "signature"
        assert refused(sign(key=mine, kid="mine", **extra), ONE) == "key_unknown"


@pytest.mark.parametrize(
    ("typ", "accepted"),
    [
        ("at+jwt", True),
        ("AT+JWT", True),
        ("application/at+jwt", True),
        ("Application/AT+jwt", True),
        ("JWT", False),
        (None, False),
        ("application/application/at+jwt", False),
        ("", False),
    ],
)
def test_the_type_is_compared(typ: str | None, accepted: bool) -> None:
    """``typ`` counts without regard to case and ``application/``; a token of another type is refused."""
    token = sign(typ=typ)
    if accepted:
        jws.verify(token, ONE, algorithms=ALGORITHMS, types=AT)
    else:
        assert refused(token, ONE) == "type"


def test_a_missing_type_passes_where_it_is_listed() -> None:
    """An empty text among the types lets a token without ``typ`` pass; an empty set lets nothing pass."""
    token = sign(typ=None)
    jws.verify(token, ONE, algorithms=ALGORITHMS, types=frozenset({"at+jwt", ""}))
    with pytest.raises(JoseError, match="type"):
        jws.verify(VALID, ONE, algorithms=ALGORITHMS, types=frozenset())


@pytest.mark.parametrize(
    ("header", "payload", "reason"),
    [
        (b'{"alg":"ES256","alg":"ES256","typ":"at+jwt"}', b"{}", "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'{"sub":"a","sub":"b"}', "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'{"a":{"b":1,"b":2}}', "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'{"exp":NaN}', "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'{"exp":1e999}', "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'{"exp":' + b"9" * 5000 + b"}", "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b"[" * 9000, "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b'"text"', "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b"\xff", "malformed"),
        (b'["alg"]', b"{}", "malformed"),
        (b"", b"{}", "malformed"),
        (b'{"alg":["ES256"],"typ":"at+jwt"}', b"{}", "algorithm"),
        (b'{"typ":"at+jwt"}', b"{}", "algorithm"),
        (b'{"alg":"ES256","typ":5}', b"{}", "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":7}', b"{}", "malformed"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"' + b"k" * 2000 + b'"}', b"{}", "malformed"),
    ],
)
def test_odd_json_is_refused_though_it_is_signed(header: bytes, payload: bytes, reason: str) -> None:
    """Members named twice, numbers out of range, depth and wrong types are refused in a validly signed token too."""
    assert refused(sign_raw(header, payload), ONE) == reason


NO_JWS = [
    "",
    ".",
    "..",
    "a.b",
    f"{VALID}.",
    f".{VALID}",
    VALID + "=",
    VALID.replace(".", "..", 1),
    VALID + "\n",
]
NO_JWS += [" " + VALID, "\u0435" + VALID, VALID.replace(".", "\u2024")]


@pytest.mark.parametrize("token", NO_JWS, ids=range(len(NO_JWS)))
def test_what_is_no_compact_jws_is_malformed(token: str) -> None:
    """Padding, white space, more or fewer parts and other alphabets are refused."""
    assert refused(token, ONE) == "malformed"


def test_the_last_character_has_no_second_spelling() -> None:
    """A signature whose unused bits differ is another text, so it is refused."""
    token = sign(algorithm="EdDSA")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for step in (1, 2, 15):
        other = alphabet[alphabet.index(token[-1]) + step]
        assert refused(token[:-1] + other) == "malformed"


def test_an_oversized_token_is_not_looked_at() -> None:
    """More than 16 KiB is refused, though it is signed; so is a claim set that only just fits accepted."""
    assert refused(sign({**CLAIMS, "x": "y" * 16_000})) == "too_large"
    jws.verify(sign({**CLAIMS, "x": "y" * 11_000}), ONE, algorithms=ALGORITHMS, types=AT)


def test_a_token_without_kid_is_tried_with_every_suited_key() -> None:
    """Without ``kid`` the keys that suit are tried, a bounded number of them."""
    others = [dict(ECKey.generate_key("P-256").as_dict(private=False)) for _ in range(3)]
    keys = KeySet.of([*others, public()])
    jws.verify(sign(kid=None), keys, algorithms=ALGORITHMS, types=AT)
    many = KeySet.of([*(others * 4), public()])
    assert refused(sign(kid=None), many) == "signature"


def test_unverified_claims_are_what_is_written() -> None:
    """They can be read to find the issuer, malformed tokens apart."""
    header, claims = jws.unverified_claims(VALID)
    assert (header["kid"], claims["iss"]) == ("k-ES256", "https://issuer.example")
    with pytest.raises(JoseError, match="malformed"):
        jws.unverified_claims("a.b.c.d")


def test_a_raw_signature_of_the_wrong_length_is_refused() -> None:
    """A DER signature, or one that is cut short, verifies nothing (RFC 7518 section 3.4)."""
    body, _, _ = VALID.rpartition(".")
    for signature in (b"", b"\0" * 64, b"\x30\x06\x02\x01\x01\x02\x01\x01", b"\xff" * 64):
        token: Any = f"{body}.{b64(signature)}"
        assert refused(token, ONE) == "signature"


@pytest.mark.parametrize("claims", [{"sub": "\ud800"}, {"\udfff": 1}, {"aud": [{"deep": "a\ud83d"}]}])
def test_half_a_character_is_no_text(claims: dict[str, Any]) -> None:
    """A lone surrogate can be escaped in JSON and written nowhere; a whole pair is a character like any other."""
    assert refused(sign({**CLAIMS, **claims})) == "malformed"
    whole = sign({**CLAIMS, "sub": "\U0001f600"})
    assert jws.verify(whole, ONE, algorithms=ALGORITHMS, types=AT)[1]["sub"] == "\U0001f600"
