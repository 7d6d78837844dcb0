"""The PROXY protocol header: both versions, byte by byte, and everything that is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway.forwarded import TrustedProxies
from wardgate.gateway.proxy_protocol import Proxied, ProxyHeaderError, expected, read

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
V4 = (
    ipaddress.ip_address("203.0.113.9").packed
    + ipaddress.ip_address("192.0.2.1").packed
    + b"\x12\x34\x01\xbb"
)
V6 = (
    ipaddress.ip_address("2001:db8::1").packed
    + ipaddress.ip_address("2001:db8::2").packed
    + b"\x12\x34\x01\xbb"
)


def v2(command: int, family: int, body: bytes, length: int | None = None) -> bytes:
    """A version 2 header."""
    return (
        SIGNATURE
        + bytes([command, family])
        + (len(body) if length is None else length).to_bytes(2, "big")
        + body
    )


def tlv(kind: int, value: bytes) -> bytes:
    """An extension of a version 2 header."""
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


IP4 = {"source": ("203.0.113.9", 0x1234), "destination": ("192.0.2.1", 443)}
IP6 = {"source": ("2001:db8::1", 0x1234), "destination": ("2001:db8::2", 443)}
MAPPED = b"\x00" * 10 + b"\xff\xff"
ACCEPTED = [
    (v2(0x21, 0x11, V4), IP4),
    (v2(0x21, 0x21, V6), IP6),
    (v2(0x21, 0x21, MAPPED + V4[:4] + MAPPED + V4[4:8] + V4[8:]), IP4),
    (v2(0x21, 0x31, b"\0" * 216), {}),
    (v2(0x21, 0x00, b""), {}),
    (v2(0x21, 0x00, b"anything"), {}),
    (v2(0x20, 0x00, b""), {}),
    (v2(0x20, 0x11, V4), {}),
    (v2(0x20, 0xFF, b"xyz"), {}),
    (v2(0x21, 0x11, V4 + tlv(0x01, b"h2") + tlv(0x04, b"")), IP4),
    (v2(0x21, 0x11, V4 + tlv(0x20, b"\x01\0\0\0\0" + tlv(0x21, b"TLSv1.3"))), IP4 | {"tls": True}),
    (v2(0x21, 0x11, V4 + tlv(0x20, b"\x00\0\0\0\0")), IP4 | {"tls": False}),
    (b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 443\r\n", IP4),
    (b"PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n", IP6),
    (b"PROXY UNKNOWN\r\n", {}),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", {}),
]


@pytest.mark.parametrize(("header", "told"), ACCEPTED)
def test_accepted_at_any_cut(header: bytes, told: dict[str, object]) -> None:
    """A header is read when its last byte is there, not before, and leaves the client's bytes alone."""
    whole = Proxied(consumed=len(header), **told)  # type: ignore[arg-type]
    for cut in range(len(header)):
        assert read(header[:cut]) is None
    assert read(header) == whole
    assert read(header + b"GET / HTTP/1.1\r\n\r\n") == whole
    assert read(header + header) == whole


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HTTP/1.1\r\n", "does not begin with"),
        (b"\r\nGET /", "does not begin with"),
        (b"PROXYTCP4", "does not begin with"),
        (b"proxy TCP4", "does not begin with"),
        (b"\x16\x03\x01", "does not begin with"),
        (SIGNATURE[:11] + b"\x0b", "does not begin with"),
        (SIGNATURE + b"\x11", "version and command 0x11"),
        (SIGNATURE + b"\x31", "version and command 0x31"),
        (SIGNATURE + b"\x22", "version and command 0x22"),
        (v2(0x21, 0x12, V4), "transport 0x12"),
        (v2(0x21, 0x10, V4), "transport 0x10"),
        (v2(0x21, 0x41, V4), "transport 0x41"),
        (v2(0x21, 0x11, V4[:-1]), "shorter than its addresses"),
        (v2(0x21, 0x21, V4), "shorter than its addresses"),
        (v2(0x21, 0x11, b"", 8193), "announces 8193 bytes"),
        (v2(0x20, 0x00, b"", 65535), "announces 65535 bytes"),
        (v2(0x21, 0x11, V4 + b"\x01"), "beyond its end"),
        (v2(0x21, 0x11, V4 + b"\x01\x00"), "beyond its end"),
        (v2(0x21, 0x11, V4 + b"\x01\x00\x02x"), "beyond its end"),
        (v2(0x21, 0x11, V4 + tlv(0x20, b"\x01")), "TLS extension"),
        (v2(0x21, 0x11, V4 + tlv(0x20, b"\0" * 5) + tlv(0x20, b"\x01\0\0\0\0")), "TLS extension"),
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 443\n" + b"x" * 80, "no end within 107"),
        (b"PROXY " + b"x" * 200 + b"\r\n", "no end within 107"),
        (b"PROXY \r\n", "is not valid"),
        (b"PROXY TCP4\r\n", "is not valid"),
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 443 x\r\n", "is not valid"),
        (b"PROXY  TCP4 203.0.113.9 192.0.2.1 4660 443\r\n", "is not valid"),
        (b"PROXY UDP4 203.0.113.9 192.0.2.1 4660 443\r\n", "is not valid"),
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 04660 443\r\n", "is not valid"),
        (b"PROXY UNKNOWNX\r\n", "is not valid"),
        (b"PROXY TCP4 203.0.113.999 192.0.2.1 4660 443\r\n", "invalid address"),
        (b"PROXY TCP4 2001:db8::1 2001:db8::2 4660 443\r\n", "another family"),
        (b"PROXY TCP6 203.0.113.9 192.0.2.1 4660 443\r\n", "another family"),
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 65536\r\n", "invalid port"),
    ],
)
def test_refused(data: bytes, message: str) -> None:
    """What is no valid header is refused, and the message says what is wrong with it."""
    with pytest.raises(ProxyHeaderError, match=message):
        read(data)


@pytest.mark.parametrize(
    ("networks", "peer", "must"),
    [
        ((), "127.0.0.1", True),
        ((), "::1", True),
        ((), "::ffff:127.0.0.1", True),
        ((), "10.0.0.1", False),
        ((), "", False),
        (("10.0.0.0/8",), "10.0.0.1", True),
        (("10.0.0.0/8",), "127.0.0.1", False),
        (("10.0.0.0/8",), "203.0.113.9", False),
    ],
)
def test_expected_from(networks: tuple[str, ...], peer: str, must: bool) -> None:
    """Trusted proxies must send a header; with none named, connections from this machine must."""
    assert expected(TrustedProxies(networks), peer) is must


@given(
    st.sampled_from(
        [b"", SIGNATURE, SIGNATURE + b"\x21\x11", SIGNATURE + b"\x21\x11\x00\x20", b"PROXY TCP4 "]
    ),
    st.binary(),
)
def test_any_bytes_are_judged(start: bytes, rest: bytes) -> None:
    """No bytes raise anything but the one error, and a header never claims more than there is."""
    data = start + rest
    try:
        found = read(data)
    except ProxyHeaderError:
        return
    assert found is None or 0 < found.consumed <= len(data)
