"""DPoP proofs: the examples of RFC 9449, and every way section 4.3 tells to refuse one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jose.minted import KEYS, NOW, sign, sign_raw

from wardgate.jose import dpop
from wardgate.jose.dpop import Proof, check_proof
from wardgate.jose.errors import JoseError

URL = "https://api.example/orders/7"
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
RFC_HEADER = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQy"
    "VVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_TOKEN_REQUEST = (
    f"{RFC_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu"
    "IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC_RESOURCE_REQUEST = (
    f"{RFC_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


def proof(algorithm: str = "ES256", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A right proof for ``URL`` with ``TOKEN``, some of its parts changed; ``None`` leaves a claim out."""
    members = {
        "typ": "dpop+jwt",
        "kid": None,
        "jwk": KEYS[algorithm].as_dict(private=False),
        **(header or {}),
    }
    body = {"jti": "j-1", "htm": "GET", "htu": URL, "iat": int(NOW), "ath": ATH, **claims}
    present = {name: value for name, value in body.items() if value is not None}
    text: str = sign(present, algorithm, **members)
    return text


def check(text: str, *, token: str | None = TOKEN, method: str = "GET", url: str = URL) -> Proof:
    return check_proof(text, method=method, url=url, now=NOW, skew=5, max_age=60, access_token=token)


def refused(text: str) -> str:
    with pytest.raises(JoseError) as caught:
        check(text)
    return caught.value.reason


