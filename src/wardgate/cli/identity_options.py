"""The options of ``serve`` that concern the authorization server and calls to other people's servers."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from wardgate.cli.errors import CommandError

IDENTITY = Group("Identity", help="The OAuth 2.0 and OpenID Connect server, and calls to others' servers.")

_MAIL_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def _option(text: str, **more: Any) -> Parameter:
    return Parameter(help=text, group=IDENTITY, **more)


@Parameter(name="*", group=IDENTITY)
@dataclass(frozen=True, kw_only=True)
class IdentityOptions:
    """One option for each setting, with the same defaults."""

    issuer: Annotated[
        str,
        _option(
            "URL clients know this service by, such as https://api.example.com; by default its first TLS listener's."
        ),
    ] = ""
    client_ca: Annotated[
        Path | None,
        _option(
            "PEM file of authorities, or single certificates, of clients that show a certificate to --tls-listen."
        ),
    ] = None
    outbound_allow: Annotated[
        list[str] | None,
        _option(
            "Network (CIDR) that is not public and may still be asked for keys and tokens; may be given again.",
            negative=(),
        ),
    ] = None
    smtp: Annotated[
        str,
        _option(
            "Where mail goes: smtps://USER@HOST:PORT, or smtp:// with STARTTLS. The password comes from the "
            "environment variable WARDGATE_SMTP_PASSWORD."
        ),
    ] = ""
    mail_from: Annotated[str, _option("Address mail comes from; by default wardgate@ the issuer's host.")] = (
        ""
    )
    secret_scanning_keys: Annotated[
        Path | None,
        _option(
            "File of the public keys GitHub signs reports of leaked keys with; with it, POST /secret-scanning/github "
            "takes them."
        ),
    ] = None
    open_signup: Annotated[bool, _option("Anybody may make an account.", negative=())] = False
    open_registration: Annotated[
        bool, _option("Anybody may register a client, without a token (RFC 7591).", negative=())
    ] = False

    def settings(self) -> dict[str, Any]:
        """The fields of ``ServerSettings`` that were asked for. Raises CommandError for what cannot be."""
        return {
            "issuer": _issuer(self.issuer),
            "client_ca": _client_ca(self.client_ca),
            "outbound_allow": tuple(_network(text) for text in self.outbound_allow or ()),
            "smtp": _smtp(self.smtp),
            "mail_from": _mail_from(self.mail_from),
            "secret_scanning_keys": _scanning_keys(self.secret_scanning_keys),
            "open_signup": self.open_signup,
            "open_registration": self.open_registration,
        }


def _issuer(url: str) -> str:
    """Everything else is derived from it and compared with it, so it has exactly one spelling."""
    if not url:
        return ""
    from wardgate.control.document.urls import url_problem  # heavy

    trouble = url_problem(url)
    if trouble is None:
        parts = urlsplit(url)
        usual = {"https": 443, "http": 80}[parts.scheme]
        if parts.path or url.endswith("?"):
            trouble = "it holds a path" if parts.path != "/" else "it ends with a slash"
        elif parts.port == usual:
            trouble = f"it names the port {usual}, which goes without saying"
        elif url != url.lower():
            trouble = "it is not in lower case"
    if trouble is not None:
        raise CommandError(
            "issuer_invalid",
            f"--issuer cannot be used: {trouble}",
            "Write https://HOST or https://HOST:PORT, as clients reach the gateway",
        )
    return url


def _client_ca(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        if isinstance(error, ssl.SSLError):
            reason = "it holds no certificate"
        raise CommandError(
            "client_ca_invalid",
            f"--client-ca {path} cannot be used: {reason}",
            "Give a PEM file of certificates",
        ) from error
    return str(path.resolve())


def _scanning_keys(path: Path | None) -> str:
    if path is None:
        return ""
    from wardgate.web.secret_scanning import load_keys  # heavy

    try:
        load_keys(str(path))
    except ValueError as error:
        raise CommandError(
            "secret_scanning_keys_invalid",
            f"--secret-scanning-keys: {error}",
            "Give such a file, or leave it out",
        ) from error
    return str(path.resolve())


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise CommandError(
            "network_invalid", f"--outbound-allow {text!r}: {error}", "Write a network such as 10.0.0.0/8"
        ) from error


def _smtp(url: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    good = parts.scheme in ("smtp", "smtps") and parts.hostname and port != 0
    if not good or parts.password is not None or parts.path or "?" in url or "#" in url:
        # Not repeated: it may hold a password.
        raise CommandError(
            "smtp_invalid",
            "--smtp cannot be used: it is no URL of a mail server, or holds a password",
            "Write smtps://USER@HOST:PORT, and put the password into WARDGATE_SMTP_PASSWORD",
        )
    return url


def _mail_from(address: str) -> str:
    if address and not _MAIL_ADDRESS.fullmatch(address):
        raise CommandError(
            "mail_from_invalid", f"--mail-from {address!r} is no address", "Write one such as api@example.com"
        )
    return address
