"""Who the client is when proxies stand in between, and what the upstream is told of it.

``X-Forwarded-For`` or ``Forwarded`` (RFC 7239) is read only from peers the operator trusts, from right to left, and
only as far as every hop is trusted too: the first address no trusted proxy vouches for is the client. An entry that is
no address (``unknown``, ``_hidden``, garbage) ends the walk at the last good one. What a client wrote is never passed
on: the gateway states the chain it believes in lines of its own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

Scheme = Literal["http", "https"]
Headers = Sequence[tuple[bytes, bytes]]

_MOST_HOPS = 32
_LONGEST_ENTRY = 64
_MOST_COMMAS = 4
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+)(?::[0-9]{1,5})?|([0-9A-Fa-f:.]+)")
_SCHEMES: dict[bytes, Scheme] = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}
_PAIR = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+=(?:\"(?:[^\"\\]|\\.)*\"|[^\",;=\s\\]+)"
_ELEMENT = re.compile(rb"(?:%b)?(?:;(?:%b)?)*" % (_PAIR, _PAIR))
_PAIRS = re.compile(_PAIR)
_ESCAPED = re.compile(rb"\\(.)")


class TrustedProxies:
    """The proxies in front of this gateway, and what can be learned from them."""

    __slots__ = ("_forwarded", "_judge", "_networks")

    def __init__(
        self,
        networks: Sequence[str],
        header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for",
    ) -> None:
        """``networks`` in CIDR form or single addresses; ``header`` is the one the proxies are set up to write.

        Raises:
            ValueError: an entry is no network; the message names it.
        """
        parsed = []
        for network in networks:
            try:
                parsed.append(ipaddress.ip_network(network))
            except ValueError as error:
                raise ValueError(
                    f"trusted proxy {network!r} must be a network like 10.0.0.0/8: {error}"
                ) from None
        self._networks = tuple(parsed)
        self._forwarded = header == "forwarded"
        self._judge = lru_cache(4096)(self._examine)

    def __bool__(self) -> bool:
        """Whether any proxy is trusted at all."""
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether ``address`` belongs to a trusted proxy; false for anything that is no address."""
        return self._judge(address)[1]

    def client_of(
        self, peer: str, headers: Headers, peer_is_tls: bool
    ) -> tuple[str, Scheme, list[str], bool]:
        """The client's address, the scheme it used, the hops between it and this gateway, the peer last, and whether a
        trusted proxy says that somebody stands behind that address whose own cannot be read.

        ``headers`` have lower-case names. With an untrusted peer the client is the peer and no header counts. A
        trusted peer that says nothing about the scheme leaves that of its own connection; one that says several
        things, or something that is neither http nor https, counts as plain http.
        """
        scheme: Scheme = "https" if peer_is_tls else "http"
        via: list[str] = []
        hidden = False
        address, trusted = self._judge(peer)
        if address is None or not trusted:
            return address or peer, scheme, via, hidden
        if self._forwarded:
            hops = _forwarded_hops(headers)
        else:
            entries = _list(headers, b"x-forwarded-for")
            told = _list(headers, b"x-forwarded-proto")
            hidden = bool(told and not entries)
            if len(told) == len(entries):
                hops = zip(reversed(entries), reversed(told), strict=True)
            else:
                if told:  # no telling which value is the client's: https is believed only if all say so
                    scheme = (
                        "https" if all(_SCHEMES.get(value.lower()) == "https" for value in told) else "http"
                    )
                hops = ((entry, None) for entry in reversed(entries))
        client = address
        for _, (entry, protocol) in zip(range(_MOST_HOPS), hops, strict=False):
            if protocol is not None:
                scheme = _SCHEMES.get(protocol.lower(), "http")
            address, trusted = (
                self._judge(entry.decode("latin-1")) if len(entry) <= _LONGEST_ENTRY else (None, False)
            )
            if address is None:
                hidden = True
                break
            via.insert(0, client)
            client = address
            if not trusted:
                break
        return client, scheme, via, hidden

    def _examine(self, entry: str) -> tuple[str | None, bool]:
        """The address in ``entry`` (a port, brackets or a zone may stand with it), and whether it is trusted."""
        match = _NODE.fullmatch(entry.partition("%")[0])
        if match is None:
            return None, False
        try:
            address = ipaddress.ip_address(match.group(1) or match.group(2) or match.group(3))
        except ValueError:
            return None, False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return str(address), any(address in network for network in self._networks)


def is_loopback(address: str) -> bool:
    """Whether ``address`` is this machine's own (127.0.0.0/8, ::1, or the former mapped into IPv6)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def render(client: str, scheme: Scheme, via: Sequence[str], host: bytes, *, forwarded: bool) -> bytes:
    """The ``X-Forwarded-*`` lines, and ``Forwarded`` if asked for, that tell an upstream what the gateway believes.

    ``host`` is the authority the client asked for, already checked; without one nothing is said about it.
    """
    lines = [
        f"X-Forwarded-For: {', '.join((client, *via))}\r\nX-Forwarded-Proto: {scheme}\r\n".encode("latin-1")
    ]
    if host:
        lines.append(b"X-Forwarded-Host: " + host + b"\r\n")
    if forwarded:
        said = b';host="' + host + b'"' if host else b""
        nodes = [b"for=" + _node(address) for address in (client, *via)]
        nodes[0] += b";proto=" + scheme.encode() + said
        lines.append(b"Forwarded: " + b", ".join(nodes) + b"\r\n")
    return b"".join(lines)


def _node(address: str) -> bytes:
    """``address`` as a node identifier (RFC 7239 section 6)."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return b"unknown"  # a peer without an address, as on a Unix socket
    return f'"[{address}]"'.encode() if version == 6 else address.encode()


def _list(headers: Headers, name: bytes) -> list[bytes]:
    """The members of a comma-separated field over all its lines (RFC 9110 section 5.6.1)."""
    members = (part.strip(b" \t") for field, value in headers if field == name for part in value.split(b","))
    return [member for member in members if member]


def _forwarded_hops(headers: Headers) -> Iterator[tuple[bytes, bytes | None]]:
    """``for`` and ``proto`` of each element from the right; an element that cannot be read ends them.

    Read from the right so that an unbalanced quote of a client's cannot swallow what a proxy appended to it.
    """
    for line in reversed([value for field, value in headers if field == b"forwarded"]):
        parts = line.split(b",")
        while parts:
            element = parts.pop().strip(b" \t")
            commas = 0
            while _ELEMENT.fullmatch(element) is None:
                if not parts or commas == _MOST_COMMAS:
                    yield b"", None
                    return
                element = parts.pop().strip(b" \t") + b"," + element
                commas += 1
            if element:
                yield _hop(element)


def _hop(element: bytes) -> tuple[bytes, bytes | None]:
    """``for`` and ``proto`` of a well-formed element; both are nothing if either is said twice."""
    found: dict[bytes, bytes] = {}
    for pair in _PAIRS.findall(element):
        name, _, value = pair.partition(b"=")
        name = name.lower()
        if name in found:
            return b"", b""
        found[name] = _ESCAPED.sub(rb"\1", value[1:-1]) if value.startswith(b'"') else value
    return found.get(b"for", b""), found.get(b"proto")
