"""What an upstream may do wrong, and what its client, the next client and the log then see. And tunnels."""

from __future__ import annotations

import asyncio
import os

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.domain.settings import Bounds
from wardgate.domain.upstream import Timeouts
from wardgate.gateway.upstream import CLOSED
from wardgate.storage.database import SqlStore

UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def asked(gateway: Gateway, upstream: Upstream, request: bytes = b"") -> tuple[Wire, Wire]:
    """A client that asked, and the upstream that got its head."""
    client = await gateway.connect()
    client.send(request or gateway.request())
    peer = await upstream.accept()
    await peer.head()
    return client, peer


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (70 * 1024),
        # Nothing that could follow makes a head of these: they are told of at once, not after the time-out.
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"<html>an answer of HTTP/0.9</html>",
        b"h",
    ],
    ids=lambda sent: sent[:60].decode("latin-1"),
)
async def test_an_answer_that_can_be_read_in_two_ways_is_none(
    gateway: Gateway, upstream: Upstream, sent: bytes
) -> None:
    """502, the upstream connection is closed, and the target is blamed."""
    client, peer = await asked(gateway, upstream)
    peer.send(sent)
    answer = await client.answer()
    assert (answer.status, answer.reason) == (502, "upstream_malformed")
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.worker.pools()[0].targets[0].state.failures == 1
    assert gateway.reasons == ["upstream_malformed"]


async def test_bytes_after_an_answer_reach_nobody(gateway: Gateway, upstream: Upstream) -> None:
    """What an upstream sends unasked closes its connection; it is not the answer to the next request."""
    client, peer = await asked(gateway, upstream)
    peer.send(ok(b"first"))
    assert (await client.answer()).body == b"first"
    peer.send(ok(b"unasked"))
    assert await peer.rest() == b""
    client.send(gateway.request("GET", "/items/2"))
    second = await upstream.accept()
    await second.head()
    second.send(ok(b"second"))
    assert (await client.answer()).body == b"second"
    await gateway.at_rest()


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_more_than_announced_is_cut_off(gateway: Gateway, upstream: Upstream, framing: str) -> None:
    """The client gets what was announced; the rest is dropped together with the connection."""
    client, peer = await asked(gateway, upstream)
    if framing == "length":
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        await client.until(b"abc")
        peer.send(b"defHTTP/1.1 200 OK\r\n\r\n")
        assert await client.exactly(3) == b"def"
    else:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.head()
        peer.send(b"3\r\nabc\r\n0\r\n\r\n", ok(b"unasked"))
        assert await client.until(b"0\r\n\r\n") == b"3\r\nabc\r\n0\r\n\r\n"
    assert await peer.rest() == b""
    await client.silent()
    await gateway.at_rest()
    assert gateway.reasons == ["ok"]


@pytest.mark.parametrize("packets", [1, 2])
@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
)
async def test_a_body_where_none_may_be_is_cut_off_however_it_is_packed(
    gateway: Gateway, upstream: Upstream, method: str, head: bytes, packets: int
) -> None:
    """The answer is the same in one packet and in two, and what came too much answers no other request."""
    client, peer = await asked(gateway, upstream, gateway.request(method))
    if packets == 1:
        peer.send(head + ok(b"unasked"))
        answer = await client.answer(method)
    else:
        peer.send(head)
        answer = await client.answer(method)
        peer.send(ok(b"unasked"))
    assert answer.status == int(head.split()[1])
    assert await peer.rest() == b""
    client.send(gateway.request())
    second = await upstream.accept()
    await second.head()
    second.send(ok(b"own"))
    assert (await client.answer()).body == b"own"
    await gateway.at_rest()
    assert gateway.reasons == ["ok", "ok"]


