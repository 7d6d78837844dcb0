"""The PROXY protocol header a load balancer puts before the first byte of a connection (versions 1 and 2).

The header says whom the connection comes from, so it is read only from peers that may say so, and then it must be
there: guessing whether one is present would let a client write its own.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = 16
#: Addresses and TLVs together; a client certificate passed on in a TLV fits.
_LONGEST = 8 * 1024
_SHORTEST_V1 = len(b"PROXY UNKNOWN\r\n")
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


class ProxyProtocolError(ValueError):
    """What came first is no valid PROXY header; the connection must be closed. The message is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeader:
    """A whole header. ``consumed`` bytes belong to it; what follows is the client's.

    The addresses are ``None`` where the proxy speaks for itself (LOCAL, as in its health checks) or gives no network
    address: then the connection's own hold. ``tls`` says whether the client used TLS towards the proxy, ``None`` when
    the proxy does not tell.
    """

    consumed: int
    source: str | None = None
    source_port: int = 0
    destination: str | None = None
    destination_port: int = 0
    tls: bool | None = None


class ProxyParser:
    """Reads one header in pieces. A reader that never asks for more than ``wanted`` bytes leaves the client's alone,
    which matters where a TLS handshake follows."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def wanted(self) -> int:
        """How many bytes are certain to belong to the header still; at least one until it is complete."""
        have = len(self._buffer)
        if have < _SHORTEST_V1:
            return _SHORTEST_V1 - have
        if not self._buffer.startswith(_SIGNATURE):
            return 1 if self._buffer.endswith(b"\r") else 2
        length = int.from_bytes(self._buffer[14:_FIXED], "big") if have >= _FIXED else 0
        return max(1, _FIXED + length - have)

    def feed(self, data: bytes) -> ProxyHeader | None:
        """The header once it is complete. Raises ProxyProtocolError as :func:`read` does."""
        self._buffer += data
        return read(self._buffer)


def read(buffer: bytes) -> ProxyHeader | None:
    """The header at the start of ``buffer``, or ``None`` while it is not complete.

    Raises:
        ProxyProtocolError: no valid header begins so; as early as the bytes tell.
    """
    if buffer.startswith(_SIGNATURE):
        return _read_v2(buffer)
    if _SIGNATURE.startswith(buffer):
        return None
    if buffer.startswith(_V1_PREFIX):
        return _read_v1(buffer)
    if _V1_PREFIX.startswith(buffer):
        return None
    raise ProxyProtocolError("the connection does not begin with a PROXY header")


def _read_v1(buffer: bytes) -> ProxyHeader | None:
    end = buffer.find(b"\r\n", 0, _LONGEST_V1)
    if end < 0:
        if len(buffer) >= _LONGEST_V1:
            raise ProxyProtocolError("the version 1 header has no end within 107 bytes")
        return None
    line = buffer[:end]
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return ProxyHeader(consumed=end + 2)
    match = _V1.fullmatch(line)
    if match is None:
        raise ProxyProtocolError("the version 1 header is not valid")
    family, *addresses = match.group(1, 2, 3)
    version = 4 if family == b"TCP4" else 6
    ports = [int(match.group(4)), int(match.group(5))]
    try:
        source, destination = (ipaddress.ip_address(address.decode()) for address in addresses)
    except ValueError:
        raise ProxyProtocolError("the version 1 header holds an invalid address") from None
    if {source.version, destination.version} != {version} or max(ports) > 65535:
        raise ProxyProtocolError("the version 1 header holds an address of another family or an invalid port")
    return ProxyHeader(
        consumed=end + 2,
        source=_text(source),
        source_port=ports[0],
        destination=_text(destination),
        destination_port=ports[1],
    )


def _read_v2(buffer: bytes) -> ProxyHeader | None:
    if len(buffer) < _FIXED:
        if len(buffer) > 12:
            _command(buffer[12])
        return None
    command = _command(buffer[12])
    family, transport = buffer[13] >> 4, buffer[13] & 0xF
    length = int.from_bytes(buffer[14:16], "big")
    if length > _LONGEST:
        raise ProxyProtocolError(f"the version 2 header announces {length} bytes, more than {_LONGEST}")
    end = _FIXED + length
    if command == _LOCAL:
        return ProxyHeader(consumed=end) if len(buffer) >= end else None
    if family not in _ADDRESS_BYTES or (transport != _STREAM and family != _UNSPEC):
        raise ProxyProtocolError(
            f"the version 2 header has the address family and transport 0x{buffer[13]:02x}"
        )
    addresses = _FIXED + _ADDRESS_BYTES[family]
    if addresses > end:
        raise ProxyProtocolError("the version 2 header is shorter than its addresses")
    if len(buffer) < end:
        return None
    # An unspecified family may be followed by anything, so no TLVs are looked for there.
    tls = _tls(buffer[addresses:end]) if family != _UNSPEC else None
    if family not in (_INET, _INET6):
        return ProxyHeader(consumed=end, tls=tls)
    size = 4 if family == _INET else 16
    block = buffer[_FIXED:addresses]
    return ProxyHeader(
        consumed=end,
        source=_text(ipaddress.ip_address(block[:size])),
        source_port=int.from_bytes(block[-4:-2], "big"),
        destination=_text(ipaddress.ip_address(block[size : 2 * size])),
        destination_port=int.from_bytes(block[-2:], "big"),
        tls=tls,
    )


def _command(byte: int) -> int:
    """The command in the version 2 header's 13th byte."""
    if byte >> 4 != 2 or byte & 0xF not in (_LOCAL, _PROXY):
        raise ProxyProtocolError(f"the version 2 header has the version and command 0x{byte:02x}")
    return byte & 0xF


def _tls(extensions: bytes) -> bool | None:
    """Whether the TLV of type SSL says the client used TLS; every TLV must end where the header does."""
    tls: bool | None = None
    at = 0
    while at < len(extensions):
        value = at + 3
        end = value + int.from_bytes(extensions[at + 1 : value], "big")
        if value > len(extensions) or end > len(extensions):
            raise ProxyProtocolError("an extension of the version 2 header reaches beyond its end")
        if extensions[at] == _TLV_SSL:
            if end - value < 5 or tls is not None:
                raise ProxyProtocolError("the TLS extension of the version 2 header is not valid")
            tls = bool(extensions[value] & _CLIENT_SSL)
        at = end
    return tls


def _text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as text, an IPv4-mapped one as the IPv4 address it means."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
