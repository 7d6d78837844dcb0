"""Listening sockets: plain, TLS, and behind a proxy that says who its client is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.domain.settings import Listener
from wardgate.gateway import listener as listeners
from wardgate.gateway import timers
from wardgate.gateway.forwarded import TrustedProxies
from wardgate.gateway.listener import Acceptor
from wardgate.gateway.local_ca import make_local_ca
from wardgate.storage.database import SqlStore

V2_LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"


@pytest.fixture
async def tls(
    store: SqlStore, upstream: Upstream, tmp_path: Path
) -> AsyncIterator[tuple[Gateway, ssl.SSLContext]]:
    """A gateway on a TLS listener, and a client that trusts it."""
    files, authority = make_local_ca(tmp_path / "ca", ["localhost"])
    context = ssl.create_default_context(cafile=str(authority))
    async with serving(store, orders(upstream.url), tls=True, certificates=(files,)) as gateway:
        yield gateway, context


@pytest.fixture
async def proxied(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A gateway that expects a PROXY header from this machine."""
    async with serving(store, orders(upstream.url), proxy_protocol=True) as gateway:
        yield gateway


async def seen(gateway: Gateway, upstream: Upstream, client: Wire, *prefix: bytes) -> str:
    """What the upstream is told of the client."""
    client.send(*prefix, gateway.request())
    peer = await upstream.accept()
    head = (await peer.head()).decode()
    peer.send(ok())
    assert (await client.answer()).status == 200
    return head


async def test_tls_serves_request_after_request(
    tls: tuple[Gateway, ssl.SSLContext], upstream: Upstream
) -> None:
    """A connection is kept, and the upstream hears that the client came by https."""
    gateway, context = tls
    client = await gateway.connect(context)
    assert "X-Forwarded-Proto: https\r\n" in await seen(gateway, upstream, client)
    client.send(gateway.request("GET", "/none"), gateway.request("GET", "/none"))
    assert (await client.answer()).status == (await client.answer()).status == 404
    await gateway.at_rest()


async def test_a_last_answer_over_tls_is_whole(
    tls: tuple[Gateway, ssl.SSLContext], upstream: Upstream
) -> None:
    """It ends with a proper close of TLS, after all of a large body."""
    gateway, context = tls
    client = await gateway.connect(context)
    client.send(gateway.request("GET", "/items", b"Connection: close"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b"\0" * (6 << 20)))
    answer = await client.answer()
    assert (len(answer.body), answer.value("connection")) == (6 << 20, "close")
    assert await client.rest() == b""
    await gateway.until(lambda: not gateway.worker.connections)


async def test_a_refusal_over_tls_ends_its_connection(tls: tuple[Gateway, ssl.SSLContext]) -> None:
    """Where one direction cannot be closed alone, both are, after the answer."""
    gateway, context = tls
    client = await gateway.connect(context)
    client.send(b"nonsense\r\n\r\n")
    assert (await client.answer()).reason == "request_malformed"
    assert await client.rest() == b""
    await gateway.until(lambda: not gateway.worker.connections)


async def test_a_client_that_leaves_over_tls_lets_everything_go(
    tls: tuple[Gateway, ssl.SSLContext], upstream: Upstream
) -> None:
    """Its upstream connection is closed and its permit given back."""
    gateway, context = tls
    client = await gateway.connect(context)
    client.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    client.close()
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]


