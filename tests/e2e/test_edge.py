"""Who the client is: TLS, trusted proxies, the PROXY protocol, and keys that crossed the network in clear."""

from __future__ import annotations

import signal
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest
from tests.e2e.certificates import Authority
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, Closed, Wire
from tests.supervisor.serving import free_ports

_V2 = b"\r\n\r\n\x00\r\nQUIT\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def tls_port() -> int:
    """Where the gateway speaks TLS."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def chain(authority: Authority) -> tuple[str, str]:
    """The certificate file and key file that the reload test replaces."""
    certificate, key = authority.issue("one.example.com", "localhost")
    return str(certificate), str(key)


@pytest.fixture(scope="module")
def stack(
    make_stack: MakeStack, upstream: Upstream, authority: Authority, tls_port: int, chain: tuple[str, str]
) -> Stack:
    """A plain and a TLS listener with two certificates, behind a trusted proxy on loopback."""
    two = authority.issue("two.example.com", "*.wild.example.com")
    return make_stack(
        upstream,
        document([api("raw", [upstream.url])]),
        "--tls-listen", str(tls_port), "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8",
        "--certificate", chain[0], "--key", chain[1], "--certificate", str(two[0]), "--key", str(two[1]),
    )  # fmt: skip


def _over_tls(stack: Stack, port: int, context: ssl.SSLContext, name: str) -> tuple[Answer, str]:
    with Wire(port, tls=context, name=name) as wire:
        assert isinstance(wire.sock, ssl.SSLSocket)
        wire.send(stack.request("/raw/v1/echo"))
        answer = wire.answer()
        peer = wire.sock.getpeercert() or {}
        subject = peer["subjectAltName"][0][1]
        return answer, str(subject)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("one.example.com", "one.example.com"),
        ("two.example.com", "two.example.com"),
        ("a.wild.example.com", "two.example.com"),
        ("localhost", "one.example.com"),
    ],
)
def test_certificates_are_chosen_by_name(
    stack: Stack, tls_port: int, authority: Authority, name: str, shown: str
) -> None:
    """Each name gets the certificate that carries it, and the upstream hears of https."""
    answer, subject = _over_tls(stack, tls_port, authority.client_context(), name)
    assert (answer.status, subject) == (200, shown)
    assert b"X-Forwarded-Proto: https" in answer.body


def test_old_tls_is_refused(tls_port: int, stack: Stack, authority: Authority) -> None:
    """1.2 and 1.3 are spoken, older versions and plain HTTP are not."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client_context()
        context.minimum_version = context.maximum_version = version
        assert _over_tls(stack, tls_port, context, "localhost")[0].status == 200
    old = authority.client_context()
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)), Wire(tls_port, tls=old):
        pass
    with Wire(tls_port) as plain, pytest.raises(Closed):
        plain.send(stack.request("/raw/v1/echo"))
        plain.answer()


def test_bodies_over_tls(stack: Stack, tls_port: int, authority: Authority) -> None:
    """Five megabytes up and down, pipelined, on one TLS connection."""
    with Wire(tls_port, tls=authority.client_context()) as wire:
        for _ in range(2):
            wire.send(
                stack.request("/raw/v1/length", "POST", b"Content-Length: 5000000\r\n", b"x" * 5_000_000)
            )
            assert wire.answer().body == b"5000000"
        wire.send(stack.request("/raw/v1/big?n=5000000") + stack.request("/raw/v1/chunked"))
        assert len(wire.answer().body) == 5_000_000
        assert wire.answer().body == b"onetwothree"


@pytest.mark.parametrize("sent", [b"203.0.113.7", b"unknown", b"_hidden", b"1" * 5000, b""])
def test_a_key_in_clear_is_refused_from_afar(stack: Stack, upstream: Upstream, sent: bytes) -> None:
    """Through a trusted proxy that says http the key is refused, valid or not, and nothing redirects; also where it does
    not say from where."""
    told = (b"X-Forwarded-For: " + sent + b"\r\n" if sent else b"") + b"X-Forwarded-Proto: http\r\n"
    for key in (stack.key, "rubbish"):
        answer = stack.ask("/raw/v1/echo", more=told, key=key)
        assert (answer.status, answer.reason) == (403, "credential_over_plain_http")
        assert "rotate" in answer.json()["detail"]
        assert answer.values("location") == []
    assert not upstream.log.requests
    without = b"GET /raw/v1/echo HTTP/1.1\r\nHost: g\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"
    with stack.wire() as wire:
        wire.send(without)
        assert wire.answer().reason == "credential_missing"


