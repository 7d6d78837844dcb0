"""Access tokens taken back in mid-stream: streams end with the right to them, and no others do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, serving
from tests.gateway.oauth_calls import api, bearer, get
from tests.gateway.oauth_side import FOREIGN, ISSUER, Foreign, Holder, Server

from wardgate.control import applications
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.storage.database import SqlStore


@pytest.fixture
async def gateway(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A worker whose installation is known as :data:`ISSUER`."""
    async with serving(store, api(upstream.url), issuer=ISSUER) as made:
        yield made


@pytest.fixture
async def server(store: SqlStore, gateway: Gateway) -> Server:
    """The authorization server's side of that installation."""
    made = Server(store)
    await made.add_key()
    await made.add_client()
    gateway.worker.on_wake()
    return made


async def _streaming(gateway: Gateway, upstream: Upstream, token: str) -> Any:
    wire = await gateway.connect()
    wire.send(gateway.request("GET", "/token", bearer(token), key=""))
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n")
    await wire.until(b"one\r\n")
    return wire


@pytest.mark.parametrize("kind", ["jti", "grant", "subject", "client", "application"])
async def test_a_revocation_refuses_and_ends_streams(
    gateway: Gateway, upstream: Upstream, server: Server, kind: str
) -> None:
    """Once the feed is read: the stream is cut, the token refused, and a token made afterwards is good."""
    claims = server.claims()
    token = server.mint(**claims)
    stream = await _streaming(gateway, upstream, token)
    spared = None
    if kind in ("jti", "grant", "subject"):
        spared = await _streaming(gateway, upstream, server.mint(sub="u2", gid="g2"))
    mobile = (await applications.show(gateway.store, "mobile")).application.id
    key = {"jti": claims["jti"], "grant": "g1", "subject": "u1", "client": "c1"}.get(kind, mobile)
    await server.revoke(kind, key)
    gateway.worker.on_wake()
    assert b"0\r\n\r\n" not in await stream.rest()
    answer, _ = await get(gateway, upstream, "/token", bearer(token))
    assert answer.status == 401
    await asyncio.sleep(0.002)
    answer, _ = await get(gateway, upstream, "/token", bearer(server.mint()))
    assert answer.status == 200
    assert gateway.reasons.count("token_revoked") == 2
    if spared is not None:
        assert await spared.silent()


async def test_streams_end_with_the_key_that_signed_their_token(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """A key that is published no more, as it leaked, takes what runs on it along; another key's tokens go on."""
    await server.add_key("k2")
    gateway.worker.on_wake()
    stream = await _streaming(gateway, upstream, server.mint(kid="k2"))
    spared = await _streaming(gateway, upstream, server.mint())
    await server.retire("k2")
    gateway.worker.on_wake()
    assert b"0\r\n\r\n" not in await stream.rest()
    assert "token_key_unknown" in gateway.reasons
    assert await spared.silent()


async def test_a_stream_that_begins_after_its_token_was_revoked_ends(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """The token was good when the request came; the upstream takes its time, and meanwhile the grant is taken back."""
    wire = await gateway.connect()
    wire.send(gateway.request("GET", "/token", bearer(server.mint()), key=""))
    peer = await upstream.accept()
    await peer.head()
    await server.revoke("grant", "g1")
    gateway.worker.on_wake()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n")
    assert b"0\r\n\r\n" not in await wire.rest()
    await gateway.until(lambda: "token_revoked" in gateway.reasons)


async def test_a_stream_ends_with_its_token(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """Within a tick of the token's end."""
    await gateway.apply(api(upstream.url, oauth2=OAuth2Settings(skew=0)))
    stream = await _streaming(gateway, upstream, server.mint(exp=int(time.time()) + 1))
    assert b"0\r\n\r\n" not in await stream.rest()
    await gateway.until(lambda: "token_expired" in gateway.reasons)


async def test_a_stream_on_a_proof_goes_on(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """A change that leaves the token good does not ask for another proof."""
    holder = Holder()
    token = server.mint(cnf={"jkt": holder.jkt})
    host = f"127.0.0.1:{gateway.port}"
    proof = holder.proof("GET", f"http://{host}/orders/v1/token", token)
    wire = await gateway.connect()
    wire.send(
        b"\r\n".join([b"GET /orders/v1/token HTTP/1.1", b"Host: " + host.encode(), b"DPoP: " + proof,
                      b"Authorization: DPoP " + token.encode(), b"", b""])
    )  # fmt: skip
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n")
    await wire.until(b"one\r\n")
    await gateway.apply(api(upstream.url, max_body=5))
    await server.revoke("jti", "another")
    gateway.worker.on_wake()
    peer.send(b"3\r\ntwo\r\n")
    await wire.until(b"two\r\n")
    await applications.suspend(gateway.store, "mobile")
    gateway.worker.on_wake()
    assert b"0\r\n\r\n" not in await wire.rest()
    await gateway.until(lambda: "application_suspended" in gateway.reasons)


async def test_a_stream_whose_issuer_must_be_asked(store: SqlStore, upstream: Upstream) -> None:
    """After a change its token is asked about anew, and the stream cut once the answer is no."""
    foreign = Foreign(store)
    foreign.active["opaque-1"] = {"active": True, "client_id": "entra-app", "aud": "api://orders"}
    settings = OAuth2Settings(
        audiences=("api://orders",),
        issuers=(TrustedIssuer(issuer=FOREIGN, kind="introspection", applications={"entra-app": "mobile"}),),
    )
    async with serving(store, api(upstream.url, oauth2=settings), issuer=ISSUER, issuers=foreign) as gateway:
        stream = await _streaming(gateway, upstream, "opaque-1")
        await applications.suspend(store, "mobile")
        await applications.restore(store, "mobile")
        gateway.worker.on_wake()
        assert await stream.silent()
        foreign.active.clear()
        await applications.suspend(store, "mobile")
        await applications.restore(store, "mobile")
        gateway.worker.on_wake()
        assert b"0\r\n\r\n" not in await stream.rest()
        await gateway.until(lambda: "token_inactive" in gateway.reasons)
