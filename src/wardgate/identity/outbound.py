"""Where calls to URLs that others chose may go: which URLs have one reading, and which addresses are public.

The tables follow the IANA special-purpose address registries (RFC 6890). Nothing here resolves or connects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL = 2048

#: IPv4 that is not the public internet: private, shared (CGNAT), loopback, link-local (most clouds' metadata),
#: documentation, benchmarking, multicast, reserved; and the one cloud's own service that has a public address.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
#: Global unicast is all that is public of IPv6, but for protocol assignments (Teredo, ORCHID), documentation and 6to4.
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16")
)
#: Prefixes that carry an IPv4 address in their last 32 bits: mapped, compatible, NAT64, and what stands in for them.
_CARRIERS = tuple(
    IPv6Network(text)
    for text in ("::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)

#: Ports of other protocols, which no URL fetch has business with (Fetch standard, "port blocking").
_PORTS = (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 "
    "117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 "
    "587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 5060 5061 6000 6566 6665 6666 6667 6668 "
    "6669 6697 10080"
)
_OTHER_PROTOCOLS = frozenset(map(int, _PORTS.split()))
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: What other parsers read as a number, and so as an address: ``127.1``, ``0x7f.0.0.1``, ``2130706433``.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+")


class OutboundError(ValueError):
    """A URL or an address must not be called; the message says why and never shows path or query."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. ``host`` is a name in lower case or an address without brackets; ``path`` includes the query."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Host and port as they are told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"

    def url(self, address: Address) -> str:
        """The URL with the host replaced by the address to connect to."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"{self.scheme}://{host}:{self.port}{self.path}"


_USUAL = {"http": 80, "https": 443}


def read_url(url: str) -> Target:
    """``url`` taken apart, when every parser would read it alike.

    Raises:
        OutboundError: it is no absolute http(s) URL, or names a user, a fragment, an odd host or a port of another
            protocol.
    """
    if not isinstance(url, str) or len(url) > MAX_URL or not _CHARACTERS.fullmatch(url):
        raise OutboundError("the URL is too long, or holds characters no URL has, or a fragment")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundError("the URL's host or port cannot be read") from None
    scheme = parts.scheme
    if scheme not in ("http", "https") or not parts.netloc:
        raise OutboundError("the URL is no absolute https URL")
    if "@" in parts.netloc:
        raise OutboundError("the URL holds a user name or password")
    host = (parts.hostname or "").lower()
    if parts.netloc.startswith("["):
        literal = _literal(host)
        if literal is None or literal.version != 6 or not _BRACKETED.fullmatch(parts.netloc):
            raise OutboundError("the URL's host is no IPv6 address")
        host = str(literal)
    elif _literal(host) is None and (len(host) > 253 or not _NAME.fullmatch(host) or _NUMBER.fullmatch(host)):
        raise OutboundError("the URL's host is neither a name nor an address as they are written")
    if port is None:
        port = _USUAL[scheme]
    if port == 0 or port in _OTHER_PROTOCOLS:
        raise OutboundError(f"port {port} is none of HTTP")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kind: Literal["http", "https"] = "https" if scheme == "https" else "http"
    return Target(kind, host, port, path)


def _literal(host: str) -> Address | None:
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


class AddressRule:
    """Which addresses may be called: public ones, and those in the networks an operator allows."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """``allow``: networks (CIDR). Raises ValueError for anything else."""
        self._allowed: tuple[Network, ...] = tuple(ip_network(text, strict=False) for text in allow)

    def allowed(self, address: Address) -> bool:
        """Whether the operator named a network that holds it; one that carries an IPv4 address needs that named, or
        public, as well."""
        carried = _carried(address)
        if carried is not None and not (self.allowed(carried) or public(carried)):
            return False
        return any(address in network for network in self._allowed if network.version == address.version)

    def may_call(self, address: Address, scheme: str) -> bool:
        """Whether ``address`` may be connected to; without TLS only on the operator's word."""
        return self.allowed(address) or (scheme == "https" and public(address))


def public(address: Address) -> bool:
    """Whether ``address`` belongs to the public internet and means itself alone."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None or address not in _PUBLIC_6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address a translated or mapped IPv6 address leads to."""
    if isinstance(address, IPv6Address) and any(address in network for network in _CARRIERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
