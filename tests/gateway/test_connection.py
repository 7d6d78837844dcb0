"""Requests over one connection: each answered once, recorded once, and none reaching into another."""

from __future__ import annotations

import asyncio
import secrets
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from tests.gateway.harness import Gateway, Upstream, Wire, ok, orders, serving

from wardgate.control import keys
from wardgate.domain import apikey
from wardgate.domain.consumer import Restrictions
from wardgate.domain.settings import Bounds
from wardgate.domain.upstream import Timeouts
from wardgate.gateway.identity import Signer
from wardgate.storage.database import SqlStore


async def test_a_request_is_forwarded_and_recorded_once(gateway: Gateway, upstream: Upstream) -> None:
    """The upstream gets the path below the base path without the key; the client gets its answer."""
    client = await gateway.connect()
    client.send(gateway.request("GET", "/items?a=1"))
    peer = await upstream.accept()
    head = await peer.head()
    assert head.startswith(b"GET /items?a=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % upstream.port)
    assert gateway.key.encode() not in head
    peer.send(ok(b"hello"))
    answer = await client.answer()
    assert (answer.status, answer.body) == (200, b"hello")
    await gateway.at_rest()
    assert gateway.recorded() == [("GET /items", 200, "ok")]


async def test_pipelined_requests_are_answered_in_order(gateway: Gateway, upstream: Upstream) -> None:
    """What follows a request waits for its answer; refusals in between keep their place."""
    client = await gateway.connect()
    client.send(
        gateway.request("GET", "/items/1"),
        gateway.request("GET", "/none"),
        gateway.request("GET", "/items/2"),
    )
    peer = await upstream.accept()
    assert (await peer.head()).startswith(b"GET /items/1 ")
    assert await peer.silent()
    peer.send(ok(b"one"))
    assert (await client.answer()).body == b"one"
    assert (await client.answer()).reason == "resource_not_found"
    assert (await peer.head()).startswith(b"GET /items/2 ")
    peer.send(ok(b"two"))
    assert (await client.answer()).body == b"two"
    await gateway.at_rest()
    assert gateway.reasons == ["ok", "ok", "resource_not_found"]


async def test_thousands_of_pipelined_refusals_are_all_answered(gateway: Gateway) -> None:
    """Requests answered at once do not nest, and reading goes on however many came in one piece."""
    client = await gateway.connect()
    client.send(gateway.request("GET", "/none") * 4000)
    for _ in range(4000):
        assert (await client.answer()).status == 404
    client.send(gateway.request("GET", "/other"))
    assert (await client.answer()).status == 404
    assert gateway.reasons == ["resource_not_found"] * 4001


async def test_a_body_that_waited_for_a_failed_connection_is_gone(
    store: SqlStore, upstream: Upstream
) -> None:
    """The body of a request that was never forwarded is not sent with the next one."""
    async with Upstream().listening() as dead:
        pass
    api = orders(f"http://127.0.0.1:{dead.port}", upstream_retries=0)
    async with serving(store, api) as gateway:
        client = await gateway.connect()
        client.send(gateway.request("POST", "/items", body=b"first!"))
        answer = await client.answer()
        assert (answer.status, answer.reason) == (502, "upstream_connect_failed")
        await gateway.apply(orders(upstream.url))
        client.send(gateway.request("POST", "/items", body=b"second"))
        peer = await upstream.accept()
        assert (await peer.head()).startswith(b"POST /items ")
        assert await peer.exactly(6) == b"second"
        assert await peer.silent()
        peer.send(ok())
        assert (await client.answer()).status == 200
        await gateway.at_rest()
        assert gateway.reasons == ["ok", "upstream_connect_failed"]


async def test_a_client_that_leaves_takes_its_request_along(gateway: Gateway, upstream: Upstream) -> None:
    """The upstream connection of an unanswered request is closed, never reused, and the target is not blamed."""
    client = await gateway.connect()
    client.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    client.reset()
    assert await peer.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["client_closed"]
    assert gateway.worker.connections == set()
    pool = gateway.worker.pools()[0]
    assert pool.targets[0].state.failures == 0


async def test_a_client_that_leaves_while_its_connection_is_opened(
    gateway: Gateway, upstream: Upstream
) -> None:
    """The connection that was opened for it serves the next request instead."""
    client = await gateway.connect()
    client.send(gateway.request())
    await gateway.until(lambda: gateway.worker.pools()[0]._opening or upstream.wires)
    client.reset()
    peer = await upstream.accept()
    await gateway.at_rest()
    other = await gateway.connect()
    other.send(gateway.request("GET", "/items/2"))
    head = await peer.head() if not peer.reader.at_eof() else await (await upstream.accept()).head()
    assert b"/items" in head


async def test_a_half_closed_client_gets_its_answer(gateway: Gateway, upstream: Upstream) -> None:
    """A client may end its side after its request; it is told that the connection closes."""
    client = await gateway.connect()
    client.send(gateway.request())
    client.half_close()
    peer = await upstream.accept()
    await peer.head()
    await asyncio.sleep(0.05)
    peer.send(ok(b"late"))
    answer = await client.answer()
    assert (answer.status, answer.body, answer.value("connection")) == (200, b"late", "close")
    assert await client.rest() == b""
    await gateway.at_rest()
    assert gateway.reasons == ["ok"]


async def test_a_head_request_takes_no_body_and_keeps_the_connection(
    gateway: Gateway, upstream: Upstream
) -> None:
    """HEAD, 204 and 304 end with their head on both sides, whatever length they name."""
    client = await gateway.connect()
    client.send(gateway.request("HEAD", "/head"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    answer = await client.answer("HEAD")
    assert (answer.status, answer.value("content-length")) == (200, "5")
    for status in (b"204 No Content", b"304 Not Modified"):
        client.send(gateway.request())
        await peer.head()
        peer.send(b"HTTP/1.1 ", status, b"\r\n\r\n")
        assert (await client.answer()).status == int(status[:3])
    client.send(gateway.request("HEAD", "/head"))
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await client.answer("HEAD")).status == 200
    await gateway.at_rest()
    assert gateway.reasons == ["ok"] * 4


async def test_a_refused_head_request_gets_no_body(gateway: Gateway) -> None:
    """A rejection of HEAD names the length its body would have, and has none."""
    client = await gateway.connect()
    client.send(gateway.request("HEAD", "/none"), gateway.request("GET", "/none"))
    answer = await client.answer("HEAD")
    assert answer.status == 404
    assert int(answer.value("content-length") or 0) > 0
    assert (await client.answer()).reason == "resource_not_found"


@pytest.mark.parametrize(
    "sent",
    [
        b"HEAD /x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"HEAD /x HTTP/1.1\r\n\r\n",
        b"HEAD /x HTTP/2.0\r\n\r\n",
        b"HEAD /" + b"x" * 40_000,
        b"HEAD /x HTTP/1.1\nHost: a\n\n",
        b"HEAD /x HTTP/1.1\r\n",
    ],
)
async def test_a_head_request_that_is_none_gets_no_body(store: SqlStore, sent: bytes) -> None:
    """Also what is refused before it is understood, or never came whole, has no body where HEAD asked (RFC 9110, 9.3.2)."""
    async with serving(store, orders(), bounds=Bounds(header_timeout=0.3)) as gateway:
        client = await gateway.connect()
        client.send(sent)
        answer = await client.answer("HEAD")
        assert answer.status in {400, 408, 414, 505}
        assert int(answer.value("content-length") or 0) > 0
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "head", [b"Content-Length: 1\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize(
    "date",
    [
        b"",
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        b"date: long ago\r\n",
        b"Connection: Date\r\nDate: x\r\n",
    ],
)
async def test_every_forwarded_answer_has_one_date(
    gateway: Gateway, upstream: Upstream, head: bytes, date: bytes
) -> None:
    """The upstream's, or else when its answer came (RFC 9110 section 6.6.1)."""
    client = await gateway.connect()
    client.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\n" + date + head)
    told = (await client.answer()).value("date")
    if date and not date.startswith(b"Connection"):
        assert told == date[6:-2].decode()
    else:
        assert abs(parsedate_to_datetime(told or "").timestamp() - time.time()) < 5
    await gateway.at_rest()


async def test_the_gateways_own_answers_have_a_date(gateway: Gateway) -> None:
    """Also what is refused before it is understood."""
    for sent in (gateway.request(key=""), gateway.request("GET", "/none"), b"nonsense\r\n\r\n"):
        client = await gateway.connect()
        client.send(sent)
        answer = await client.answer()
        assert answer.status in {400, 401, 404}
        assert abs(parsedate_to_datetime(answer.value("date") or "").timestamp() - time.time()) < 5


async def test_an_old_client_gets_an_answer_it_understands(gateway: Gateway, upstream: Upstream) -> None:
    """HTTP/1.0: chunks are undone, and the connection's end is the body's."""
    client = await gateway.connect()
    client.send(gateway.request(version=b"1.0"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    answer = await client.answer()
    assert (answer.body, answer.value("connection"), answer.value("transfer-encoding")) == (
        b"abcde",
        "close",
        None,
    )
    await gateway.at_rest()


async def test_an_old_client_may_keep_its_connection(gateway: Gateway, upstream: Upstream) -> None:
    """HTTP/1.0 with keep-alive is told so, and served again."""
    client = await gateway.connect()
    peer: Wire | None = None
    for number in (1, 2):
        client.send(gateway.request("GET", f"/items/{number}", b"Connection: keep-alive", version=b"1.0"))
        peer = peer or await upstream.accept()
        await peer.head()
        peer.send(ok(b"x"))
        assert (await client.answer()).value("connection") == "keep-alive"
    await gateway.at_rest()


async def test_a_cut_answer_is_not_taken_for_a_whole_one(gateway: Gateway, upstream: Upstream) -> None:
    """When the upstream breaks off, the client's connection ends before the body does, and the reason is recorded."""
    client = await gateway.connect()
    client.send(gateway.request())
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await client.until(b"3\r\nabc\r\n")
    peer.close()
    assert await client.rest() == b""
    await gateway.at_rest()
    assert gateway.recorded() == [("GET /items", 200, "upstream_closed")]
    await gateway.until(lambda: not gateway.worker.connections)


async def test_an_answer_that_ends_with_its_connection_is_whole(gateway: Gateway, upstream: Upstream) -> None:
    """An answer without a length ends with the upstream's connection; the target did nothing wrong."""
    for _ in range(6):
        client = await gateway.connect()
        client.send(gateway.request())
        peer = await upstream.accept()
        await peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        peer.close()
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"all of it")
    await gateway.at_rest()
    (target,) = gateway.worker.pools()[0].targets
    assert (target.state.failures, target.state.out) == (0, False)
    assert gateway.reasons == ["ok"] * 6


async def test_an_old_client_sees_a_cut_answer_as_a_reset(gateway: Gateway, upstream: Upstream) -> None:
    """Where only the connection's end says that the body is whole, a broken one ends in a reset."""
    client = await gateway.connect()
    client.send(gateway.request(version=b"1.0"))
    peer = await upstream.accept()
    await peer.head()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await client.until(b"abc")
    peer.close()
    with pytest.raises(ConnectionResetError):
        await client.rest()
    await gateway.until(lambda: not gateway.worker.connections)
    assert gateway.recorded() == [("GET /items", 200, "upstream_closed")]


async def test_an_upstream_that_does_not_answer_is_given_up(store: SqlStore, upstream: Upstream) -> None:
    """The client hears 504 in time, the connection is closed, and what comes late reaches nobody."""
    api = orders(upstream.url, upstream_timeouts=Timeouts(response=0.1))
    async with serving(store, api) as gateway:
        client = await gateway.connect()
        client.send(gateway.request("GET", "/items/1"))
        peer = await upstream.accept()
        await peer.head()
        answer = await client.answer()
        assert (answer.status, answer.reason) == (504, "upstream_timeout")
        client.send(gateway.request("GET", "/items/2"))
        peer.send(ok(b"for the first"))
        second = await upstream.accept()
        await second.head()
        second.send(ok(b"for the second"))
        assert (await client.answer()).body == b"for the second"
        await gateway.at_rest()
        assert gateway.reasons == ["ok", "upstream_timeout"]


async def test_a_bad_head_ends_the_connection_with_a_reason(gateway: Gateway) -> None:
    """Nothing after a head that cannot be read is looked at; the log knows the client's address."""
    client = await gateway.connect()
    client.send(b"GET /orders/v1/items HTTP/1.1\r\nHost : x\r\n\r\n", gateway.request())
    answer = await client.answer()
    assert (answer.status, answer.reason, answer.value("connection")) == (400, "request_malformed", "close")
    assert await client.rest() == b""
    assert gateway.reasons == ["request_malformed"]
    worker = gateway.worker
    assert worker.access_log is not None
    worker.access_log.flush()
    await gateway.until(lambda: '"127.0.0.1"' in (gateway.data_dir / "access.log").read_text())


async def test_a_wrong_key_is_refused_in_the_same_bytes_whatever_is_wrong(
    gateway: Gateway, upstream: Upstream
) -> None:
    """Unknown, garbled, revoked, expired, bound elsewhere: only the request's id and date differ, and the log knows why."""
    wrong = ["nonsense", "", gateway.key[:-1] + ("a" if gateway.key[-1] != "a" else "b")]
    for changes in (
        {"restrictions": Restrictions(cidrs=("203.0.113.0/24",))},
        {"restrictions": Restrictions(referers=("shop.example.com",))},
        {"environment": "production"},
        {},
        {"expires_at": 1.0},
    ):
        named: Any = {"application": "mobile", "environment": "development"} | changes
        if "expires_at" in changes:
            named["expires_at"] = time.time() + 1.0
        issued, key = await keys.issue(gateway.store, **named)
        if not changes:
            await keys.revoke(gateway.store, issued.id)
        wrong.append(key.reveal().decode())
    await asyncio.sleep(1.05)
    wrong.append(apikey.generate("dev", secrets.token_bytes))
    seen = set()
    for key_text in wrong:
        answer = await gateway.call("GET", "/items", b"X-API-Key: " + key_text.encode(), key="")
        lines = [
            line
            for line in answer.head.split(b"\r\n")
            if not line.startswith((b"X-Wardgate-Request-Id: ", b"Date: "))
        ]
        seen.add((tuple(lines), answer.body))
    assert len(seen) == 1
    assert upstream.wires == []
    assert gateway.reasons == sorted(
        [
            *["credential_malformed"] * 3,
            "key_address_refused",
            "key_expired",
            "key_referrer_refused",
            "key_revoked",
            "key_unknown",
            "key_wrong_environment",
        ]
    )


async def test_a_request_that_fails_inside_the_gateway_is_answered(
    gateway: Gateway, upstream: Upstream
) -> None:
    """Without a key to sign with nothing is forwarded: 500, no connection lost, nothing counted for ever."""
    gateway.worker._identity.use(Signer([]))
    for _ in range(3):
        answer = await gateway.call("POST", "/items", body=b"x")
        assert (answer.status, answer.reason) == (500, "gateway_error")
    await gateway.at_rest()
    gateway.worker._identity.use(Signer(gateway.source.signing_keys()))
    client = await gateway.connect()
    client.send(gateway.request())
    peer = await upstream.accept()
    assert (await peer.head()).startswith(b"GET /items ")
    peer.send(ok())
    assert (await client.answer()).status == 200
    await gateway.at_rest()
