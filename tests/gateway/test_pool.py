"""The upstream pool: bounded, fair, and exact about what is in flight where."""

from __future__ import annotations

import asyncio
import resource
import socket

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.domain.limit import Plan
from wardgate.domain.settings import Bounds
from wardgate.domain.upstream import CircuitBreaker, Timeouts
from wardgate.gateway import pool as pools
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.upstream import UpstreamConnection
from wardgate.storage.database import SqlStore

UNLIMITED = Plan(name="free")


def pool_of(gateway: Gateway) -> UpstreamPool:
    """The API's pool."""
    return gateway.worker.snapshot.mounted["orders/v1"].pool


async def dead_url() -> str:
    """A target nobody listens at."""
    async with Upstream().listening() as dead:
        return dead.url


async def begin(gateway: Gateway, path: str = "/items") -> Wire:
    """A client that has asked."""
    client = await gateway.connect()
    client.send(gateway.request("GET", path))
    return client


async def test_past_the_bound_requests_wait_in_order(store: SqlStore, upstream: Upstream) -> None:
    """One connection serves them one after the other, and is never opened twice."""
    api = orders(upstream.url, upstream_max_connections=1)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        clients = []
        for number in range(4):
            clients.append(await begin(gateway, f"/items/{number}"))
            await asyncio.sleep(0.02)
        peer = await upstream.accept()
        for number, client in enumerate(clients):
            assert (await peer.head()).startswith(b"GET /items/%d " % number)
            assert gateway.in_flight == 1
            peer.send(ok(b"%d" % number))
            assert (await client.answer()).body == b"%d" % number
        assert len(upstream.wires) == 1
        await gateway.at_rest()


async def test_who_leaves_the_queue_is_not_served(store: SqlStore, upstream: Upstream) -> None:
    """A client that waited and left frees its place; the next one gets the connection."""
    api = orders(upstream.url, upstream_max_connections=1)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        first = await begin(gateway, "/items/1")
        peer = await upstream.accept()
        await peer.head()
        leaving, staying = await begin(gateway, "/items/2"), await begin(gateway, "/items/3")
        await gateway.until(lambda: len(pool_of(gateway)._waiting) == 2)
        leaving.reset()
        await gateway.until(lambda: len(pool_of(gateway)._waiting) == 1)
        peer.send(ok())
        assert (await first.answer()).status == 200
        assert (await peer.head()).startswith(b"GET /items/3 ")
        peer.send(ok())
        assert (await staying.answer()).status == 200
        await gateway.at_rest()
        assert gateway.reasons == ["client_closed", "ok", "ok"]


async def test_a_lost_connection_makes_room_for_who_waits(store: SqlStore, upstream: Upstream) -> None:
    """When the connection in use breaks, another is opened for the one who waits."""
    api = orders(upstream.url, upstream_max_connections=1, upstream_retries=0)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        first = await begin(gateway, "/items/1")
        peer = await upstream.accept()
        await peer.head()
        second = await begin(gateway, "/items/2")
        await gateway.until(lambda: pool_of(gateway)._waiting)
        peer.close()
        assert (await first.answer()).reason == "upstream_closed"
        other = await upstream.accept()
        assert (await other.head()).startswith(b"GET /items/2 ")
        other.send(ok())
        assert (await second.answer()).status == 200
        await gateway.at_rest()


async def test_waiting_ends_in_time(store: SqlStore, upstream: Upstream) -> None:
    """Who waits for a connection for too long hears 503, leaves the queue, and may ask again."""
    api = orders(upstream.url, upstream_max_connections=1)
    async with serving(store, api, plans=[UNLIMITED], bounds=Bounds(body_timeout=0.2)) as gateway:
        await begin(gateway, "/items/1")
        peer = await upstream.accept()
        await peer.head()
        second = await begin(gateway, "/items/2")
        answer = await second.answer()
        assert (answer.status, answer.reason) == (503, "upstream_unavailable")
        assert not pool_of(gateway)._waiting
        second.send(gateway.request("GET", "/items/3"))
        await gateway.until(lambda: pool_of(gateway)._waiting)
        peer.send(ok())
        assert (await peer.head()).startswith(b"GET /items/3 ")
        peer.send(ok(b"third"))
        assert (await second.answer()).body == b"third"
        await gateway.at_rest()


