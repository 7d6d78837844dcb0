"""Which URLs are read and which addresses are public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.identity.outbound import AddressRule, OutboundError, public, read_url

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("text", REFUSED)
def test_no_special_address_is_public(text: str) -> None:
    """An address of a special-purpose registry is refused, in every form it can be written in."""
    assert not public(ip_address(text))
    assert not AddressRule().may_call(ip_address(text), "https")


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_called_over_tls_only(text: str) -> None:
    """The public internet is open to https and shut to http."""
    assert AddressRule().may_call(ip_address(text), "https")
    assert not AddressRule().may_call(ip_address(text), "http")


@given(st.ip_addresses(v=4))
def test_what_python_calls_not_global_is_never_public(address: IPv4Address) -> None:
    """The table is at least as strict as the registry of the standard library."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not public(address)


@given(st.ip_addresses(v=6))
def test_what_python_calls_not_global_is_never_public_in_version_6(address: IPv6Address) -> None:
    """The same for IPv6, and whatever carries an IPv4 address is not public either."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_site_local:
        assert not public(address)
    if address.ipv4_mapped or address.sixtofour or address.teredo:
        assert not public(address)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0"]))
def test_an_address_in_another_is_judged_as_itself_too(inner: IPv4Address, prefix: str) -> None:
    """Allowing the network that carries IPv4 addresses opens no private one behind it."""
    address = IPv6Address(int(IPv6Address(prefix)) | int(inner))
    rule = AddressRule([f"{prefix}/96"])
    assert rule.may_call(address, "https") == public(inner)
    assert AddressRule([f"{prefix}/96", str(inner)]).may_call(address, "http")


@given(st.ip_addresses(), st.integers(0, 32))
def test_an_allowed_network_opens_itself_alone(address: IPv4Address | IPv6Address, bits: int) -> None:
    """The operator's word opens the network it names, over http too, and nothing beside it."""
    network = ip_network(f"10.20.0.0/{bits}", strict=False)
    rule = AddressRule([str(network)])
    inside = address.version == 4 and address in network
    assert rule.may_call(address, "http") == inside
    assert rule.may_call(address, "https") == (inside or public(address))


def test_a_network_that_is_none_is_refused() -> None:
    """A network that cannot be read is an error, never an open door."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        AddressRule(["10.0.0.0/33"])


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "shown"),
    [
        ("https://Id.Example.com/keys?a=b", "id.example.com", 443, "/keys?a=b", "id.example.com"),
        ("https://id.example.com:8443", "id.example.com", 8443, "/", "id.example.com:8443"),
        ("https://[2606:4700:0::1]/x", "2606:4700::1", 443, "/x", "[2606:4700::1]"),
        ("http://10.0.0.1:80/", "10.0.0.1", 80, "/", "10.0.0.1"),
        ("https://my_host.internal/", "my_host.internal", 443, "/", "my_host.internal"),
        ("https://example.com//a//b", "example.com", 443, "//a//b", "example.com"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str, shown: str) -> None:
    """Host in lower case, the port that holds, path and query as they are."""
    target = read_url(url)
    assert (target.host, target.port, target.path, target.shown) == (host, port, path, shown)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.example.com",
        "//id.example.com/",
        "ftp://id.example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user@id.example.com/",
        "https://user:pw@id.example.com/",
        "https://id.example.com@evil.example/",
        "https://id.example.com/#part",
        "https://id.example.com/a b",
        "https://id.example.com\\@evil.example/",
        "https://id.example.com/\r\nX: y",
        "https://id.example.com:0/",
        "https://id.example.com:22/",
        "https://id.example.com:6000/",
        "https://id.example.com:99999/",
        "https://id.example.com:+443/",
        "https://id.example.com./",
        "https://.example.com/",
        "https://-a.example.com/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://example.123/",
        "https://[::1/",
        "https://[::1]evil/",
        "https://[::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://[v1.a]/",
        "https://ex%61mple.com/",
        "https://例え.jp/",
        "https://" + "a" * 64 + ".example/",
        "https://example.com/" + "a" * 3000,
    ],
)
def test_a_url_with_two_readings_is_refused(url: str) -> None:
    """What parsers could differ over is refused, and the message shows neither path nor query."""
    with pytest.raises(OutboundError) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text after the scheme does anything but these two."""
    try:
        target = read_url("https://" + text)
    except OutboundError:
        return
    assert target.host
    assert "@" not in target.host
    assert 0 < target.port < 65536
