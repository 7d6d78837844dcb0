"""The client behind proxies: whom to believe, how far, and what the upstream is told."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway.forwarded import TrustedProxies, render

NETWORKS = ("10.0.0.0/8", "2001:db8:ff::/48", "192.0.2.7")
HeaderName = Literal["x-forwarded-for", "forwarded"]


def walk(
    headers: dict[str, str] | list[tuple[str, str]],
    peer: str = "10.0.0.1",
    *,
    tls: bool = False,
    header: HeaderName = "x-forwarded-for",
) -> tuple[str, str, list[str]]:
    """Client, scheme and hops for the header fields given."""
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
    return TrustedProxies(NETWORKS, header).client_of(peer, encoded, tls)[:3]


@pytest.mark.parametrize(
    ("value", "client", "via"),
    [
        ("", "10.0.0.1", []),
        ("203.0.113.9", "203.0.113.9", ["10.0.0.1"]),
        ("203.0.113.9:4711", "203.0.113.9", ["10.0.0.1"]),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9", ["10.0.0.1"]),
        ("6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9", ["10.1.1.1", "10.0.0.1"]),
        ("203.0.113.9,192.0.2.7 ,\t10.1.1.1", "203.0.113.9", ["192.0.2.7", "10.1.1.1", "10.0.0.1"]),
        ("10.3.3.3, 10.2.2.2", "10.3.3.3", ["10.2.2.2", "10.0.0.1"]),
        ("203.0.113.9, ,", "203.0.113.9", ["10.0.0.1"]),
        ("2001:db8::1", "2001:db8::1", ["10.0.0.1"]),
        ("[2001:DB8:0::1]", "2001:db8::1", ["10.0.0.1"]),
        ("[2001:db8::1]:443", "2001:db8::1", ["10.0.0.1"]),
        ("203.0.113.9, 2001:db8:ff::5", "203.0.113.9", ["2001:db8:ff::5", "10.0.0.1"]),
        ("::ffff:203.0.113.9", "203.0.113.9", ["10.0.0.1"]),
        ("203.0.113.9, ::ffff:10.1.1.1", "203.0.113.9", ["10.1.1.1", "10.0.0.1"]),
        ("203.0.113.9, unknown", "10.0.0.1", []),
        ("203.0.113.9, _hidden, 10.1.1.1", "10.1.1.1", ["10.0.0.1"]),
        ("203.0.113.9, 10.1.1.256", "10.0.0.1", []),
        ("203.0.113.9, 010.1.1.1", "10.0.0.1", []),
        ("203.0.113.9, 10.1.1.1;x", "10.0.0.1", []),
        ("203.0.113.9 10.1.1.1", "10.0.0.1", []),
        ("203.0.113.9, [10.1.1.1", "10.0.0.1", []),
        ("203.0.113.9, 1", "10.0.0.1", []),
        ("203.0.113.9, " + "1" * 5000, "10.0.0.1", []),
        ("203.0.113.9, h\xf6st", "10.0.0.1", []),
    ],
)
def test_x_forwarded_for(value: str, client: str, via: list[str]) -> None:
    """The walk goes from the right over trusted hops only, and stops at what is no address."""
    assert walk({"x-forwarded-for": value}) == (client, "http", via)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("", False),
        ("203.0.113.9", False),
        ("10.3.3.3", False),
        ("unknown", True),
        ("203.0.113.9, unknown", True),
        ("unknown, 203.0.113.9", False),
        ("unknown, 10.1.1.1", True),
        ("1" * 5000, True),
    ],
)
def test_who_cannot_be_read_is_not_the_proxy(value: str, hidden: bool) -> None:
    """A proxy that vouches for somebody without a readable address is not taken for the one who asks."""
    found = TrustedProxies(NETWORKS).client_of("10.0.0.1", [(b"x-forwarded-for", value.encode())], False)
    assert found[3] is hidden


def test_lines_are_one_list() -> None:
    """Several lines of the field are one list, in order."""
    lines = [("x-forwarded-for", "6.6.6.6"), ("accept", "*/*"), ("x-forwarded-for", "203.0.113.9, 10.1.1.1")]
    assert walk(lines)[0] == "203.0.113.9"


def test_endless_chains_are_cut() -> None:
    """A chain of thousands of trusted hops is followed for 32 of them."""
    client, _, via = walk({"x-forwarded-for": ", ".join(["203.0.113.9"] + ["10.0.0.9"] * 4000)})
    assert client == "10.0.0.9"
    assert len(via) == 32


@pytest.mark.parametrize("peer", ["203.0.113.1", "2001:db8::9", "", "/run/wardgate.sock", "fe80::1%eth0"])
def test_untrusted_peers_are_the_client(peer: str) -> None:
    """Whatever an untrusted peer sends, it is the client itself."""
    headers = {
        "x-forwarded-for": "1.1.1.1",
        "x-forwarded-proto": "https",
        "forwarded": "for=1.1.1.1;proto=https",
    }
    for name in ("x-forwarded-for", "forwarded"):
        assert walk(headers, peer, header=name) == (peer.partition("%")[0], "http", [])
    assert TrustedProxies(()).client_of(peer, [(b"x-forwarded-for", b"1.1.1.1")], True)[1:] == (
        "https",
        [],
        False,
    )


def test_only_the_chosen_header_counts() -> None:
    """The header the proxies are not set up to write may come from anyone, so it is not read."""
    assert walk({"forwarded": "for=1.1.1.1;proto=https"}) == ("10.0.0.1", "http", [])
    both = {"x-forwarded-for": "1.1.1.1", "x-forwarded-proto": "https"}
    assert walk(both, header="forwarded") == ("10.0.0.1", "http", [])


@pytest.mark.parametrize(
    ("chain", "protocols", "tls", "scheme"),
    [
        ("203.0.113.9", "https", False, "https"),
        ("203.0.113.9", "HTTPS", False, "https"),
        ("203.0.113.9", "wss", False, "https"),
        ("203.0.113.9", "http", True, "http"),
        ("203.0.113.9", "ws", True, "http"),
        ("203.0.113.9", "", True, "https"),
        ("203.0.113.9", "", False, "http"),
        ("203.0.113.9", "spdy", True, "http"),
        ("203.0.113.9", "https\x00", True, "http"),
        ("", "https", False, "https"),
        ("unknown", "https", False, "https"),
        ("203.0.113.9, 10.1.1.1", "https, http", False, "https"),
        ("203.0.113.9, 10.1.1.1", "http, https", True, "http"),
        ("6.6.6.6, 203.0.113.9", "https, http", False, "http"),
        ("203.0.113.9", "https, http", False, "http"),
        ("203.0.113.9", "https, https", False, "https"),
        ("203.0.113.9, 10.1.1.1", "https", False, "https"),
    ],
)
def test_scheme(chain: str, protocols: str, tls: bool, scheme: str) -> None:
    """The client's scheme is what its proxy says; https is believed only without a doubt."""
    assert walk({"x-forwarded-for": chain, "x-forwarded-proto": protocols}, tls=tls)[1] == scheme