@pytest.mark.parametrize(("sent", "status"), [(15, 413), (12, 502)])
async def test_an_answer_that_came_before_the_break_is_not_lost(
    gateway: Gateway, upstream: Upstream, sent: int, status: int
) -> None:
    """An upstream that refuses a long body and closes is written to before its answer is read; half of one is none."""
    client, peer = await asked(gateway, upstream, gateway.request("POST", "/items", b"Content-Length: 9"))
    (connection,) = gateway.worker.pools()[0].connections
    refusal = ok(b"too much", b"Connection: close", status=b"413 Content Too Large")
    os.write(peer.writer.get_extra_info("socket").fileno(), refusal[: len(refusal) * sent // 15])
    connection.connection_lost(BrokenPipeError())
    answer = await client.answer()
    assert (answer.status, connection.state) == (status, CLOSED)
    client.close()
    await gateway.until(lambda: not gateway.worker.connections)


async def test_a_head_is_bounded_however_it_is_packed(gateway: Gateway, upstream: Upstream) -> None:
    """One that is too long is none, also when all of it comes at once."""
    client, peer = await asked(gateway, upstream)
    peer.send(ok(b"x", b"X: " + b"a" * 70_000))
    answer = await client.answer()
    assert (answer.status, answer.reason) == (502, "upstream_malformed")
    await gateway.at_rest()


async def test_a_head_may_come_byte_by_byte(gateway: Gateway, upstream: Upstream) -> None:
    """Nothing of it is taken for what it is not before its end is there."""
    client, peer = await asked(gateway, upstream)
    for byte in b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok":
        peer.send(bytes((byte,)))
        await asyncio.sleep(0.001)
    answer = await client.answer()
    assert (answer.status, answer.value("x"), answer.body) == (200, "y", b"ok")
    await gateway.at_rest()


async def test_interim_answers_pass_and_the_final_one_counts(gateway: Gateway, upstream: Upstream) -> None:
    """103 reaches an HTTP/1.1 client, 100 is the gateway's own business; a flood of them does not nest."""
    client, peer = await asked(gateway, upstream)
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 3000)
    peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", ok(b"x"))
    interim = await client.answer()
    assert (interim.status, interim.value("link")) == (103, "</a>")
    assert (await client.answer()).body == b"x"
    await gateway.at_rest()


async def test_a_flood_of_interim_answers_is_no_answer(gateway: Gateway, upstream: Upstream) -> None:
    """Past ten thousand it is 502: the loop would read on for as long as they come, and nobody else had a turn."""
    client, peer = await asked(gateway, upstream)
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_001)
    answer = await client.answer()
    assert (answer.status, answer.reason) == (502, "upstream_malformed")
    await gateway.at_rest()


async def test_a_connection_of_many_interim_answers_is_used_once(
    gateway: Gateway, upstream: Upstream
) -> None:
    """They are counted over a connection's life, so it ends before they add up."""
    client, peer = await asked(gateway, upstream)
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1001, ok(b"x"))
    assert (await client.answer()).body == b"x"
    assert await peer.rest() == b""
    await gateway.at_rest()


async def test_a_late_body_of_an_empty_answer_reaches_nobody(gateway: Gateway, upstream: Upstream) -> None:
    """A 204 that announces a body ends its connection: the body may look like the answer to the next request."""
    client, peer = await asked(gateway, upstream)
    peer.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n")
    answer = await client.answer()
    assert (answer.status, answer.value("content-length")) == (204, None)
    client.send(gateway.request())
    second = await upstream.accept()
    await second.head()
    peer.send(ok(b"poison"))
    second.send(ok(b"own"))
    assert (await client.answer()).body == b"own"
    await gateway.at_rest()


async def test_an_old_client_gets_no_interim_answer(gateway: Gateway, upstream: Upstream) -> None:
    """HTTP/1.0 knows none."""
    client, peer = await asked(gateway, upstream, gateway.request(version=b"1.0"))
    peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n", ok(b"x"))
    assert (await client.answer()).status == 200


async def test_an_upstream_that_only_ever_answers_interim_is_given_up(
    store: SqlStore, upstream: Upstream
) -> None:
    """A trickle of 1xx is no progress."""
    api = orders(upstream.url, upstream_timeouts=Timeouts(response=0.3))
    async with serving(store, api) as gateway:
        client, peer = await asked(gateway, upstream)
        for _ in range(3):
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            assert (await client.answer()).status == 102
            await asyncio.sleep(0.05)
        answer = await client.answer()
        assert (answer.status, answer.reason) == (504, "upstream_timeout")
        await gateway.at_rest()


