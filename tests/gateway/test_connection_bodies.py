"""Request bodies: streamed, bounded, never read as anything else, and never kept for nobody."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.domain.settings import Bounds
from wardgate.domain.upstream import Timeouts
from wardgate.gateway.answering import WAIT
from wardgate.storage.database import SqlStore

MIB = b"\0" * (1 << 20)


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """``pieces`` as chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


async def begin(gateway: Gateway, *lines: bytes, path: str = "/items") -> Wire:
    """A client that has sent the head of a POST with these fields."""
    client = await gateway.connect()
    client.send(gateway.request("POST", path, *lines))
    return client


async def test_a_body_in_pieces_arrives_whole(gateway: Gateway, upstream: Upstream) -> None:
    """What came before the upstream connection stood and what came after it keep their order."""
    client = await begin(gateway, b"Content-Length: 9")
    client.send(b"abc")
    peer = await upstream.accept()
    await peer.head()
    assert await peer.exactly(3) == b"abc"
    client.send(b"def")
    assert await peer.exactly(3) == b"def"
    client.send(b"ghi", gateway.request("GET", "/items/2"))
    assert await peer.exactly(3) == b"ghi"
    assert await peer.silent()
    peer.send(ok(b"got it"))
    assert (await client.answer()).body == b"got it"
    assert (await peer.head()).startswith(b"GET /items/2 ")
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def test_a_chunked_body_is_framed_anew_with_its_trailers(gateway: Gateway, upstream: Upstream) -> None:
    """Extensions go, trailers stay, and what follows the body is the next request."""
    client = await begin(gateway, b"Transfer-Encoding: chunked")
    client.send(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Check: 1\r\n\r\n", gateway.request("GET", "/items/2"))
    peer = await upstream.accept()
    head = await peer.head()
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert await peer.until(b"\r\n\r\n") == b"5\r\nabcde\r\n0\r\nX-Check: 1\r\n\r\n"
    peer.send(ok())
    assert (await client.answer()).status == 200
    assert (await peer.head()).startswith(b"GET /items/2 ")


async def test_a_broken_chunk_never_completes_the_upstreams_request(
    gateway: Gateway, upstream: Upstream
) -> None:
    """The client hears why and is cut off; the upstream's connection is closed before the body's end."""
    client = await begin(gateway, b"Transfer-Encoding: chunked")
    client.send(chunked(b"abc", end=b""))
    peer = await upstream.accept()
    await peer.head()
    await peer.until(b"abc\r\n")
    client.send(b"zz\r\n", gateway.request())
    answer = await client.answer()
    assert (answer.status, answer.reason, answer.value("connection")) == (400, "framing_ambiguous", "close")
    assert await client.rest() == b""
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["framing_ambiguous"]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_past_the_bound_is_refused(store: SqlStore, upstream: Upstream, declared: bool) -> None:
    """By its length before anything is forwarded; a chunked one when it has grown too large, uncompleted."""
    async with serving(store, orders(upstream.url, max_body=1000)) as gateway:
        if declared:
            client = await begin(gateway, b"Content-Length: 1001")
            client.send(b"x" * 1001)
        else:
            client = await begin(gateway, b"Transfer-Encoding: chunked")
            client.send(chunked(b"x" * 600, end=b""))
            peer = await upstream.accept()
            await peer.head()
            client.send(chunked(b"x" * 401, end=b""))
            assert not (await peer.rest()).endswith(b"0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.reason) == (413, "body_too_large")
        if declared:
            # The rest was read off, so the connection is still good.
            client.send(gateway.request("GET", "/none"))
            assert (await client.answer()).reason == "resource_not_found"
            assert upstream.wires == []
        await gateway.at_rest()


async def test_the_body_of_a_refused_request_is_no_request(gateway: Gateway) -> None:
    """Read off by its own framing, however much it looks like a request."""
    inner = gateway.request("GET", "/none")
    client = await gateway.connect()
    client.send(gateway.request("POST", "/absent", body=inner), gateway.request("GET", "/none"))
    client.send(gateway.request("POST", "/absent", b"Transfer-Encoding: chunked"))
    client.send(chunked(inner[:20], inner[20:]), gateway.request("GET", "/none"))
    for _ in range(4):
        assert (await client.answer()).reason == "resource_not_found"
    await client.silent()
    assert gateway.reasons == ["resource_not_found"] * 4


async def test_a_refused_body_without_end_is_not_read_for_ever(gateway: Gateway) -> None:
    """Past a bound the client is closed on, after it could read the answer."""
    client = await begin(gateway, b"Content-Length: 9000000", path="/absent")
    assert (await client.answer()).reason == "resource_not_found"
    client.send(MIB)
    assert await client.rest() == b""
    await gateway.until(lambda: not gateway.worker.connections)


async def test_an_expecting_client_is_told_to_go_on_only_when_it_may(
    gateway: Gateway, upstream: Upstream
) -> None:
    """100 once the request was let through and has a connection; the upstream never sees the expectation."""
    client = await begin(gateway, b"Expect: 100-continue", b"Content-Length: 3")
    assert (await client.answer()).status == 100
    peer = await upstream.accept()
    assert b"xpect" not in await peer.head()
    client.send(b"abc")
    assert await peer.exactly(3) == b"abc"
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n", ok(b"done"))
    assert (await client.answer()).body == b"done"

    refused = await begin(gateway, b"Expect: 100-continue", b"Content-Length: 3", path="/absent")
    answer = await refused.answer()
    assert (answer.status, answer.value("connection")) == (404, "close")
    await gateway.at_rest()


async def test_an_answer_before_the_bodys_end_spoils_only_the_upstream_connection(
    gateway: Gateway, upstream: Upstream
) -> None:
    """The rest of the body reaches nobody: the upstream connection is not used again, the client's is."""
    client = await begin(gateway, b"Content-Length: 40")
    client.send(b"the first")
    peer = await upstream.accept()
    await peer.head()
    await peer.exactly(9)
    peer.send(ok(b"enough"))
    assert (await client.answer()).body == b"enough"
    assert await peer.rest() == b""
    client.send(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", gateway.request("GET", "/items/2"))
    second = await upstream.accept()
    assert (await second.head()).startswith(b"GET /items/2 ")
    second.send(ok(b"second"))
    assert (await client.answer()).body == b"second"
    await gateway.at_rest()
    assert gateway.reasons == ["ok", "ok"]


async def test_an_answer_that_streams_while_the_body_does(gateway: Gateway, upstream: Upstream) -> None:
    """Both directions run at once; with both at their end both connections are good."""
    client = await begin(gateway, b"Transfer-Encoding: chunked")
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"one", end=b""))
    await client.until(b"3\r\none\r\n")
    client.send(chunked(b"more"))
    assert await peer.until(b"0\r\n\r\n") == b"4\r\nmore\r\n0\r\n\r\n"
    peer.send(chunked(b"two"))
    await client.until(b"3\r\ntwo\r\n0\r\n\r\n")
    client.send(gateway.request())
    assert (await peer.head()).startswith(b"GET ")
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def test_a_body_that_breaks_during_its_answer_cuts_it(gateway: Gateway, upstream: Upstream) -> None:
    """A status that was sent cannot be taken back: the answer ends before its end, and so does the request."""
    client = await begin(gateway, b"Transfer-Encoding: chunked")
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(b"one", end=b""))
    await client.until(b"3\r\none\r\n")
    client.send(b"nonsense\r\n")
    assert await client.rest() == b""
    await peer.rest()
    await gateway.at_rest()
    assert gateway.recorded() == [("POST /items", 499, "framing_ambiguous")]
    await gateway.until(lambda: not gateway.worker.connections)


