"""Clients known by their TLS certificate (RFC 8705 section 2): by a name in it, or as the very one they registered."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from wardgate.domain.oauth import Client
from wardgate.jose.thumbprint import certificate_thumbprint

#: Keys of a set that are looked through.
_MOST_KEYS = 200


def names_client(der: bytes, client: Client, now: float) -> bool:
    """Whether the certificate, which the listener traced to an authority, carries the name registered (section 2.1.2).

    A certificate that nobody but itself vouches for names nobody here: anyone can write a name into one.
    """
    certificate = _valid(der, now)
    if certificate is None or certificate.issuer == certificate.subject:
        return False
    if client.tls_subject_dn:
        try:
            return certificate.subject == x509.Name.from_rfc4514_string(client.tls_subject_dn)
        except ValueError:
            return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    if client.tls_san_dns:
        wanted = client.tls_san_dns.lower()
        return any(name.lower() == wanted for name in names.get_values_for_type(x509.DNSName))
    return bool(client.tls_san_uri) and client.tls_san_uri in names.get_values_for_type(
        x509.UniformResourceIdentifier
    )


def is_registered(der: bytes, jwks: Mapping[str, Any], now: float) -> bool:
    """Whether the certificate is one of those in the client's JWK set, by ``x5c`` or ``x5t#S256`` (section 2.2.2)."""
    if _valid(der, now) is None:
        return False
    shown = certificate_thumbprint(der)
    members = jwks.get("keys")
    listed = members[:_MOST_KEYS] if isinstance(members, list | tuple) else ()
    return any(hmac.compare_digest(shown, known) for jwk in listed for known in _thumbprints(jwk))


def _thumbprints(jwk: Any) -> list[str]:
    if not isinstance(jwk, Mapping):
        return []
    found = [jwk["x5t#S256"]] if isinstance(jwk.get("x5t#S256"), str) else []
    chain = jwk.get("x5c")
    if isinstance(chain, list | tuple) and chain and isinstance(chain[0], str):
        try:
            found.append(certificate_thumbprint(b64decode(chain[0], validate=True)))
        except ValueError:
            return [text for text in found if text.isascii()]
    return [text for text in found if text.isascii()]


def _valid(der: bytes, now: float) -> x509.Certificate | None:
    """The certificate, if it can be read and its time is now."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        moment = datetime.fromtimestamp(now, UTC)
        begun = certificate.not_valid_before_utc <= moment
        return certificate if begun and moment <= certificate.not_valid_after_utc else None
    except ValueError:
        return None
