"""Versions and life cycles on the wire: what the upstream hears of the version, and what a tunnel's client is told."""

from __future__ import annotations

from dataclasses import replace

from tests.gateway.harness import Gateway, Upstream, ok, orders
from tests.gateway.test_access_rules import stand
from tests.gateway.test_standing import SWITCHED, UPGRADE

from wardgate.domain.standing import Standing
from wardgate.domain.versioning import Versioning


async def test_a_trailer_names_no_version(gateway: Gateway, upstream: Upstream) -> None:
    """Who got the default cannot tell the upstream afterwards that another version was meant, in no spelling."""
    versioning = Versioning(by="header", name="X-API-Version", value="1", default=True)
    await gateway.apply(orders(upstream.url, versioning=versioning))
    wire = await gateway.connect()
    head = gateway.request("POST", "/items", b"Transfer-Encoding: chunked")
    wire.send(head, b"1\r\na\r\n0\r\nX-API-Version: 2\r\nx_api_version: 2\r\nX-Sum: 1\r\n\r\n")
    peer = await upstream.accept()
    got = await peer.head() + await peer.until(b"0\r\n") + await peer.until(b"\r\n\r\n")
    assert b"x-sum: 1" in got.lower()
    assert b"version" not in got.lower()
    peer.send(ok())
    assert (await wire.answer()).status == 200


async def test_a_tunnel_of_a_deprecated_version_says_so(gateway: Gateway, upstream: Upstream) -> None:
    """The 101 tells since when, and what it varies by, like any other answer."""
    versioning = Versioning(by="header", name="X-API-Version", value="1", default=True)
    await gateway.apply(orders(upstream.url, versioning=versioning))
    await stand(gateway, replace(Standing(), lifecycle="deprecated", deprecated_at=1_688_169_599.0))
    client = await gateway.connect()
    client.send(gateway.request("GET", "/socket", *UPGRADE))
    peer = await upstream.accept()
    await peer.head()
    peer.send(SWITCHED)
    told = await client.head()
    assert told.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nDeprecation: @1688169599\r\n" in told
    assert b"\r\nVary: X-API-Version\r\n" in told
