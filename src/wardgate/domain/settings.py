"""How one installation runs: addresses, bounds, time-outs. Built once at the edge, frozen, passed down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address the gateway listens on. ``tls`` needs certificates in ``ServerSettings.certificates``.

    ``environment``: the one that is served there; empty: the only one there is, or the one that has the request's host.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    tls: bool = False
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoServed:
    """An environment that is served besides the primary one, and the issuer of its authorization server."""

    name: str
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files of one certificate chain and its key; its names come from the certificate itself (SNI)."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one request or connection may cost. Sizes in bytes, times in seconds."""

    max_header_bytes: int = 32 * 1024
    max_header_count: int = 100
    max_target_bytes: int = 8 * 1024
    max_connections: int = 20_000
    max_connections_per_address: int = 10_000
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    idle_timeout: float = 75.0
    drain_timeout: float = 30.0
    tunnel_idle_timeout: float = 600.0
    write_buffer: int = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Everything ``wardgate serve`` was told. ``access_log`` is a path, ``-`` (standard output) or ``off``."""

    data_dir: str = "./wardgate-data"
    #: The primary environment, and those that are served besides; see ``serving.py``.
    environment: str = "development"
    also: tuple[AlsoServed, ...] = ()
    listeners: tuple[Listener, ...] = (Listener(),)
    control: Listener = field(default_factory=lambda: Listener(port=8081))
    workers: int = 0
    certificates: tuple[Certificate, ...] = ()
    #: Networks whose ``Forwarded``/``X-Forwarded-*`` headers are believed; nobody's by default.
    trusted_proxies: tuple[str, ...] = ()
    proxy_protocol: bool = False
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    access_log: str = "access.log"
    bounds: Bounds = field(default_factory=Bounds)
    #: Entries kept per worker: known credentials (half a kilobyte each), and refusals of unknown ones.
    credential_cache: int = 110_000
    negative_cache: int = 20_000
    #: Seconds a worker may serve from what it knows while the store cannot be read; then it refuses.
    max_staleness: float = 300.0
    #: The URL clients know this installation by, without a trailing slash; see :func:`issuer_of`.
    issuer: str = ""
    #: PEM file of the authorities (and single certificates) whose client certificates the TLS listeners accept.
    client_ca: str = ""
    #: Networks that are not public and may still be called on an operator's or a client's word (foreign issuers, JWKS).
    outbound_allow: tuple[str, ...] = ()
    #: Where mail goes: ``smtps://user@host:port``, or ``smtp://`` with STARTTLS; empty: mail waits in the outbox. The
    #: password comes from the environment variable ``WARDGATE_SMTP_PASSWORD``.
    smtp: str = ""
    #: The address mail comes from; by default ``wardgate@`` the issuer's host.
    mail_from: str = ""
    #: File of the public keys that GitHub signs reports of leaked keys with; empty: no reports are taken.
    secret_scanning_keys: str = ""
    #: Whether anybody may make an account, and whether anybody may register a client (RFC 7591) without a token.
    open_signup: bool = False
    open_registration: bool = False


def issuer_of(settings: ServerSettings) -> str:
    """The issuer (RFC 8414): as set, or else the address of the first TLS listener, or else of the first."""
    if settings.issuer:
        return settings.issuer
    listener = next((each for each in settings.listeners if each.tls), settings.listeners[0])
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(listener.host, listener.host)  # noqa: S104 not bound here
    host = f"[{host}]" if ":" in host else host
    scheme, usual = ("https", 443) if listener.tls else ("http", 80)
    return f"{scheme}://{host}" if listener.port == usual else f"{scheme}://{host}:{listener.port}"
