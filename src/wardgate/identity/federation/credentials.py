"""How this server shows a foreign provider which client it is: with a secret, or with a key of its own.

A key is PEM (PKCS 8) as the operator gave it, perhaps with a certificate: Entra knows keys by their certificates, others by
the JWK that ``wardgate idp show`` prints.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from wardgate.domain.people import IdentityProvider
from wardgate.domain.provider import ProviderSettings
from wardgate.domain.tokenform import new_jti
from wardgate.identity.server import Server
from wardgate.jose.thumbprint import certificate_thumbprint, jwk_thumbprint

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECONDS = 60
_PEM = "-----BEGIN "
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_RSA_BITS = 2048


def label_of(provider_id: str) -> str:
    """What the vault seals a provider's secret under."""
    return f"idp:{provider_id}"


def is_pem(secret: str) -> bool:
    """Whether a secret is a key rather than a text."""
    return secret.lstrip().startswith(_PEM)


def public_jwk(pem: str) -> dict[str, Any]:
    """The public half of a key, to be registered at the provider. Raises ValueError for what is no usable key."""
    key, algorithm, _ = _read(pem)
    members = key.as_dict(private=False)
    return {**members, "kid": jwk_thumbprint(members), "use": "sig", "alg": algorithm}


def authenticated(
    server: Server, provider: IdentityProvider, settings: ProviderSettings, token_endpoint: str
) -> tuple[dict[str, str], dict[str, str]]:
    """``(form fields, headers)`` that authenticate a call to the token endpoint (RFC 6749 section 2.3, RFC 7523).

    Raises:
        ValueError: the key cannot be used.
    """
    if not provider.sealed_secret:
        return {"client_id": provider.client_id}, {}
    secret = server.vault.open(provider.sealed_secret, label_of(provider.id)).decode()
    if settings.authentication == "private_key_jwt":
        assertion = _assertion(server, provider, secret, token_endpoint)
        return {
            "client_id": provider.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }, {}
    if settings.authentication == "client_secret_post":
        return {"client_id": provider.client_id, "client_secret": secret}, {}
    pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
    return {}, {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _assertion(server: Server, provider: IdentityProvider, pem: str, audience: str) -> str:
    key, algorithm, certificate = _read(pem)
    now = int(server.clock())
    header: dict[str, Any] = {
        "alg": algorithm,
        "typ": "JWT",
        "kid": jwk_thumbprint(key.as_dict(private=False)),
    }
    if certificate is not None:
        header["x5t#S256"] = certificate_thumbprint(certificate)
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": audience,
        "jti": new_jti(server.clock(), server.random),
        "iat": now,
        "nbf": now,
        "exp": now + _SECONDS,
    }
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[algorithm])


def _read(pem: str) -> tuple[ECKey | RSAKey, str, bytes | None]:
    """The key, the algorithm it signs with, and its certificate (DER) if there is one. Raises ValueError."""
    data = pem.encode()
    try:
        private = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the key is no PEM file of an unencrypted private key") from None
    certificate = None
    if _CERTIFICATE in pem:
        loaded = x509.load_pem_x509_certificate(data[data.index(_CERTIFICATE.encode()) :])
        if loaded.public_key() != private.public_key():
            raise ValueError("the certificate is of another key")
        certificate = loaded.public_bytes(Encoding.DER)
    plain = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= _RSA_BITS:
        return RSAKey.import_key(plain), "RS256" if certificate is None else "PS256", certificate
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return ECKey.import_key(plain), "ES256", certificate
    raise ValueError("the key is neither RSA of 2048 bits or more nor on the curve P-256")