async def test_an_answer_that_stalls_is_cut(store: SqlStore, upstream: Upstream) -> None:
    """Between two bytes of an answer only so much time may pass."""
    api = orders(upstream.url, upstream_timeouts=Timeouts(idle=0.3))
    async with serving(store, api) as gateway:
        client, peer = await asked(gateway, upstream)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        assert (await client.rest()).endswith(b"abc")
        await gateway.at_rest()
        assert gateway.recorded() == [("GET /items", 200, "upstream_timeout")]


async def test_an_idempotent_request_is_tried_again(gateway: Gateway, upstream: Upstream) -> None:
    """A kept connection that closes under a GET costs the client nothing, and the target no blame."""
    client, peer = await asked(gateway, upstream)
    peer.send(ok())
    assert (await client.answer()).status == 200
    client.send(gateway.request("GET", "/items/2"))
    assert (await peer.head()).startswith(b"GET /items/2 ")
    peer.close()
    second = await upstream.accept()
    assert (await second.head()).startswith(b"GET /items/2 ")
    second.send(ok(b"again"))
    assert (await client.answer()).body == b"again"
    await gateway.at_rest()
    assert gateway.reasons == ["ok", "ok"]
    assert gateway.worker.pools()[0].targets[0].state.failures == 0


async def test_stale_connections_cost_no_retry_budget(store: SqlStore, upstream: Upstream) -> None:
    """However many kept connections an upstream has closed unseen, each request gets its answer on a new one."""
    api = orders(upstream.url, upstream_retries=1, upstream_retry_budget=0.0)
    async with serving(store, api) as gateway:
        pairs = [await asked(gateway, upstream) for _ in range(2)]
        for client, peer in pairs:
            peer.send(ok())
            assert (await client.answer()).status == 200
        for client, _ in pairs:
            client.send(gateway.request("GET", "/items/2"))
        for _, peer in pairs:
            assert (await peer.head()).startswith(b"GET /items/2 ")
            peer.close()
        for _ in pairs:
            fresh = await upstream.accept()
            assert (await fresh.head()).startswith(b"GET /items/2 ")
            fresh.send(ok(b"again"))
        for client, _ in pairs:
            assert (await client.answer()).body == b"again"
        await gateway.at_rest()


@pytest.mark.parametrize("request_line", [("POST", "/items"), ("PUT", "/items/1")])
async def test_a_request_that_may_have_had_effect_is_not_repeated(
    gateway: Gateway, upstream: Upstream, request_line: tuple[str, str]
) -> None:
    """Neither one that is not idempotent nor one whose body is gone."""
    client, peer = await asked(gateway, upstream, gateway.request(*request_line, body=b"x"))
    await peer.exactly(1)
    peer.close()
    answer = await client.answer()
    assert (answer.status, answer.reason) == (502, "upstream_closed")
    assert len(upstream.wires) == 1
    await gateway.at_rest()


async def test_a_request_is_not_repeated_after_part_of_an_answer(
    gateway: Gateway, upstream: Upstream
) -> None:
    """Half a head is no silence."""
    client, peer = await asked(gateway, upstream)
    peer.send(b"HTTP/1.1 200")
    await asyncio.sleep(0.05)
    peer.close()
    assert (await client.answer()).reason == "upstream_closed"
    assert len(upstream.wires) == 1
    await gateway.at_rest()


async def test_fields_between_two_hops_stay_between_them(gateway: Gateway, upstream: Upstream) -> None:
    """Connection, what it names, and the gateway's own names do not come from an upstream."""
    client, peer = await asked(gateway, upstream)
    peer.send(
        ok(
            b"x",
            b"Connection: close, X-Hop",
            b"X-Hop: 1",
            b"Keep-Alive: timeout=5",
            b"X-Wardgate-Request-Id: forged",
            b"RateLimit: forged",
            b"X-Stays: 1",
        )
    )
    answer = await client.answer()
    assert [answer.value(name) for name in ("x-hop", "keep-alive", "connection", "x-stays")] == [
        None,
        None,
        None,
        "1",
    ]
    assert "forged" not in answer.head.decode()
    assert await peer.rest() == b""
    await gateway.at_rest()


# -- tunnels


async def tunnel(gateway: Gateway, upstream: Upstream) -> tuple[Wire, Wire]:
    """Both ends of an upgraded connection."""
    client, peer = await asked(gateway, upstream, gateway.request("GET", "/socket", *UPGRADE))
    peer.send(SWITCHED)
    answer = await client.answer()
    assert (answer.status, answer.value("upgrade")) == (101, "websocket")
    return client, peer