@pytest.mark.parametrize(
    ("value", "client", "scheme"),
    [
        ("for=203.0.113.9", "203.0.113.9", "http"),
        ("For=203.0.113.9;Proto=HTTPS;by=10.0.0.1", "203.0.113.9", "https"),
        ("proto=https;for=203.0.113.9", "203.0.113.9", "https"),
        ('for="203.0.113.9:47011"', "203.0.113.9", "http"),
        ('for="[2001:db8::1]:47011";proto=https', "2001:db8::1", "https"),
        ('for="[2001:db8::1]"', "2001:db8::1", "http"),
        (r'for="203.\0.113.9"', "203.0.113.9", "http"),
        ("for=6.6.6.6;proto=https, for=203.0.113.9;proto=http", "203.0.113.9", "http"),
        ("for=203.0.113.9;proto=https, for=10.1.1.1;proto=http", "203.0.113.9", "https"),
        ("for=203.0.113.9;proto=https, for=10.1.1.1", "203.0.113.9", "https"),
        ("for=203.0.113.9;;proto=https;", "203.0.113.9", "https"),
        ("for=203.0.113.9,,", "203.0.113.9", "http"),
        ('for=203.0.113.9;ext="a,b;c=d"', "203.0.113.9", "http"),
        ("for=203.0.113.9, for=unknown", "10.0.0.1", "http"),
        ('for=203.0.113.9, for="_hidden";proto=https', "10.0.0.1", "https"),
        ("for=203.0.113.9, proto=https", "10.0.0.1", "https"),
        ("for=203.0.113.9, for=1.1.1.1;for=2.2.2.2", "10.0.0.1", "http"),
        ("for=203.0.113.9;proto=https;proto=https", "10.0.0.1", "http"),
        ("for=203.0.113.9, for=", "10.0.0.1", "http"),
        ("for=203.0.113.9, for =1.1.1.1", "10.0.0.1", "http"),
        ("for=203.0.113.9, garbage", "10.0.0.1", "http"),
        ('for="203.0.113.9', "10.0.0.1", "http"),
        ('for=", for=203.0.113.9', "203.0.113.9", "http"),
        ('for="\\, for=203.0.113.9;proto=https', "203.0.113.9", "https"),
        ('for=", for=6.6.6.6;by=", for=203.0.113.9', "203.0.113.9", "http"),
        ('for=203.0.113.9;host="a, for=6.6.6.6"', "203.0.113.9", "http"),
    ],
)
def test_forwarded(value: str, client: str, scheme: str) -> None:
    """``Forwarded`` is read by the grammar of RFC 7239, from the right, and a client's quotes swallow nothing."""
    assert walk({"forwarded": value}, header="forwarded")[:2] == (client, scheme)