async def test_a_drain_does_not_wait_for_clients_that_do_not_look(
    tls: tuple[Gateway, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that keeps its TLS connection in a pool, and so never answers the goodbye, delays nothing."""
    monkeypatch.setattr(timers, "_LINGER_SECONDS", 0.2)
    gateway, context = tls

    def pooled() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", gateway.port), 5)
        client = context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(gateway.request("GET", "/none"))
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 404 ")
        return client

    client = await asyncio.to_thread(pooled)
    await asyncio.wait_for(gateway.worker.drain(30.0), 4)
    assert gateway.reasons == ["resource_not_found"]
    client.close()


async def test_plain_http_to_a_tls_listener_is_no_request(tls: tuple[Gateway, ssl.SSLContext]) -> None:
    """It is closed before anything is counted."""
    gateway, _ = tls
    client = await gateway.connect()
    client.send(gateway.request())
    assert b"HTTP/1.1" not in await client.rest()
    assert gateway.recorded() == []
    assert not gateway.worker.connections


def test_a_tls_listener_needs_a_certificate() -> None:
    """Without one it cannot be made; the error names the listener."""
    import socket

    with (
        socket.socket() as sock,
        pytest.raises(ValueError, match=r"127\.0\.0\.1:8443 is TLS but no certificate"),
    ):
        Acceptor(
            sock,
            Listener(port=8443, tls=True),
            None,
            lambda tls, peer: pytest.fail("no connection is made"),
            TrustedProxies(()),
            proxy_headers=False,
        )


@pytest.mark.parametrize("pieces", [1, 7])
async def test_the_client_is_whom_the_proxy_names(proxied: Gateway, upstream: Upstream, pieces: int) -> None:
    """Its address goes to the upstream, and to the log; the header may come in any pieces."""
    header = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"
    client = await proxied.connect()
    step = -(-len(header) // pieces)
    for start in range(0, len(header), step):
        client.send(header[start : start + step])
    client.send(proxied.request("GET", "/none", key=""))
    assert (await client.answer()).status == 404
    assert proxied.worker.access_log is not None
    proxied.worker.access_log.flush()
    log = proxied.data_dir / "access.log"
    await proxied.until(lambda: log.read_text())
    assert json.loads(log.read_text().splitlines()[0])["client"] == "203.0.113.9"
    assert next(iter(proxied.worker.connections)).peer == "203.0.113.9"


async def test_a_key_that_came_to_the_proxy_in_clear_is_refused(proxied: Gateway) -> None:
    """The proxy is next door, its client is not: what counts is how the key travelled."""
    client = await proxied.connect()
    client.send(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n", proxied.request())
    answer = await client.answer()
    assert (answer.status, answer.reason) == (403, "credential_over_plain_http")


async def test_a_proxy_may_speak_for_itself(proxied: Gateway, upstream: Upstream) -> None:
    """Its own health checks come from its own address."""
    client = await proxied.connect()
    assert "X-Forwarded-For: 127.0.0.1\r\n" in await seen(proxied, upstream, client, V2_LOCAL)


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP9 a b 1 2\r\n", b""]
)
async def test_without_a_good_header_nothing_is_answered(
    proxied: Gateway, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is closed, the log says why, and no client connection was ever made."""
    client = await proxied.connect()
    client.send(first)
    if not first:
        client.half_close()
    with caplog.at_level(logging.WARNING):
        with contextlib.suppress(ConnectionResetError):  # what it sent was not read to its end
            assert await client.rest() == b""
        await proxied.until(lambda: "refused" in caplog.text)
    assert (proxied.recorded(), len(proxied.worker.connections)) == ([], 0)


async def test_a_header_that_does_not_come_is_not_waited_for(
    proxied: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection without its header ends in time, and the log says why."""
    monkeypatch.setattr(listeners, "_HEADER_SECONDS", 0.1)
    client = await proxied.connect()
    client.send(b"PRO")
    assert await client.rest() == b""
    await proxied.until(lambda: "refused: no PROXY header in time" in caplog.text)


async def test_a_drain_leaves_nobody_in_the_hall(proxied: Gateway) -> None:
    """Connections still waiting for their header when the grace is over are ended too."""
    client = await proxied.connect()
    client.send(b"PRO")
    (acceptor,) = proxied.worker._acceptors
    await proxied.until(lambda: acceptor._opening)
    await proxied.worker.drain(0.0)
    assert await client.rest() == b""
