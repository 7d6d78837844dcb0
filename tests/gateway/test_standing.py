"""Streams and tunnels end when the right to them ends."""

from __future__ import annotations

import time

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, orders

from wardgate.control import applications, keys
from wardgate.domain.consumer import Restrictions

UPGRADE = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndata: 1\r\n"


async def open_one(
    gateway: Gateway, upstream: Upstream, kind: str, key: str | None = None
) -> tuple[Wire, Wire]:
    """Client's and upstream's end of a tunnel or of a stream that has begun."""
    client = await gateway.connect()
    if kind == "tunnel":
        client.send(gateway.request("GET", "/socket", *UPGRADE, key=key))
        peer = await upstream.accept()
        await peer.head()
        peer.send(SWITCHED)
        await client.until(b"\r\n\r\n")
    else:
        client.send(gateway.request("GET", "/items", key=key))
        peer = await upstream.accept()
        await peer.head()
        peer.send(STREAM)
        await client.until(b"data: 1")
    return client, peer


@pytest.mark.parametrize("kind", ["tunnel", "stream"])
async def test_a_revoked_key_ends_what_it_opened(gateway: Gateway, upstream: Upstream, kind: str) -> None:
    """The client's and the upstream's end close with the feed, and the record says why; another key's stay open."""
    _, other = await keys.issue(gateway.store, application="mobile", environment="development")
    client, peer = await open_one(gateway, upstream, kind)
    spared, spared_peer = await open_one(gateway, upstream, kind, other.reveal().decode())
    (credential,) = [
        record.credential
        for record in await keys.list_keys(gateway.store)
        if gateway.key.endswith(record.credential.last_four)
    ]
    await keys.revoke(gateway.store, credential.id)
    gateway.worker.on_wake()
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["key_revoked"]
    spared_peer.send(b"5\r\nstill\r\n")
    assert b"still" in await spared.until(b"still")


async def test_a_suspended_application_loses_its_tunnels(gateway: Gateway, upstream: Upstream) -> None:
    """Suspension reaches what is open already."""
    client, peer = await open_one(gateway, upstream, "tunnel")
    await applications.suspend(gateway.store, "mobile")
    gateway.worker.on_wake()
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["application_suspended"]
    await gateway.at_rest()


async def test_a_key_that_expires_meanwhile_ends_its_tunnel(gateway: Gateway, upstream: Upstream) -> None:
    """Nobody need touch the key: the timer finds it."""
    _, key = await keys.issue(
        gateway.store, application="mobile", environment="development", expires_at=time.time() + 0.6
    )
    client, peer = await open_one(gateway, upstream, "tunnel", key.reveal().decode())
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["key_expired"]


async def test_a_changed_restriction_or_api_is_judged_anew(gateway: Gateway, upstream: Upstream) -> None:
    """A key with restrictions it still meets keeps its tunnel when other things change; a withdrawn resource's API
    that is deployed anew keeps it too."""
    _, key = await keys.issue(
        gateway.store,
        application="mobile",
        environment="development",
        restrictions=Restrictions(cidrs=("127.0.0.0/8",)),
    )
    client, peer = await open_one(gateway, upstream, "tunnel", key.reveal().decode())
    await gateway.apply(orders(upstream.url, max_body=4096))
    gateway.worker.on_wake()
    client.send(b"up")
    assert await peer.exactly(2) == b"up"


@pytest.mark.parametrize("kind", ["tunnel", "stream"])
async def test_what_begins_after_the_revocation_ends_at_once(
    gateway: Gateway, upstream: Upstream, kind: str
) -> None:
    """The key was good when the request came, and revoked before the upstream answered: nothing stays open."""
    client = await gateway.connect()
    if kind == "tunnel":
        client.send(gateway.request("GET", "/socket", *UPGRADE))
    else:
        client.send(gateway.request("GET", "/items"))
    peer = await upstream.accept()
    await peer.head()
    (record,) = await keys.list_keys(gateway.store)
    await keys.revoke(gateway.store, record.credential.id)
    gateway.worker.on_wake()
    peer.send(SWITCHED if kind == "tunnel" else STREAM)
    assert await peer.rest() == b""
    await client.rest()
    assert gateway.reasons == ["key_revoked"]


async def test_what_began_before_a_change_of_others_goes_on(gateway: Gateway, upstream: Upstream) -> None:
    """A change while the upstream thinks makes the answer be looked at, not end."""
    client = await gateway.connect()
    client.send(gateway.request("GET", "/items"))
    peer = await upstream.accept()
    await peer.head()
    await applications.add(gateway.store, name="another", owner="a@example.com")
    await applications.suspend(gateway.store, "another")
    gateway.worker.on_wake()
    peer.send(STREAM)
    await client.until(b"data: 1")
    peer.send(b"5\r\nstill\r\n")
    assert b"still" in await client.until(b"still")
