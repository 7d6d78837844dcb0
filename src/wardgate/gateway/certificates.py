"""The listener's certificates: chosen by server name (SNI), replaced while connections go on.

One context stands in front for good and is what the listener uses. For each new connection it hands over to the
context of the certificate whose subjectAltName covers the name asked for (RFC 9525), the first certificate otherwise.
Reloading swaps that choice at once and whole; connections already open keep what they have.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from time import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from wardgate.domain.settings import Certificate

#: TLS 1.2 with forward secrecy and authenticated encryption only (RFC 9325 section 4.2); TLS 1.3 has nothing else.
_CIPHERS_TLS12 = "ECDHE+AESGCM:ECDHE+CHACHA20"


class CertificateError(ValueError):
    """A certificate cannot be used; the message names the file and the remedy."""


class _Loaded:
    """One certificate ready for use: its context, the DNS names it covers, and when it ends (Unix seconds)."""

    __slots__ = ("context", "names", "not_after")

    def __init__(self, files: Certificate, now: float, client_ca: str) -> None:
        chain = _read(files.certificate)
        key = _read(files.key)
        leaf = _leaf(files.certificate, chain)
        if leaf.public_key() != _private_key(files.key, key).public_key():
            raise CertificateError(
                f"key {files.key} does not belong to certificate {files.certificate}; give the key it was issued for"
            )
        self.not_after = leaf.not_valid_after_utc.timestamp()
        if self.not_after <= now:
            raise CertificateError(
                f"certificate {files.certificate} expired on {leaf.not_valid_after_utc:%Y-%m-%d}; renew it"
            )
        if leaf.not_valid_before_utc.timestamp() > now:
            raise CertificateError(
                f"certificate {files.certificate} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; "
                "check the clock or use the previous one until then"
            )
        self.names = _names(files.certificate, leaf)
        self.context = _new_context(client_ca)
        try:
            self.context.load_cert_chain(files.certificate, files.key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise CertificateError(
                f"certificate {files.certificate} with key {files.key}: {error}"
            ) from error
        if _read(files.certificate) != chain or _read(files.key) != key:
            raise CertificateError(f"certificate {files.certificate} changed while it was read; reload again")


class CertificateStore:
    """The certificates of the listeners. ``context`` stays the same object for ever; what it answers with changes."""

    __slots__ = (
        "_certificates",
        "_client_ca",
        "_default",
        "_exact",
        "_now",
        "_wildcard",
        "context",
        "not_after",
    )

    def __init__(
        self, certificates: tuple[Certificate, ...], now: Callable[[], float] = time, client_ca: str = ""
    ) -> None:
        """Loads all ``certificates``; the first is the default. ``now`` gives Unix seconds.

        Clients are asked for a certificate of their own where ``client_ca`` names a PEM file: one that an authority in
        it issued, or that stands in it itself, is taken; another ends the handshake; none is fine.

        Raises:
            CertificateError: there is none, or one cannot be used.
        """
        if not certificates:
            raise CertificateError(
                "a TLS listener needs at least one certificate; name its files in the settings"
            )
        self._certificates = certificates
        self._client_ca = client_ca
        self._now = now
        self._default: ssl.SSLContext
        self._exact: dict[str, ssl.SSLContext] = {}
        self._wildcard: dict[str, ssl.SSLContext] = {}
        #: When the first of the certificates ends, Unix seconds.
        self.not_after = 0.0
        self.reload()
        self.context = _new_context(client_ca)
        self.context.sni_callback = self._hand_over

    def reload(self) -> None:
        """Takes the files as they are now for all new connections.

        Raises:
            CertificateError: one cannot be used; then all stay as they were.
        """
        now = self._now()
        loaded = [_Loaded(files, now, self._client_ca) for files in self._certificates]
        exact: dict[str, ssl.SSLContext] = {}
        wildcard: dict[str, ssl.SSLContext] = {}
        for one in loaded:
            for name in one.names:
                if name.startswith("*."):
                    wildcard.setdefault(name[2:], one.context)
                else:
                    exact.setdefault(name, one.context)
        self._default, self._exact, self._wildcard = loaded[0].context, exact, wildcard
        self.not_after = min(one.not_after for one in loaded)

    def chosen(self, server_name: str | None) -> ssl.SSLContext:
        """The context for ``server_name``: its own certificate, a wildcard of one label, or the default."""
        if server_name is None:
            return self._default
        name = server_name.lower().rstrip(".")
        return self._exact.get(name) or self._wildcard.get(name.partition(".")[2], self._default)

    def _hand_over(self, connection: ssl.SSLObject, server_name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self.chosen(server_name)


def _new_context(client_ca: str) -> ssl.SSLContext:
    """A server context with everything but its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS_TLS12)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if client_ca:
        # Tokens are bound to certificates, not to chains (RFC 8705 section 3): what is trusted may be a leaf.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(
                f"client certificates cannot be checked by {client_ca}: {error}; "
                "give a PEM file of authorities or of single certificates"
            ) from error
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read {file}: {error.strerror or error}") from error


def _leaf(file: str, chain: bytes) -> x509.Certificate:
    """The first certificate of the chain, the server's own."""
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except ValueError as error:
        raise CertificateError(
            f"{file} holds no PEM certificate; put the server's own first in it"
        ) from error


def _private_key(file: str, key: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(key, None)
    except TypeError as error:
        raise CertificateError(
            f"key {file} is encrypted; store it without a passphrase, readable by Wardgate only"
        ) from error
    except ValueError as error:
        raise CertificateError(f"{file} holds no PEM private key") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _names(file: str, leaf: x509.Certificate) -> tuple[str, ...]:
    """The DNS names in lower case; the common name does not count (RFC 9525 section 2)."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise CertificateError(
            f"certificate {file} has no subjectAltName, so no client accepts it; issue it with its DNS names"
        ) from error
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