def test_the_token_request_of_rfc_9449() -> None:
    """Figure 2 verifies for its method, URL and time."""
    found = check_proof(
        RFC_TOKEN_REQUEST,
        method="POST",
        url="https://server.example.com/token",
        now=1562262616,
        skew=0,
        max_age=60,
        access_token=None,
    )
    assert found == Proof("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "-BwC3ESc6acc2lTc", 1562262616, None)


def test_the_resource_request_of_rfc_9449() -> None:
    """Figure 13 verifies with its token, and with no other."""
    check = {"method": "GET", "url": "https://resource.example.org/protectedresource", "now": 1562262618.0}
    check_proof(RFC_RESOURCE_REQUEST, **check, skew=0, max_age=60, access_token=TOKEN)  # type: ignore[arg-type]
    with pytest.raises(JoseError, match="proof_token"):
        check_proof(RFC_RESOURCE_REQUEST, **check, skew=0, max_age=60, access_token="another")  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", sorted(dpop.ALGORITHMS))
def test_every_algorithm_proves(algorithm: str) -> None:
    """A proof of each offered algorithm is believed and names its key."""
    assert check(proof(algorithm)).jkt == KEYS[algorithm].thumbprint()


WRONG = [
    ("", "proof_malformed"),
    ("a.b.c", "proof_malformed"),
    ("x" * 7000, "too_large"),
    (proof(header={"typ": "JWT"}), "proof_malformed"),
    (proof(header={"typ": None}), "proof_malformed"),
    (proof(header={"alg": "none"}), "proof_malformed"),
    (proof(header={"alg": "HS256"}), "proof_malformed"),
    (proof(header={"crit": ["jwk"]}), "proof_malformed"),
    (proof("ES512"), "proof_malformed"),
    (proof(header={"jwk": None}), "proof_key"),
    (proof(header={"jwk": "text"}), "proof_key"),
    (proof(header={"jwk": KEYS["ES256"].as_dict(private=True)}), "proof_key"),
    (proof(header={"jwk": KEYS["RS256"].as_dict(private=False)}), "proof_key"),
    (proof(header={"jwk": KEYS["ES384"].as_dict(private=False)}), "proof_key"),
    (proof(header={"jwk": {"kty": "oct", "k": "AAAA"}}), "proof_key"),
    (proof(header={"jwk": {**KEYS["ES256"].as_dict(private=False), "x": "A" * 43}}), "proof_key"),
    (proof(header={"jwk": type(KEYS["ES256"]).generate_key().as_dict(private=False)}), "proof_signature"),
    (proof(jti=None), "proof_malformed"),
    (proof(jti=""), "proof_malformed"),
    (proof(jti=7), "proof_malformed"),
    (proof(jti="j" * 257), "proof_malformed"),
    (proof(nonce=7), "proof_malformed"),
    (proof(iat=None), "proof_malformed"),
    (proof(iat="now"), "proof_malformed"),
    (proof(iat=10**400), "proof_malformed"),
    (proof(htm=None), "proof_mismatch"),
    (proof(htm="POST"), "proof_mismatch"),
    (proof(htm="get"), "proof_mismatch"),
    (proof(htu=None), "proof_mismatch"),
    (proof(htu="https://api.example/orders/8"), "proof_mismatch"),
    (proof(htu="https://api.example.evil/orders/7"), "proof_mismatch"),
    (proof(htu="http://api.example/orders/7"), "proof_mismatch"),
    (proof(htu="https://api.example:8443/orders/7"), "proof_mismatch"),
    (proof(htu="https://api.example/orders%2F7"), "proof_mismatch"),
    (proof(htu="https://user@api.example/orders/7"), "proof_mismatch"),
    (proof(htu="https://api.example:x/orders/7"), "proof_mismatch"),
    (proof(htu="https://[::1/orders/7"), "proof_mismatch"),
    (proof(htu="/orders/7"), "proof_mismatch"),
    (proof(iat=int(NOW) - 61), "proof_expired"),
    (proof(iat=int(NOW) + 6), "proof_expired"),
    (proof(ath=None), "proof_token"),
    (proof(ath=""), "proof_token"),
    (proof(ath="x" * 43), "proof_token"),
    (proof(ath="\u00e9"), "proof_token"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[f"{at}-{row[1]}" for at, row in enumerate(WRONG)])
def test_every_way_to_be_wrong(text: str, reason: str) -> None:
    """Section 4.3 step by step: each breach is refused under its reason."""
    assert refused(text) == reason


@pytest.mark.parametrize(
    ("htu", "url"),
    [
        ("https://api.example:443/orders/7", URL),
        ("https://API.example/orders/7", URL),
        ("HTTPS://api.example/orders/7", URL),
        ("https://api.example/orders/7?page=2#top", URL),
        ("https://api.example/orders/7", f"{URL}?page=2"),
        ("https://api.example/%6frders/7", URL),
        ("https://api.example/caf%c3%a9", "https://api.example/caf%C3%A9"),
        ("https://api.example", "https://api.example/"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
    ],
)
def test_equal_urls_may_be_spelt_differently(htu: str, url: str) -> None:
    """Case, usual port, escapes, query and fragment make no difference (RFC 9449 section 4.3 step 9)."""
    assert check(proof(htu=htu), url=url).jti == "j-1"


def test_without_a_token_no_hash_is_asked_for() -> None:
    """At the token endpoint a proof has no ``ath``."""
    assert check(proof(ath=None), token=None).nonce is None


def test_the_nonce_is_reported() -> None:
    """The caller compares the nonce; a proof without one says so."""
    assert check(proof(nonce="n-1")).nonce == "n-1"


def test_what_is_remembered_tells_key_and_jti() -> None:
    """Replay keys differ with the key and with the jti, have a fixed length and hide what they are of."""
    keys = {check(proof(jti=jti)).replay_key for jti in ("a", "b" * 200)} | {
        check(proof("RS256", jti="a")).replay_key
    }
    assert {len(key) for key in keys} == {43} and len(keys) == 3


RIGHT = proof()


@given(st.integers(0, len(RIGHT) - 1), st.characters(codec="ascii"))
def test_no_mutation_proves_the_same_key(position: int, character: str) -> None:
    """No change of one character gives another acceptable proof."""
    mutated = RIGHT[:position] + character + RIGHT[position + 1 :]
    if mutated != RIGHT:
        refused(mutated)


def test_members_named_twice_are_refused() -> None:
    """A header that names its key twice is read differently by different readers, so by none here."""
    jwk = json.dumps(KEYS["ES256"].as_dict(private=False))
    header = f'{{"alg":"ES256","typ":"dpop+jwt","jwk":{jwk},"jwk":{jwk}}}'
    assert refused(sign_raw(header.encode(), b"{}")) == "proof_malformed"


def test_a_key_is_made_once() -> None:
    """Proofs with the same header share its key, but each needs its own signature; what is refused is not kept."""
    dpop._shown.cache_clear()
    assert check(proof(jti="a")).jkt == check(proof(jti="b")).jkt
    assert dpop._shown.cache_info().misses == 1
    head, _, signature = proof(jti="c").split(".")
    other = proof(jti="d").split(".")[1]
    assert refused(f"{head}.{other}.{signature}") == "proof_signature"
    for _ in range(2):
        assert refused(proof(header={"jwk": {"kty": "oct", "k": "AAAA"}})) == "proof_key"
    assert dpop._shown.cache_info().currsize == 1
    assert dpop._shown.cache_info().maxsize == dpop.MOST_KEYS