async def test_a_cut_client_that_does_not_read_is_still_counted_and_ended(
    store: SqlStore, upstream: Upstream
) -> None:
    """It cannot hold its connection open for ever by leaving the answer in the buffers."""
    async with serving(store, orders(upstream.url), bounds=Bounds(idle_timeout=0.6)) as gateway:
        client = await begin(gateway, b"Transfer-Encoding: chunked")
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        peer = await upstream.accept()
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n")
        for _ in range(16):
            peer.send(MIB)
        await gateway.until(lambda: any(c.paused for c in gateway.worker.connections))
        client.send(b"nonsense\r\n")
        await gateway.until(lambda: gateway.reasons == ["framing_ambiguous"])
        assert len(gateway.worker.connections) == 1
        await gateway.until(lambda: not gateway.worker.connections)
        await gateway.at_rest()


async def test_a_slow_upstream_holds_the_client_back(gateway: Gateway, upstream: Upstream) -> None:
    """An upload waits in the client, not in the gateway; it goes on when the upstream reads on."""
    size = 9 << 20
    client = await begin(gateway, b"Content-Length: %d" % size)
    peer = await upstream.accept()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    sending = asyncio.create_task(_send_all(client, size))
    await gateway.until(lambda: any(c.reading_paused for c in gateway.worker.connections))
    (connection,) = gateway.worker.connections
    assert connection.upstream is not None
    held = connection.upstream.transport.get_write_buffer_size()
    await asyncio.sleep(0.1)
    assert connection.upstream.transport.get_write_buffer_size() == held < 2 << 20
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    await peer.head()
    await peer.exactly(size)
    await sending
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def _send_all(client: Wire, size: int) -> None:
    for _ in range(size >> 20):
        client.send(MIB)
        await client.writer.drain()


