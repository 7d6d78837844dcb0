"""The PROXY protocol header a load balancer puts before the first byte of a connection (versions 1 and 2).

The header says whom the connection comes from, so it is read only from peers that may say so, and then it must be
there: guessing whether one is present would let a client write its own. No I/O: the caller keeps what it received
until :func:`read` has what it needs.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from wardgate.gateway.forwarded import TrustedProxies, is_loopback

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = 16
#: Addresses and TLVs together; a client certificate passed on in a TLV fits.
_LONGEST = 8 * 1024
_LONGEST_V1 = 107
_V1_PREFIX = b"PROXY "
_V1 = re.compile(
    rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})"
)
_LOCAL, _PROXY = 0x0, 0x1
_STREAM = 0x1
_UNSPEC, _INET, _INET6, _UNIX = 0x0, 0x1, 0x2, 0x3
_ADDRESS_BYTES = {_UNSPEC: 0, _INET: 12, _INET6: 36, _UNIX: 216}
_TLV_SSL = 0x20
_CLIENT_SSL = 0x01


class ProxyHeaderError(ValueError):
    """What came first is no valid PROXY header; the connection must be closed. The message is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxied:
    """A whole header. ``consumed`` bytes belong to it; what follows is the client's.

    ``source`` and ``destination`` are address and port, ``None`` where the proxy speaks for itself (LOCAL, as in its
    health checks) or gives no network address: then the connection's own addresses hold. ``tls`` says whether the
    client used TLS towards the proxy, ``None`` when the proxy does not tell.
    """

    consumed: int
    source: tuple[str, int] | None = None
    destination: tuple[str, int] | None = None
    tls: bool | None = None


def expected(proxies: TrustedProxies, peer: str) -> bool:
    """Whether a connection from ``peer`` must begin with a header, on a listener that has the protocol on.

    It must when ``peer`` is a trusted proxy; with none named, when it comes from this machine. The bytes of any
    other peer are its request, and a header among them is refused as such.
    """
    if proxies:
        return proxies.trusts(peer)
    return is_loopback(peer)


def read(buffer: bytes) -> Proxied | None:
    """The header at the start of ``buffer``, or ``None`` while it is not complete.

    Raises:
        ProxyHeaderError: no valid header begins so; as early as the bytes tell.
    """
    if buffer.startswith(_SIGNATURE):
        return _read_v2(buffer)
    if _SIGNATURE.startswith(buffer):
        return None
    if buffer.startswith(_V1_PREFIX):
        return _read_v1(buffer)
    if _V1_PREFIX.startswith(buffer):
        return None
    raise ProxyHeaderError("the connection does not begin with a PROXY header")


def _read_v1(buffer: bytes) -> Proxied | None:
    end = buffer.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        if len(buffer) >= _LONGEST_V1:
            raise ProxyHeaderError("the version 1 header has no end within 107 bytes")
        return None
    line = buffer[:end]
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return Proxied(consumed=end + 2)
    match = _V1.fullmatch(line)
    if match is None:
        raise ProxyHeaderError("the version 1 header is not valid")
    family, *addresses = match.group(1, 2, 3)
    version = 4 if family == b"TCP4" else 6
    ports = [int(match.group(4)), int(match.group(5))]
    try:
        source, destination = (ipaddress.ip_address(address.decode()) for address in addresses)
    except ValueError:
        raise ProxyHeaderError("the version 1 header holds an invalid address") from None
    if {source.version, destination.version} != {version} or max(ports) > 65535:
        raise ProxyHeaderError("the version 1 header holds an address of another family or an invalid port")
    return Proxied(
        consumed=end + 2, source=(_text(source), ports[0]), destination=(_text(destination), ports[1])
    )


def _read_v2(buffer: bytes) -> Proxied | None:
    if len(buffer) < _FIXED:
        if len(buffer) > 12:
            _command(buffer[12])
        return None
    command = _command(buffer[12])
    family, transport = buffer[13] >> 4, buffer[13] & 0xF
    length = int.from_bytes(buffer[14:16], "big")
    if length > _LONGEST:
        raise ProxyHeaderError(f"the version 2 header announces {length} bytes, more than {_LONGEST}")
    end = _FIXED + length
    if command == _LOCAL:
        return Proxied(consumed=end) if len(buffer) >= end else None
    if family not in _ADDRESS_BYTES or (transport != _STREAM and family != _UNSPEC):
        raise ProxyHeaderError(
            f"the version 2 header has the address family and transport 0x{buffer[13]:02x}"
        )
    addresses = _FIXED + _ADDRESS_BYTES[family]
    if addresses > end:
        raise ProxyHeaderError("the version 2 header is shorter than its addresses")
    if len(buffer) < end:
        return None
    # An unspecified family may be followed by anything, so no TLVs are looked for there.
    tls = _tls(buffer[addresses:end]) if family != _UNSPEC else None
    if family not in (_INET, _INET6):
        return Proxied(consumed=end, tls=tls)
    size = 4 if family == _INET else 16
    block = buffer[_FIXED:addresses]
    return Proxied(
        consumed=end,
        source=(_text(ipaddress.ip_address(block[:size])), int.from_bytes(block[-4:-2], "big")),
        destination=(_text(ipaddress.ip_address(block[size : 2 * size])), int.from_bytes(block[-2:], "big")),
        tls=tls,
    )


def _command(byte: int) -> int:
    """The command in the version 2 header's 13th byte."""
    if byte >> 4 != 2 or byte & 0xF not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"the version 2 header has the version and command 0x{byte:02x}")
    return byte & 0xF


def _tls(extensions: bytes) -> bool | None:
    """Whether the TLV of type SSL says the client used TLS; every TLV must end where the header does."""
    tls: bool | None = None
    at = 0
    while at < len(extensions):
        value = at + 3
        end = value + int.from_bytes(extensions[at + 1 : value], "big")
        if value > len(extensions) or end > len(extensions):
            raise ProxyHeaderError("an extension of the version 2 header reaches beyond its end")
        if extensions[at] == _TLV_SSL:
            if end - value < 5 or tls is not None:
                raise ProxyHeaderError("the TLS extension of the version 2 header is not valid")
            tls = bool(extensions[value] & _CLIENT_SSL)
        at = end
    return tls


def _text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as text, an IPv4-mapped one as the IPv4 address it means."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