def test_the_client_behind_trusted_proxies_is_believed(stack: Stack, upstream: Upstream) -> None:
    """Addresses count from the right as far as proxies are trusted; each request of a connection names its own."""
    https = b"X-Forwarded-Proto: https\r\n"
    with stack.wire() as wire:
        for chain in (b"203.0.113.7", b"203.0.113.8, 10.1.2.3", b"1.1.1.1, 203.0.113.9, 10.1.2.3, 127.0.0.9"):
            wire.send(stack.request("/raw/v1/echo", more=b"X-Forwarded-For: " + chain + b"\r\n" + https))
            assert wire.answer().status == 200
    stack.service.until(lambda: len([1 for line in stack.access_log() if line["status"] == 200]) >= 3, 5)
    time.sleep(0.3)
    clients = [line["client"] for line in stack.access_log() if str(line["client"]).startswith("203.")]
    assert clients[-3:] == ["203.0.113.7", "203.0.113.8", "203.0.113.9"]
    told = [seen.values(b"x-forwarded-for")[0] for seen in upstream.log.requests]
    assert [chain.split(b",")[0] for chain in told] == [b"203.0.113.7", b"203.0.113.8", b"203.0.113.9"]
    assert not any(b"1.1.1.1" in chain for chain in told)


def test_restrictions_apply_to_the_client_behind_the_proxy(stack: Stack) -> None:
    """A key for one network is accepted from there and refused from elsewhere, whatever the client writes itself."""
    key = stack.issue("open", "--cidr", "203.0.113.0/24")
    https = b"X-Forwarded-Proto: https\r\n"

    def ask(chain: bytes) -> int:
        return stack.ask("/raw/v1/echo", more=b"X-Forwarded-For: " + chain + b"\r\n" + https, key=key).status

    assert ask(b"203.0.113.50") == 200
    assert ask(b"198.51.100.1") == 401
    assert ask(b"203.0.113.50, 198.51.100.1") == 401
    assert ask(b"rubbish") == 401


def test_certificates_are_reloaded_without_a_break(
    stack: Stack, tls_port: int, authority: Authority, chain: tuple[str, str]
) -> None:
    """After SIGHUP new connections get the new certificate; an open connection goes on."""
    with Wire(tls_port, tls=authority.client_context()) as wire:
        wire.send(stack.request("/raw/v1/echo"))
        assert wire.answer().status == 200
        certificate, key = authority.issue("renewed.example.com", "localhost")
        Path(chain[1]).write_bytes(key.read_bytes())
        Path(chain[0]).write_bytes(certificate.read_bytes())
        stack.service.process.send_signal(signal.SIGHUP)
        stack.service.until(
            lambda: (
                _over_tls(stack, tls_port, authority.client_context(), "localhost")[1]
                == "renewed.example.com"
            ),
            5,
        )
        wire.send(stack.request("/raw/v1/echo"))
        assert wire.answer().status == 200


@pytest.fixture(scope="module")
def proxied(make_stack: MakeStack, upstream: Upstream, authority: Authority) -> tuple[Stack, int]:
    """A gateway that expects PROXY headers, and its TLS port."""
    port = free_ports(1)[0]
    certificate, key = authority.issue("localhost")
    stack = make_stack(
        upstream, document([api("raw", [upstream.url])]), "--trusted-proxy", "127.0.0.0/8", "--proxy-protocol",
        "--tls-listen", str(port), "--certificate", str(certificate), "--key", str(key),
    )  # fmt: skip
    return stack, port


def _v2(source: str, command: int = 0x21) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 4711, 443)
    return _V2 + bytes([command, 0x11]) + struct.pack(">H", len(addresses)) + addresses


def test_proxy_protocol_names_the_client(
    proxied: tuple[Stack, int], upstream: Upstream, authority: Authority
) -> None:
    """The header's source is the client, before plain HTTP (then its key is refused from afar) and before TLS."""
    stack, port = proxied
    with stack.wire() as wire:
        wire.send(_v2("203.0.113.7") + stack.request("/raw/v1/echo"))
        assert wire.answer().reason == "credential_over_plain_http"
    with stack.wire() as wire:
        header = _v2("127.0.0.9")
        wire.send(header[:9])
        time.sleep(0.05)
        wire.send(header[9:] + stack.request("/raw/v1/echo")[:30])
        time.sleep(0.05)
        wire.send(stack.request("/raw/v1/echo")[30:])
        assert wire.answer().status == 200
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.sendall(_v2("203.0.113.7"))
    with Wire.over(authority.client_context().wrap_socket(sock, server_hostname="localhost")) as wire:
        wire.send(stack.request("/raw/v1/echo"))
        assert wire.answer().status == 200
    assert upstream.log.requests[-1].values(b"x-forwarded-for")[0].split(b",")[0] == b"203.0.113.7"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: g\r\n\r\n",
        _V2[:8] + b"xxxxxxxxxxxx",
        _V2 + b"\x31\x11\x00\x0c" + b"\x00" * 12,
        _V2 + b"\x21\x11\xff\xff" + b"\x00" * 100,
        _V2 + b"\x21\x11\x00\x04abcd",
    ],
)
def test_without_a_good_proxy_header_nothing_is_served(
    proxied: tuple[Stack, int], upstream: Upstream, start: bytes
) -> None:
    """A trusted peer that sends none, or a wrong one, is cut off."""
    stack, _ = proxied
    with stack.wire() as wire:
        wire.send(start + stack.request("/raw/v1/smuggled"))
        with pytest.raises(Closed):
            wire.answer()
    assert not upstream.log.requests
