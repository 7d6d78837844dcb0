"""A worker's own doings: limits that wait, policies of third parties, bounds on connections, swaps, the drain."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.domain.api import PolicyUse
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.rejection import Rejection
from wardgate.domain.settings import Bounds
from wardgate.policy.exchange import Exchange, Step
from wardgate.policy.registry import CompileContext
from wardgate.storage.database import SqlStore

# -- limits


async def test_the_last_slot_is_free_again_after_an_answer(gateway: Gateway, upstream: Upstream) -> None:
    """Two requests fill a plan of two at once; a third is refused until one of them was answered."""
    first, second = await gateway.connect(), await gateway.connect()
    first.send(gateway.request())
    second.send(gateway.request())
    peers = [await upstream.accept(), await upstream.accept()]
    for peer in peers:
        await peer.head()
    answer = await gateway.call()
    assert (answer.status, answer.reason) == (429, "concurrency_exceeded")
    assert answer.value("retry-after") is not None
    assert gateway.slots == 2
    peers[0].send(ok())
    peers[1].send(ok())
    assert (await first.answer()).status == (await second.answer()).status == 200
    await gateway.at_rest()
    first.send(gateway.request())
    second.send(gateway.request())
    for peer in peers:
        await peer.head()
        peer.send(ok())
    assert (await first.answer()).status == (await second.answer()).status == 200
    await gateway.at_rest()


async def test_a_client_that_leaves_while_the_limits_are_asked_holds_nothing(gateway: Gateway) -> None:
    """Its wait is cancelled; the permit that comes late is nobody's."""
    gateway.hold = True
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: gateway.held)
    client.reset()
    await gateway.until(lambda: gateway.reasons == ["client_closed"])
    gateway.let_go()
    await gateway.at_rest()


async def test_a_client_that_leaves_just_as_it_is_admitted_holds_nothing(gateway: Gateway) -> None:
    """Admitted and gone within one turn of the loop: the permit is given back."""
    gateway.hold = True
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: gateway.held)
    (connection,) = gateway.worker.connections
    gateway.let_go()
    assert gateway.slots == 1
    connection.connection_lost(None)
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]
    connection.transport.abort()


async def test_a_request_that_breaks_in_the_packet_that_began_it_holds_nothing(gateway: Gateway) -> None:
    """Its body is refused before the wait for the limits has had its first turn; nothing is left waiting."""
    gateway.hold = True
    client = await gateway.connect()
    client.send(gateway.request("POST", "/items", b"Transfer-Encoding: chunked"), b"broken\r\n")
    answer = await client.answer()
    assert (answer.status, answer.reason) == (400, "framing_ambiguous")
    await gateway.until(lambda: gateway.held)
    gateway.let_go()
    await gateway.at_rest()
    assert gateway.reasons == ["framing_ambiguous"]


async def test_a_spike_limit_makes_a_request_wait(store: SqlStore, upstream: Upstream) -> None:
    """A request that comes too early waits for its slot on a connection that stays in order."""
    plan = Plan(name="free", limits=(Limit(kind="spike", amount=10, per="second", queue=1.0),))
    async with serving(store, orders(upstream.url), plans=[plan]) as gateway:
        client = await gateway.connect()
        began = time.monotonic()
        client.send(gateway.request("GET", "/items/1"), gateway.request("GET", "/items/2"))
        peer = await upstream.accept()
        for number in (b"1", b"2"):
            assert (await peer.head()).startswith(b"GET /items/" + number)
            peer.send(ok(number))
            assert (await client.answer()).body == number
        assert time.monotonic() - began >= 0.09
        await gateway.at_rest()


# -- policies of third parties


class Waiting:
    """Lets the test decide; ``verdict`` is what a step returns."""

    name = "test.waiting"

    def __init__(self, phase: str = "inspect") -> None:
        self.phase = phase
        self.calls = 0
        self.verdict: Callable[[], Any] = lambda: None
        self.asked: Callable[[Exchange], None] = lambda _: None

    def validate(self, config: Mapping[str, Any]) -> None:
        """Takes anything."""

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """A step that asks the test."""

        def waiting(exchange: Exchange) -> Rejection | Awaitable[Rejection | None] | None:
            self.calls += 1
            self.asked(exchange)
            return self.verdict()  # type: ignore[no-any-return]

        return waiting


