"""A certificate authority of this machine's own, so that TLS works from the first start.

For trying things out and for development: whoever holds the authority's key can impersonate any site to a client that
trusts it, so trust it for one command (``curl --cacert``) rather than for the whole system.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wardgate.domain.settings import Certificate

_DNS_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_RENEW_BEFORE = timedelta(days=7)
_BACKDATED = timedelta(minutes=5)
_CA_LIFE = timedelta(days=3650)
_SERVER_LIFE = timedelta(days=397)

_Issued = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def make_local_ca(directory: Path, names: list[str], now: datetime | None = None) -> tuple[Certificate, Path]:
    """A server certificate for ``names`` (DNS names or addresses), signed by a local authority made on first use.

    Returns the server's files and the authority's certificate for clients to trust. What is in ``directory`` is used
    again while it covers just these names and stays valid for seven days from ``now``. Keys are EC P-256, in files of
    mode 0600.

    Raises:
        ValueError: ``names`` is empty or one of them is no name.
    """
    if not names:
        raise ValueError("a local certificate needs at least one name")
    alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
    now = now or datetime.now(UTC)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = directory / "ca.pem"
    issuer = _kept(authority, directory / "ca-key.pem", now)
    if issuer is None:
        issuer = _authority(now)
        _write(directory / "ca-key.pem", _pem(issuer[1]))
        _write(authority, issuer[0].public_bytes(serialization.Encoding.PEM))
    files = Certificate(certificate=str(directory / "server.pem"), key=str(directory / "server-key.pem"))
    kept = _kept(Path(files.certificate), Path(files.key), now)
    if kept is None or not _is_for(kept[0], alternative, issuer[0]):
        certificate, key = _server(alternative, names[0], issuer, now)
        _write(Path(files.key), _pem(key))
        _write(Path(files.certificate), certificate.public_bytes(serialization.Encoding.PEM))
    return files, authority


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if _DNS_NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is neither a DNS name (in ASCII) nor an address") from None
        return x509.DNSName(name.lower())


def _kept(certificate: Path, key: Path, now: datetime) -> _Issued | None:
    """What is in the two files, unless they do not belong together or do not last long enough."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != found.public_key():
        return None
    if found.not_valid_after_utc - _RENEW_BEFORE < now or found.not_valid_before_utc > now:
        return None
    return found, private


def _is_for(
    certificate: x509.Certificate, names: x509.SubjectAlternativeName, issuer: x509.Certificate
) -> bool:
    """Whether ``issuer`` issued ``certificate`` for just ``names``."""
    try:
        certificate.verify_directly_issued_by(issuer)
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(held) == set(names)


def _authority(now: datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wardgate local CA")])
    builder = _builder(name, name, key, now, _CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256()), key


def _server(names: x509.SubjectAlternativeName, shown: str, issuer: _Issued, now: datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    authority, authority_key = issuer
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, shown[:64])])
    builder = _builder(subject, authority.subject, key, now, _SERVER_LIFE)
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
    )
    return builder.sign(authority_key, hashes.SHA256()), key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(file: Path, content: bytes) -> None:
    """Replaces ``file`` at once; only its owner may read it."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
