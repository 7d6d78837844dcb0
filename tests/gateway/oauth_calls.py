"""An API with a resource for each rule, and requests to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.gateway.harness import Answer, Gateway, Upstream, ok, orders

from wardgate.domain.api import Resource
from wardgate.domain.document import ApiEntry

RESOURCES = (
    Resource(method="GET", path="/key", schemes=("api_key",)),
    Resource(method="GET", path="/token", schemes=("oauth2",)),
    Resource(method="POST", path="/token", schemes=("oauth2",)),
    Resource(method="GET", path="/either", schemes=("api_key", "oauth2")),
    Resource(method="GET", path="/both", schemes=("api_key", "oauth2"), require="all"),
    Resource(method="GET", path="/read", schemes=("api_key", "oauth2"), scopes=("read",)),
    Resource(method="GET", path="/admin", schemes=("api_key", "oauth2"), scopes=("admin", "read")),
    Resource(method="GET", path="/open", schemes=()),
)


def api(*targets: str, **changes: Any) -> ApiEntry:
    """``orders/v1`` with a resource for each rule."""
    made = orders(*targets)
    return replace(made, api=replace(made.api, **({"resources": RESOURCES} | changes)))


async def get(
    gateway: Gateway,
    upstream: Upstream,
    path: str,
    *lines: bytes,
    key: str = "",
    body: bytes = b"fine",
    method: str = "GET",
) -> tuple[Answer, bytes]:
    """The answer to one request, and the head the upstream got: empty if it got none."""
    wire = await gateway.connect()
    wire.send(gateway.request(method, path, *lines, key=key))
    answering = asyncio.ensure_future(wire.answer())
    accepting = asyncio.ensure_future(upstream.accept())
    done, _ = await asyncio.wait({answering, accepting}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    head = b""
    if accepting in done:
        peer = await accepting
        head = await peer.head()
        peer.send(ok(body), b"")
        answer = await answering
        peer.close()
    else:
        accepting.cancel()
        answer = await answering
    wire.close()
    return answer, head


def bearer(token: str) -> bytes:
    return b"Authorization: Bearer " + token.encode()


def fields(head: bytes) -> dict[str, str]:
    """The fields of a head; a repeated one is an error."""
    found: dict[str, str] = {}
    for line in head.decode().split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            assert name.lower() not in found, f"{name} stands twice"
            found[name.lower()] = value.strip()
    return found