@pytest.fixture
async def guarded(gateway: Gateway, upstream: Upstream) -> AsyncIterator[tuple[Gateway, Waiting]]:
    """A gateway whose API has a policy that the test plays, behind the limits."""
    policy = Waiting()
    gateway.worker._registry.add(policy)
    await gateway.apply(orders(upstream.url, policies=(PolicyUse(name=policy.name),)))
    yield gateway, policy


async def test_a_step_that_waits_and_refuses(guarded: tuple[Gateway, Waiting]) -> None:
    """Its refusal is the answer, and the permit taken before it is given back."""
    gateway, policy = guarded
    future = asyncio.get_running_loop().create_future()
    policy.verdict = lambda: future
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: policy.calls)
    assert gateway.slots == 1
    future.set_result(Rejection.of("key_resource_refused"))
    assert (await client.answer()).reason == "key_resource_refused"
    await gateway.at_rest()
    assert gateway.reasons == ["key_resource_refused"]


async def test_a_body_that_waited_for_a_refusing_step_is_gone(
    guarded: tuple[Gateway, Waiting], upstream: Upstream
) -> None:
    """A whole body kept while a step decided is not sent with the next request."""
    gateway, policy = guarded
    future = asyncio.get_running_loop().create_future()
    policy.verdict = lambda: future
    client = await gateway.connect()
    client.send(gateway.request("POST", "/items", body=b"first!"))
    await gateway.until(lambda: policy.calls)
    future.set_result(Rejection.of("key_resource_refused"))
    assert (await client.answer()).reason == "key_resource_refused"
    policy.verdict = lambda: None
    client.send(gateway.request("POST", "/items", body=b"second"))
    peer = await upstream.accept()
    await peer.head()
    assert await peer.exactly(6) == b"second"
    assert await peer.silent()
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def test_a_client_that_leaves_a_waiting_step(guarded: tuple[Gateway, Waiting]) -> None:
    """The step is cancelled; the permit taken before it is given back once, not twice."""
    gateway, policy = guarded
    future = asyncio.get_running_loop().create_future()
    policy.verdict = lambda: future
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: policy.calls)
    client.reset()
    await gateway.until(lambda: gateway.reasons == ["client_closed"])
    await gateway.until(future.cancelled)
    await gateway.at_rest()


async def test_a_client_that_leaves_just_as_its_step_lets_it_pass(guarded: tuple[Gateway, Waiting]) -> None:
    """Nothing is forwarded for nobody, and nothing is released twice."""
    gateway, policy = guarded
    future = asyncio.get_running_loop().create_future()
    policy.verdict = lambda: future
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: policy.calls)
    (connection,) = gateway.worker.connections
    future.set_result(None)
    connection.connection_lost(None)
    await asyncio.sleep(0.05)
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]
    connection.transport.abort()