async def test_connections_idle_at_one_target_make_room_for_another(
    store: SqlStore, upstream: Upstream
) -> None:
    """A pool full of idle connections to one target still opens one to the target chosen."""
    async with Upstream().listening() as other:
        api = orders(upstream.url, other.url, upstream_max_connections=2)
        async with serving(store, api, plans=[UNLIMITED]) as gateway:
            pool = pool_of(gateway)
            first, second = pool.targets
            second.state.out = True
            clients = [await begin(gateway), await begin(gateway)]
            for _ in clients:
                peer = await upstream.accept()
                await peer.head()
                peer.send(ok())
            for client in clients:
                assert (await client.answer()).status == 200
            assert len(first.idle) == 2
            second.state.out, first.state.out = False, True
            clients[0].send(gateway.request())
            peer = await other.accept()
            await peer.head()
            peer.send(ok(b"other"))
            assert (await clients[0].answer()).body == b"other"
            assert len(pool.connections) == 2
            await gateway.at_rest()


async def test_a_request_goes_to_another_target_when_one_cannot_be_reached(
    store: SqlStore, upstream: Upstream
) -> None:
    """Nothing was sent yet, so even a POST is tried elsewhere, with its body once."""
    url = await dead_url()
    async with serving(store, orders(url, upstream.url), plans=[UNLIMITED]) as gateway:
        pool = pool_of(gateway)
        pool.targets[1].state.in_flight += 1  # so that the dead one is preferred
        client = await gateway.connect()
        client.send(gateway.request("POST", "/items", body=b"once"))
        peer = await upstream.accept()
        await peer.head()
        assert await peer.exactly(4) == b"once"
        assert await peer.silent()
        peer.send(ok())
        assert (await client.answer()).status == 200
        pool.targets[1].state.in_flight -= 1
        await gateway.at_rest()
        assert pool.targets[0].state.failures == 1


async def test_without_any_target_the_client_hears_so(store: SqlStore) -> None:
    """502 after the attempts, 503 once the circuit is open; nothing stays counted."""
    breaker = CircuitBreaker(failures=2, open_seconds=60.0)
    api = orders(await dead_url(), upstream_breaker=breaker, upstream_retries=1)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        first = await gateway.call()
        assert (first.status, first.reason) == (502, "upstream_connect_failed")
        second = await gateway.call()
        assert (second.status, second.reason, second.value("retry-after")) == (
            503,
            "upstream_unavailable",
            "1",
        )
        await gateway.at_rest()


async def test_a_name_that_is_none_cannot_be_reached(store: SqlStore) -> None:
    """A host that cannot even be encoded is a failed connection, not a request without end."""
    api = orders(f"http://{'a' * 70}.test:80", upstream_retries=0)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        answer = await gateway.call()
        assert (answer.status, answer.reason) == (502, "upstream_connect_failed")
        await gateway.at_rest()


async def test_a_circuit_closes_after_an_answer_that_ends_with_its_connection(
    store: SqlStore, upstream: Upstream
) -> None:
    """An upstream that answers without lengths recovers like any other."""
    breaker = CircuitBreaker(failures=1, open_seconds=0.05)
    api = orders(upstream.url, upstream_breaker=breaker, upstream_retries=0)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        client = await begin(gateway)
        peer = await upstream.accept()
        await peer.head()
        peer.close()
        assert (await client.answer()).reason == "upstream_closed"
        state = pool_of(gateway).targets[0].state
        assert state.out
        await asyncio.sleep(0.06)
        client.send(gateway.request())
        peer = await upstream.accept()
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        peer.close()
        assert (await client.answer()).body == b"whole"
        assert (state.out, state.failures) == (False, 0)
        await gateway.at_rest()