def test_forwarded_lines_from_the_last() -> None:
    """Of several lines the last one is the nearest proxy's."""
    lines = [("forwarded", 'for="broken'), ("forwarded", "for=203.0.113.9"), ("forwarded", "for=10.1.1.1")]
    assert walk(lines, header="forwarded") == ("203.0.113.9", "http", ["10.1.1.1", "10.0.0.1"])


def test_networks_must_be_networks() -> None:
    """A wrong entry is refused by name."""
    for wrong in ("10.0.0.1/8", "proxy.local", "", "10.0.0.0/33"):
        with pytest.raises(ValueError, match=f"trusted proxy {wrong!r}"):
            TrustedProxies((wrong,))


def test_trusts() -> None:
    """Trust covers the networks given, also through an IPv4-mapped address, and nothing that is no address."""
    proxies = TrustedProxies(NETWORKS)
    assert proxies
    assert not TrustedProxies(())
    assert all(
        proxies.trusts(address) for address in ("10.9.9.9", "::ffff:10.9.9.9", "2001:db8:ff::1", "192.0.2.7")
    )
    assert not any(
        proxies.trusts(address) for address in ("192.0.2.8", "", "unix", "11.0.0.0", "2001:db8::1")
    )


def test_rendered_lines() -> None:
    """The upstream reads the believed chain, the scheme and the host in both forms."""
    assert render(
        "203.0.113.9", "https", ["2001:db8:ff::5", "10.0.0.1"], b"api.test:8443", forwarded=True
    ) == (
        b"X-Forwarded-For: 203.0.113.9, 2001:db8:ff::5, 10.0.0.1\r\n"
        b"X-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Host: api.test:8443\r\n"
        b'Forwarded: for=203.0.113.9;proto=https;host="api.test:8443", for="[2001:db8:ff::5]", for=10.0.0.1\r\n'
    )
    assert render("", "http", (), b"", forwarded=True) == (
        b"X-Forwarded-For: \r\nX-Forwarded-Proto: http\r\nForwarded: for=unknown;proto=http\r\n"
    )


_TEXT = st.lists(
    st.sampled_from(
        [
            "for=",
            "proto=",
            "https",
            '"',
            "\\",
            ",",
            ";",
            " ",
            "10.0.0.2",
            "6.6.6.6",
            "[::1]",
            ":80",
            "unknown",
            "=",
            "\t",
        ]
    ),
    max_size=12,
).map("".join)


@given(_TEXT, st.sampled_from(["x-forwarded-for", "forwarded"]), st.booleans())
def test_what_clients_write_never_hides_what_the_proxy_adds(
    text: str, header: HeaderName, same_line: bool
) -> None:
    """Whatever a client wrote, the address a trusted proxy appends to it is the client."""
    added = "203.0.113.9" if header == "x-forwarded-for" else "for=203.0.113.9;proto=http"
    lines = [(header, f"{text}, {added}")] if same_line else [(header, text), (header, added)]
    assert walk(list(lines), header=header) == ("203.0.113.9", "http", ["10.0.0.1"])


@given(st.binary(max_size=60), st.binary(max_size=20), st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_any_bytes_are_judged(value: bytes, protocol: bytes, header: HeaderName) -> None:
    """No field value raises, and the result is always an address."""
    headers = [(header.encode(), value), (b"x-forwarded-proto", protocol)]
    proxies = TrustedProxies(NETWORKS, header)
    client, scheme, _, _ = proxies.client_of("10.0.0.1", headers, False)
    assert proxies.client_of(client, [], False)[0] == client
    assert scheme in {"http", "https"}