async def test_a_tunnel_carries_both_ways_until_the_upstream_ends_it(
    gateway: Gateway, upstream: Upstream
) -> None:
    """It is recorded once, at its end, and holds its place in a concurrency limit until then."""
    client, peer = await tunnel(gateway, upstream)
    client.send(b"up")
    assert await peer.exactly(2) == b"up"
    peer.send(b"down")
    assert await client.exactly(4) == b"down"
    assert (gateway.slots, gateway.in_flight, gateway.recorded()) == (1, 1, [])
    peer.send(b"bye")
    peer.close()
    assert await client.rest() == b"bye"
    await gateway.at_rest()
    assert gateway.recorded() == [("GET /socket", 101, "ok")]


@pytest.mark.parametrize("way", ["close", "half_close", "reset"])
async def test_a_tunnel_ends_with_its_client(gateway: Gateway, upstream: Upstream, way: str) -> None:
    """However the client leaves, the upstream hears of it and everything is let go."""
    client, peer = await tunnel(gateway, upstream)
    getattr(client, way)()
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.recorded() == [("GET /socket", 101, "ok")]
    await gateway.until(lambda: not gateway.worker.connections)


async def test_bytes_sent_before_the_tunnel_stands_go_through_it(
    gateway: Gateway, upstream: Upstream
) -> None:
    """On both sides they may come in one packet with the head."""
    client, peer = await asked(
        gateway, upstream, gateway.request("GET", "/socket", *UPGRADE) + b"GET /none HTTP/1.1\r\n\r\n"
    )
    peer.send(SWITCHED, b"hello")
    await client.answer()
    assert await client.exactly(5) == b"hello"
    assert await peer.until(b"\r\n\r\n") == b"GET /none HTTP/1.1\r\n\r\n"


async def test_a_refused_upgrade_is_an_ordinary_answer(gateway: Gateway, upstream: Upstream) -> None:
    """The connection goes on in HTTP, on both sides."""
    client, peer = await asked(gateway, upstream, gateway.request("GET", "/socket", *UPGRADE))
    peer.send(ok(b"no", status=b"426 Upgrade Required"))
    assert (await client.answer()).status == 426
    client.send(gateway.request())
    assert b"pgrade" not in await peer.head()
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()


async def test_an_upgrade_is_refused_before_it_is_forwarded(gateway: Gateway, upstream: Upstream) -> None:
    """The handshake is authorized like any request."""
    answer = await gateway.call("GET", "/socket", *UPGRADE, key="")
    assert (answer.status, answer.reason) == (401, "credential_missing")
    assert upstream.wires == []


async def test_a_client_that_half_closes_before_its_tunnel_stands_is_gone(
    gateway: Gateway, upstream: Upstream
) -> None:
    """There is nothing left that it could say: the upstream is not kept waiting for it."""
    client, peer = await asked(gateway, upstream, gateway.request("GET", "/socket", *UPGRADE))
    client.half_close()
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]


async def test_a_tunnel_holds_back_who_is_faster(gateway: Gateway, upstream: Upstream) -> None:
    """A side that does not read stops the other one from being read."""
    client, peer = await tunnel(gateway, upstream)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(12):
        peer.send(b"\0" * (1 << 20))
    (connection,) = gateway.worker.connections
    await gateway.until(lambda: connection.paused)
    assert connection.upstream is not None
    assert connection.upstream.reading_paused
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len(await client.exactly(12 << 20)) == 12 << 20
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(12):
        client.send(b"\1" * (1 << 20))
    await gateway.until(lambda: connection.reading_paused)
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert len(await peer.exactly(12 << 20)) == 12 << 20


async def test_a_silent_tunnel_ends(store: SqlStore, upstream: Upstream) -> None:
    """After so much time without a byte either way."""
    bounds = Bounds(tunnel_idle_timeout=0.3)
    async with serving(store, orders(upstream.url), bounds=bounds) as gateway:
        client, peer = await tunnel(gateway, upstream)
        assert await client.rest() == b""
        assert await peer.rest() == b""
        await gateway.at_rest()
        assert gateway.recorded() == [("GET /socket", 101, "ok")]