async def test_an_upstream_that_closes_as_soon_as_it_accepts(store: SqlStore) -> None:
    """Connections that end before or just after they were handed over leave nothing behind."""

    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, serving(store, orders(url), plans=[UNLIMITED]) as gateway:
        answers = await asyncio.gather(*(gateway.call() for _ in range(10)))
        assert {answer.status for answer in answers} <= {502, 503}
        await gateway.at_rest()
        assert len(gateway.reasons) == 10


async def test_a_connection_that_ended_while_it_was_opened_is_not_used(
    gateway: Gateway, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is closed by the time it could be handed over counts as not reached; the request goes elsewhere."""
    pool = pool_of(gateway)
    slammed = 0

    class Once(UpstreamConnection):
        """Receives bytes nobody asked for before its opener hears of it."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            nonlocal slammed
            super().connection_made(transport)
            if not slammed:
                slammed += 1
                self.data_received(b"220 who are you\r\n")

    monkeypatch.setattr(pools, "UpstreamConnection", Once)
    client = await begin(gateway)
    await upstream.accept()
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b"second try"))
    assert (await client.answer()).body == b"second try"
    assert slammed == 1
    assert pool.targets[0].state.failures == 0
    await gateway.at_rest()


async def test_a_connection_that_takes_too_long_to_open(store: SqlStore) -> None:
    """Past its time the attempt is a failure."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    url = f"http://127.0.0.1:{full.getsockname()[1]}"
    waiting = []
    for _ in range(4):  # fills the backlog, so that further ones hang
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(full.getsockname())
        waiting.append(each)
    api = orders(url, upstream_timeouts=Timeouts(connect=0.2), upstream_retries=0)
    async with serving(store, api, plans=[UNLIMITED]) as gateway:
        answer = await gateway.call()
        assert (answer.status, answer.reason) == (502, "upstream_connect_failed")
        await gateway.at_rest()
    for each in [full, *waiting]:
        each.close()


async def test_idle_connections_close_after_a_while(
    gateway: Gateway, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool does not keep what nobody uses."""
    client = await begin(gateway)
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok())
    assert (await client.answer()).status == 200
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)
    assert await peer.rest() == b""
    assert pool_of(gateway).connections == set()


async def test_an_early_answer_to_an_upload_that_nobody_reads_leaves_no_connection(
    gateway: Gateway, upstream: Upstream
) -> None:
    """A peer that answers without reading the rest cannot keep the gateway's socket open."""
    client = await gateway.connect()
    client.send(gateway.request("POST", "/items", b"Content-Length: 9437184"))
    peer = await upstream.accept()
    await peer.head()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(b"\0" * 8_000_000)
    await gateway.until(lambda: any(c.reading_paused for c in gateway.worker.connections))
    (connection,) = gateway.worker.connections
    assert connection.upstream is not None
    transport = connection.upstream.transport
    peer.send(ok(b"no, thanks"))
    assert (await client.answer()).body == b"no, thanks"
    await gateway.until(transport.is_closing)
    assert transport.get_write_buffer_size() == 0
    await gateway.at_rest()


async def test_no_target_is_blamed_for_files_that_are_used_up(
    store: SqlStore, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """503 and one line in the log while this process can open nothing; the circuit stays closed, and then all is well."""
    api = orders(upstream.url, upstream_breaker=CircuitBreaker(failures=1, open_seconds=60))
    async with serving(store, api) as gateway:
        client = await gateway.connect()
        client.send(gateway.request("GET", "/none"))
        await client.answer()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
        try:
            for _ in range(3):
                client.send(gateway.request())
                answer = await client.answer()
                assert (answer.status, answer.reason) == (503, "upstream_unavailable")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        (told,) = [record.message for record in caplog.records]
        assert told.startswith(
            f"no connection to {upstream.url} can be opened: [Errno 24] Too many open files. "
        )
        assert "ulimit -n" in told
        client.send(gateway.request())
        peer = await upstream.accept()
        await peer.head()
        peer.send(ok(b"again"))
        assert (await client.answer()).body == b"again"
        await gateway.at_rest()
