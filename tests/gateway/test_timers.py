"""Time-outs of every state a client connection can be in: nobody holds one open by doing little or nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, ok, orders, serving

from wardgate.domain.api import PolicyUse
from wardgate.domain.settings import Bounds
from wardgate.gateway import timers
from wardgate.gateway.answering import WAIT
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import CompileContext
from wardgate.storage.database import SqlStore

SHORT = Bounds(header_timeout=0.3, body_timeout=0.3, idle_timeout=0.6)


@pytest.fixture
async def hasty(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A gateway with little patience."""
    async with serving(store, orders(upstream.url), bounds=SHORT) as gateway:
        yield gateway


async def test_a_connection_without_a_request_is_closed(hasty: Gateway) -> None:
    """One that never asked gets the time of a head, one that did may idle for longer; nothing is recorded."""
    fresh, served = await hasty.connect(), await hasty.connect()
    served.send(hasty.request("GET", "/none"))
    await served.answer()
    assert await fresh.rest() == b""
    assert len(hasty.worker.connections) == 1
    assert await served.rest() == b""
    assert hasty.reasons == ["resource_not_found"]


async def test_a_head_that_trickles_in_is_refused(hasty: Gateway) -> None:
    """The time runs from its first byte, whatever else comes."""
    client = await hasty.connect()
    client.send(b"GET /orders/v1/items HTTP/1.1\r\n")
    for number in range(4):
        await asyncio.sleep(0.06)
        client.send(b"X-%d: a\r\n" % number)
    answer = await client.answer()
    assert (answer.status, answer.reason, answer.value("connection")) == (408, "request_timeout", "close")
    assert hasty.reasons == ["request_timeout"]


async def test_a_body_that_stops_is_refused(hasty: Gateway, upstream: Upstream) -> None:
    """The upstream's request is never completed, and everything held for it is let go."""
    client = await hasty.connect()
    client.send(hasty.request("POST", "/items", b"Content-Length: 10"), b"abc")
    peer = await upstream.accept()
    await peer.head()
    answer = await client.answer()
    assert (answer.status, answer.reason) == (408, "request_timeout")
    assert await peer.rest() == b"abc"
    await hasty.at_rest()
    assert hasty.reasons == ["request_timeout"]


async def test_the_rest_of_a_refused_body_that_does_not_come(hasty: Gateway) -> None:
    """A client that was answered and sends neither its body nor anything else is closed on."""
    client = await hasty.connect()
    client.send(hasty.request("POST", "/none", b"Content-Length: 10"))
    assert (await client.answer()).status == 404
    assert await client.rest() == b""
    await hasty.until(lambda: not hasty.worker.connections)


async def test_a_client_that_does_not_read_its_answer_is_cut(hasty: Gateway, upstream: Upstream) -> None:
    """Its upstream connection is closed too, and it is recorded that it left."""
    client = await hasty.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(hasty.request())
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n", b"\0" * (16 << 20))
    await hasty.until(lambda: any(c.paused for c in hasty.worker.connections))
    await hasty.until(lambda: not hasty.worker.connections)
    await hasty.at_rest()
    assert hasty.reasons == ["client_closed"]


async def test_a_client_that_asked_more_than_it_reads_is_not_told_it_was_slow_to_ask(
    hasty: Gateway, upstream: Upstream
) -> None:
    """A request that waits behind an answer still being taken is served when that is done."""
    client = await hasty.connect()
    connection = await hasty.clogged(client)
    client.send(hasty.request(), hasty.request("GET", "/none"), b"GET /orders/v1/half HT")
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b"\0" * 240_000))
    await hasty.until(lambda: connection.state == WAIT)
    assert connection.paused
    await asyncio.sleep(0.45)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len((await client.answer()).body) == 240_000
    assert (await client.answer()).reason == "resource_not_found"
    client.send(b"TP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer()).reason == "resource_not_found"


async def test_a_small_answer_that_is_not_taken_does_not_keep_its_connection(
    hasty: Gateway, upstream: Upstream
) -> None:
    """Less than what would hold the upstream back, left in the buffers by a client that never reads."""
    client = await hasty.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = hasty.worker.connections
    connection.transport.set_write_buffer_limits(high=64 << 20)
    client.send(hasty.request())
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b"\0" * (16 << 20)))
    await hasty.until(lambda: hasty.reasons == ["ok"])
    assert not connection.paused
    await hasty.until(lambda: not hasty.worker.connections)


async def test_a_last_answer_is_not_cut_while_it_is_being_taken(
    gateway: Gateway, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``Connection: close`` a slow reader gets all of it, however long the gateway lingers otherwise."""
    monkeypatch.setattr(timers, "_LINGER_SECONDS", 0.05)
    client = await gateway.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await gateway.until(lambda: gateway.worker.connections)
    (connection,) = gateway.worker.connections
    connection.transport.set_write_buffer_limits(high=64 << 20)
    client.send(gateway.request("GET", "/items", b"Connection: close"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b"\0" * (16 << 20)))
    await gateway.until(lambda: gateway.reasons == ["ok"])
    await asyncio.sleep(0.6)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len((await client.answer()).body) == 16 << 20
    await gateway.until(lambda: not gateway.worker.connections)


async def test_a_closed_client_that_keeps_talking_is_cut(hasty: Gateway) -> None:
    """After the last answer nothing is read for longer than the client needs to see it."""
    client = await hasty.connect()
    client.send(b"nonsense\r\n\r\n")
    assert (await client.answer()).reason == "request_malformed"
    for _ in range(100):
        client.send(b"more and more")
        await asyncio.sleep(0.05)
        if not hasty.worker.connections:
            break
    assert not hasty.worker.connections


async def test_a_half_closed_client_waits_only_so_long(
    gateway: Gateway, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be told from one that is gone."""
    monkeypatch.setattr(timers, "_HALF_CLOSED_SECONDS", 0.1)
    client = await gateway.connect()
    client.send(gateway.request())
    client.half_close()
    peer = await upstream.accept()
    await peer.head()
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]


async def test_a_step_that_waits_for_ever_does_not(hasty: Gateway, upstream: Upstream) -> None:
    """The request is answered, the step cancelled, what it held given back, and the connection still good."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Endless:
        name = "test.endless"
        phase = "inspect"

        def validate(self, config: Mapping[str, Any]) -> None:
            """Takes anything."""

        def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
            """A step that waits."""

            def endless(exchange: Exchange) -> asyncio.Future[None]:
                return future

            return endless

    hasty.worker._registry.add(Endless())
    await hasty.apply(orders(upstream.url, policies=(PolicyUse(name="test.endless"),)))
    client = await hasty.connect()
    client.send(hasty.request(), hasty.request("GET", "/none"))
    answer = await client.answer()
    assert (answer.status, answer.reason) == (500, "gateway_error")
    assert (await client.answer()).reason == "resource_not_found"
    await hasty.until(future.cancelled)
    await hasty.at_rest()
    assert hasty.reasons == ["gateway_error", "resource_not_found"]


async def test_time_outs_go_on_when_house_keeping_fails(
    hasty: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault in the worker's figures or its feed is reported and delays nobody's time-out."""

    def fail(now: float) -> None:
        raise KeyError("a figure")

    monkeypatch.setattr(hasty.worker, "beat", fail)
    with caplog.at_level(logging.ERROR):
        client = await hasty.connect()
        assert await client.rest() == b""
    assert "a figure" in caplog.text