async def test_a_body_that_waited_for_its_connection_does_not_flood_it(
    gateway: Gateway, upstream: Upstream
) -> None:
    """When what was held back already fills the upstream's buffer, the client is not read on."""
    pool = gateway.worker.pools()[0]
    gateway.hold = True
    client = await begin(gateway, b"Content-Length: 9000000")
    await gateway.until(lambda: gateway.held)
    client.send(MIB * 8)
    await gateway.until(lambda: any(c.reading_paused for c in gateway.worker.connections))
    pool._write_buffer = 1000
    gateway.let_go()
    peer = await upstream.accept()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (connection,) = gateway.worker.connections
    await gateway.until(lambda: connection.upstream is not None)
    await gateway.until(lambda: connection.upstream.transport.get_write_buffer_size() > 1000)  # type: ignore[union-attr]
    await asyncio.sleep(0.2)
    assert connection.upstream is not None
    assert connection.reading_paused
    assert connection.upstream.transport.get_write_buffer_size() < 2 << 20


async def test_an_upstream_that_stops_reading_is_given_up(store: SqlStore, upstream: Upstream) -> None:
    """An upload that nobody takes ends in time."""
    api = orders(upstream.url, upstream_timeouts=Timeouts(response=0.3, idle=0.3))
    async with serving(store, api) as gateway:
        client = await begin(gateway, b"Content-Length: 9437184")
        peer = await upstream.accept()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(MIB * 9)
        answer = await client.answer()
        assert (answer.status, answer.reason) == (504, "upstream_timeout")
        await gateway.at_rest()


async def test_a_slow_client_holds_the_upstream_back(gateway: Gateway, upstream: Upstream) -> None:
    """A download waits in the upstream, not in the gateway, and arrives whole."""
    size = 20 << 20
    client = await gateway.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(gateway.request(), gateway.request("GET", "/items/2"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    sending = asyncio.create_task(_send_all(peer, size))
    await gateway.until(lambda: any(c.paused for c in gateway.worker.connections))
    (connection,) = gateway.worker.connections
    assert connection.upstream is not None
    assert connection.upstream.reading_paused
    assert connection.transport.get_write_buffer_size() < 2 << 20
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    answer = await client.answer()
    assert len(answer.body) == size
    await sending
    assert (await peer.head()).startswith(b"GET /items/2 ")
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def test_reading_goes_on_after_a_slow_upload_and_a_slow_download(
    gateway: Gateway, upstream: Upstream
) -> None:
    """A client that was held back both ways at the end of a request is read again for the next one."""
    client = await begin(gateway, b"Content-Length: 3")
    client.send(b"abc")
    connection = await gateway.clogged(client)
    peer = await upstream.accept()
    await peer.head()
    await peer.exactly(3)
    connection.pause_sending()  # the last of the body filled the upstream's buffer, and its answer comes before room
    peer.send(ok(MIB[:240_000]))
    await gateway.until(lambda: connection.state == WAIT)
    assert (connection.paused, connection.reading_paused, connection.buffer) == (True, True, b"")
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len((await client.answer()).body) == 240_000
    client.send(gateway.request())
    assert (await peer.head()).startswith(b"GET ")
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()
