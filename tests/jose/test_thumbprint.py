"""Thumbprints of keys and certificates, by the vectors of their RFCs."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.jose.minted import KEYS

from wardgate.jose.errors import JoseError
from wardgate.jose.thumbprint import certificate_thumbprint, jwk_thumbprint

RFC7638_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMst"
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
    "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


@pytest.mark.parametrize(
    ("jwk", "thumbprint"),
    [
        # RFC 7638 section 3.1; members that are no part of the key do not count.
        (
            {"kty": "RSA", "n": RFC7638_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"},
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        # RFC 8037 appendix A.3.
        (
            {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
        # RFC 9449 section 6.1 (the key of all its examples).
        (
            {
                "kty": "EC",
                "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
                "crv": "P-256",
            },
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ),
    ],
)
def test_the_vectors(jwk: dict[str, Any], thumbprint: str) -> None:
    """Each published example gives the published thumbprint."""
    assert jwk_thumbprint(jwk) == thumbprint


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "RS256", "EdDSA"])
def test_another_library_agrees(algorithm: str) -> None:
    """joserfc computes the same, of the public and of the private form."""
    key = KEYS[algorithm]
    assert jwk_thumbprint(key.as_dict(private=False)) == key.thumbprint()
    assert jwk_thumbprint(key.as_dict(private=True)) == key.thumbprint()


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "none"}, {"kty": ["EC"]}, {"kty": "EC", "crv": "P-256", "x": "a"}, {"kty": "OKP", "crv": 1, "x": "a"},
     {"kty": "OKP", "crv": "Ed25519", "x": "\ud800"}],
)  # fmt: skip
def test_what_is_no_key_has_no_thumbprint(jwk: dict[str, Any]) -> None:
    """A missing or wrongly typed member is an error, never a thumbprint of something else."""
    with pytest.raises(JoseError, match="malformed"):
        jwk_thumbprint(jwk)


#: The certificate of RFC 8705 appendix A.
RFC8705_X5C = (
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRs"
    "czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0t"
    "H6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFf"
    "Qj1L+SY="
)


def test_the_certificate_of_rfc_8705() -> None:
    """The example certificate of RFC 8705 appendix A has the thumbprint printed there."""
    der = base64.b64decode(RFC8705_X5C)
    assert certificate_thumbprint(der) == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