@pytest.mark.parametrize("way", ["raises", "waits and raises", "nonsense", "waits for nonsense"])
async def test_a_step_that_fails_shuts(
    guarded: tuple[Gateway, Waiting], way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a policy does wrong, the client hears 500, nothing is forwarded, and the operator can read why."""
    gateway, policy = guarded

    async def wrong() -> Any:
        await asyncio.sleep(0)
        if way == "waits for nonsense":
            return True
        raise KeyError("oops")

    def verdict() -> Any:
        if way == "raises":
            raise KeyError("oops")
        return True if way == "nonsense" else wrong()

    policy.verdict = verdict
    with caplog.at_level(logging.ERROR):
        answer = await gateway.call()
    assert (answer.status, answer.reason) == (500, "gateway_error")
    assert "a request failed inside the gateway" in caplog.text
    await gateway.at_rest()
    assert gateway.reasons == ["gateway_error"]


async def test_a_step_reads_the_path_parameters(guarded: tuple[Gateway, Waiting], upstream: Upstream) -> None:
    """By their names in the template, decoded; none where the path has none."""
    gateway, policy = guarded
    seen: list[dict[str, str]] = []
    policy.asked = lambda exchange: seen.append(dict(exchange.parameters))
    client = await gateway.connect()
    peer: Wire | None = None
    for path in ("/items/a%20b", "/items", "/items/7", "/items/7"):
        client.send(gateway.request("GET", path))
        peer = peer or await upstream.accept()
        await peer.head()
        peer.send(ok())
        await client.answer()
    assert seen == [{"id": "a b"}, {}, {"id": "7"}, {"id": "7"}]


async def test_a_policy_that_cannot_even_compile_leaves_the_api_as_it_was(
    gateway: Gateway, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a third party's code raises, the feed goes on."""

    class Broken(Waiting):
        name = "test.broken"

        def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
            raise KeyError("a setting")

    gateway.worker._registry.add(Broken())
    before = gateway.worker.snapshot.mounted["orders/v1"]
    with caplog.at_level(logging.ERROR):
        await gateway.apply(orders(upstream.url, policies=(PolicyUse(name="test.broken"),)))
    assert gateway.worker.snapshot.mounted["orders/v1"] is before
    assert "orders/v1 cannot be served as deployed" in caplog.text


# -- swaps


async def test_a_request_in_flight_ends_under_the_snapshot_it_began_with(
    gateway: Gateway, upstream: Upstream
) -> None:
    """Another upstream takes the next request of the connection; the old pool closes when it is done."""
    async with Upstream().listening() as other:
        client = await gateway.connect()
        client.send(gateway.request("GET", "/items/1"), gateway.request("GET", "/items/2"))
        peer = await upstream.accept()
        await peer.head()
        old = gateway.worker.pools()[0]
        await gateway.apply(orders(other.url))
        assert gateway.worker.pools()[-1] is old
        peer.send(ok(b"old"))
        assert (await client.answer()).body == b"old"
        assert await peer.rest() == b""
        new = await other.accept()
        assert (await new.head()).startswith(b"GET /items/2 ")
        new.send(ok(b"new"))
        assert (await client.answer()).body == b"new"
        await gateway.at_rest()
        await gateway.until(lambda: old not in gateway.worker.pools())


async def test_a_connection_opened_for_a_retired_upstream_is_used_once(
    gateway: Gateway, upstream: Upstream
) -> None:
    """A request that was connecting at the time of the swap is still answered by its own upstream."""
    async with Upstream().listening() as other:
        client = await gateway.connect()
        client.send(gateway.request())
        pool = gateway.worker.pools()[0]
        await gateway.until(lambda: pool._opening or upstream.wires)
        await gateway.apply(orders(other.url))
        peer = await upstream.accept()
        await peer.head()
        peer.send(ok(b"old"))
        assert (await client.answer()).body == b"old"
        assert await peer.rest() == b""
        await gateway.at_rest()


# -- connections


async def test_one_address_gets_so_many_connections(store: SqlStore, upstream: Upstream) -> None:
    """One more is told so and closed; when one of the others ends there is room again."""
    bounds = Bounds(max_connections_per_address=2)
    async with serving(store, orders(upstream.url), bounds=bounds) as gateway:
        held = [await gateway.connect(), await gateway.connect()]
        await gateway.until(lambda: len(gateway.worker.connections) == 2)
        third = await gateway.connect()
        answer = await third.answer()
        assert (answer.status, answer.reason) == (503, "connections_exceeded")
        assert await third.rest() == b""
        third.close()
        held[0].close()
        await gateway.until(lambda: len(gateway.worker.connections) == 1)
        assert (await gateway.call("GET", "/none")).status == 404
        assert gateway.worker._per_address == {"127.0.0.1": len(gateway.worker.connections)}
        assert gateway.reasons == ["connections_exceeded", "resource_not_found"]


async def test_a_drain_lets_requests_end_and_closes_the_rest(gateway: Gateway, upstream: Upstream) -> None:
    """Idle connections close, an answer in progress says that it is the last, and all is recorded."""
    idle, busy = await gateway.connect(), await gateway.connect()
    busy.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    draining = asyncio.create_task(gateway.worker.drain(5.0))
    assert await idle.rest() == b""
    peer.send(ok(b"last"))
    answer = await busy.answer()
    assert (answer.body, answer.value("connection")) == (b"last", "close")
    busy.close()
    await asyncio.wait_for(draining, 4)
    assert gateway.worker.connections == set()
    assert gateway.reasons == ["ok"]
    assert await peer.rest() == b""


async def test_a_drain_out_of_patience_records_what_it_cuts(gateway: Gateway, upstream: Upstream) -> None:
    """When the grace is over what is left is cut, and counted before the drain returns."""
    client = await gateway.connect()
    client.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    await gateway.worker.drain(0.05)
    assert gateway.reasons == ["client_closed"]
    assert gateway.worker.connections == set()
    assert (gateway.in_flight, gateway.slots) == (0, 0)
