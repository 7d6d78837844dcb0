"""Client certificates: of an authority, and self-signed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from wardgate.jose.encoding import encode

AUTHORITY = x509.Name.from_rfc4514_string("CN=Test CA")


def certificate(
    subject: str = "CN=app,O=Acme",
    *,
    issuer: x509.Name | None = AUTHORITY,
    dns: Sequence[str] = (),
    uris: Sequence[str] = (),
    days: int = 30,
) -> bytes:
    """A certificate in DER; ``issuer`` ``None``: signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(subject)
    now = datetime.now(UTC)
    names = [*map(x509.DNSName, dns), *map(x509.UniformResourceIdentifier, uris)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def registered(der: bytes) -> dict[str, object]:
    """The JWK set in which a client registers its self-signed certificate (RFC 8705 section 2.2.2)."""
    point = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(point, ec.EllipticCurvePublicKey)
    numbers = point.public_numbers()
    return {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "x": encode(numbers.x.to_bytes(32, "big")),
                "y": encode(numbers.y.to_bytes(32, "big")),
                "x5c": [b64encode(der).decode()],
            }
        ]
    }
