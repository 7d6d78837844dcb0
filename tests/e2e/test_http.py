"""HTTP/1.0 and 1.1 as clients and upstreams speak it, through a running gateway."""

from __future__ import annotations

import itertools
import socket
import struct
import time

import pytest
from tests.e2e.stack import Stack
from tests.e2e.upstream import BROKEN, Upstream
from tests.e2e.wire import Closed


def test_connections_are_kept_on_both_sides(stack: Stack, upstream: Upstream) -> None:
    """Fifty requests on one client connection use one upstream connection."""
    with stack.wire() as wire:
        for number in range(50):
            wire.send(stack.request(f"/raw/v1/echo?n={number}"))
            assert b"/echo?n=%d " % number in wire.answer().body
    assert len({seen.connection for seen in upstream.log.requests}) == 1


def test_pipelined_requests_are_answered_in_order(stack: Stack) -> None:
    """Slow, fast, refused and unknown ones in one packet come back in the order sent."""
    paths = ["/raw/v1/slow?s=0.2", "/raw/v1/echo?n=1", "/nowhere", "/raw/v1/chunked", "/raw/v1/echo?n=2"]
    bad = b"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\n\r\n"
    with stack.wire() as wire:
        wire.send(b"".join(map(stack.request, paths)) + bad + stack.request("/raw/v1/echo?n=3"))
        found = [wire.answer() for _ in range(7)]
    assert [answer.status for answer in found] == [200, 200, 404, 200, 200, 401, 200]
    assert [found[0].body, found[3].body] == [b"slow", b"onetwothree"]
    assert [f"n={n}".encode() in found[i].body for i, n in ((1, 1), (4, 2), (6, 3))] == [True] * 3


def test_pipelined_bodies_are_kept_apart(stack: Stack) -> None:
    """Uploads of both framings behind each other reach the upstream each with its own body."""
    one = stack.request("/raw/v1/mirror", "POST", b"Content-Length: 3\r\n", b"abc")
    two = stack.request(
        "/raw/v1/length", "POST", b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n"
    )
    with stack.wire() as wire:
        wire.send((one + two) * 3)
        assert [wire.answer().body for _ in range(6)] == [b"abc", b"7"] * 3


@pytest.mark.parametrize("step", [1, 7, 50])
def test_requests_in_small_pieces_are_understood(stack: Stack, step: int) -> None:
    """Head and chunked body cut anywhere arrive whole."""
    data = stack.request(
        "/raw/v1/length", "POST", b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"
    )
    with stack.wire() as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), step):
            wire.send(data[at : at + step])
            time.sleep(0.001)
        assert wire.answer().body == b"5"


def test_trailers_go_both_ways(stack: Stack, upstream: Upstream) -> None:
    """A request's trailer reaches the upstream, and the upstream's reaches the client."""
    body = b"3\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n"
    assert stack.ask("/raw/v1/echo", "POST", b"Transfer-Encoding: chunked\r\n", body).status == 200
    assert upstream.log.requests[0].body.endswith(b"0\r\nX-Up: 1\r\n\r\n")
    assert stack.ask("/raw/v1/trailers").trailers == b"X-Sum: 6\r\n"


@pytest.mark.parametrize(
    ("path", "method", "status", "length"),
    [
        ("no-content", "GET", 204, []),
        ("not-modified", "GET", 304, ["10"]),
        ("head", "HEAD", 200, ["10"]),
    ],
)
def test_answers_without_a_body_leave_the_connection_usable(
    stack: Stack, path: str, method: str, status: int, length: list[str]
) -> None:
    """204, 304 and the answer to HEAD end with their head, and the next request is answered."""
    with stack.wire() as wire:
        for _ in range(2):
            wire.send(stack.request(f"/raw/v1/{path}", method))
            answer = wire.answer(method)
            assert (answer.status, answer.values("content-length")) == (status, length)


def test_a_refused_head_has_no_body(stack: Stack) -> None:
    """The problem's length is told and its body left out for HEAD."""
    with stack.wire() as wire:
        wire.send(b"HEAD /raw/v1/a HTTP/1.1\r\nHost: gateway\r\n\r\n" + stack.request("/raw/v1/echo"))
        refused = wire.answer("HEAD")
        assert refused.status == 401
        assert int(refused.values("content-length")[0]) > 0
        assert wire.answer().status == 200


def test_continue_is_said_when_the_request_is_accepted(stack: Stack) -> None:
    """The client hears 100 before it sends its body."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/mirror", "POST", b"Content-Length: 5\r\nExpect: 100-continue\r\n"))
        assert wire._until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        wire.send(b"hello")
        assert wire.answer().body == b"hello"


def test_continue_is_not_said_to_a_refused_request(stack: Stack, upstream: Upstream) -> None:
    """Without a key the answer is 401 at once, and the connection closes as the body may or may not follow."""
    with stack.wire() as wire:
        wire.send(b"POST /raw/v1/a HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = wire.answer()
        assert (answer.status, answer.interim, answer.values("connection")) == (401, [], ["close"])
        assert wire.closed()
    assert not upstream.log.requests


@pytest.mark.parametrize(
    ("path", "body"), [("until-close", b"no length"), ("old", b"from 1.0"), ("chunked", b"onetwothree")]
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_bodies_of_unknown_length(stack: Stack, path: str, body: bytes, version: str) -> None:
    """They are chunked for HTTP/1.1 clients, and end with the connection for those of 1.0."""
    request = stack.request(f"/raw/v1/{path}").replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    with stack.wire() as wire:
        wire.send(request)
        answer = wire.answer()
        assert answer.body == body
        assert answer.values("transfer-encoding") == (["chunked"] if version == "1.1" else [])
        if version == "1.0":
            assert wire.closed()


def test_old_clients_may_keep_their_connection(stack: Stack) -> None:
    """HTTP/1.0 with keep-alive is kept and told so; without it is closed."""
    request = stack.request("/raw/v1/echo", more=b"Connection: keep-alive\r\n").replace(
        b"HTTP/1.1", b"HTTP/1.0"
    )
    with stack.wire() as wire:
        for _ in range(2):
            wire.send(request)
            assert wire.answer().values("connection") == ["keep-alive"]
        wire.send(stack.request("/raw/v1/echo").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert wire.answer().values("connection") == ["close"]
        assert wire.closed()


def test_events_arrive_one_by_one(stack: Stack) -> None:
    """A server-sent event is passed on when it comes, not when the next does."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/sse"))
        wire._until(b"\r\n\r\n")
        times = []
        for number in range(4):
            assert b"data: %d" % number in wire._until(b"\n\n\r\n")
            times.append(time.monotonic())
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(gap > 0.08 for gap in gaps)


def test_interim_answers(stack: Stack) -> None:
    """103 is passed on to HTTP/1.1 clients; thousands of 102 do no harm; one with a length is refused."""
    answer = stack.ask("/raw/v1/hints")
    assert (answer.body, len(answer.interim)) == (b"hinted", 1)
    assert b"rel=preload" in answer.interim[0]
    assert stack.ask("/raw/v1/many-hints").body == b"at last"
    assert stack.ask("/raw/v1/hint-with-length").reason == "upstream_malformed"
    old = stack.request("/raw/v1/hints").replace(b"HTTP/1.1", b"HTTP/1.0")
    with stack.wire() as wire:
        wire.send(old)
        assert wire.answer().interim == []


@pytest.mark.parametrize("path", BROKEN)
def test_broken_answers_are_refused(stack: Stack, path: str) -> None:
    """An upstream's answer that two readers could read differently becomes 502; nothing of it is passed on."""
    with stack.wire() as wire:
        wire.send(stack.request(f"/raw/v1/{path}") + stack.request("/raw/v1/echo?after"))
        answer = wire.answer()
        assert (answer.status, answer.reason) == (502, "upstream_malformed")
        after = wire.answer()
        assert after.status == 200
        assert b"echo?after" in after.body


@pytest.mark.parametrize("path", ["cut", "cut-chunked"])
def test_a_cut_answer_is_seen_as_cut(stack: Stack, path: str) -> None:
    """When the upstream dies in its body the client's connection ends before the body is whole."""
    with stack.wire() as wire:
        wire.send(stack.request(f"/raw/v1/{path}"))
        with pytest.raises(Closed):
            wire.answer()


def test_a_stalled_answer_is_cut(stack: Stack) -> None:
    """An upstream that stops in its body is given up after its idle time-out, visibly."""
    began = time.monotonic()
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/stall"))
        with pytest.raises(Closed):
            wire.answer()
    assert 1.5 < time.monotonic() - began < 5


def test_a_slow_upstream_is_a_gateway_timeout(stack: Stack) -> None:
    """No answer within the response time-out is 504, and the connection goes on."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/slow?s=10"))
        answer = wire.answer()
        assert (answer.status, answer.reason) == (504, "upstream_timeout")
        wire.send(stack.request("/raw/v1/echo"))
        assert wire.answer().status == 200


def test_pipelining_does_not_postpone_the_timeout(stack: Stack) -> None:
    """Bytes of later requests are no progress of the one that waits."""
    began = time.monotonic()
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/slow?s=10"))
        for _ in range(8):
            time.sleep(0.4)
            wire.send(b"G" if _ == 0 else b"E")
        assert wire.answer().reason == "upstream_timeout"
    assert time.monotonic() - began < 4.5


def test_an_upstream_that_does_not_read_is_given_up(stack: Stack) -> None:
    """An upload the upstream never takes ends with 504, not with a connection held for ever."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/never-reads", "POST", b"Content-Length: 9000000\r\n"))
        wire.sock.settimeout(8)
        piece = b"x" * 65536
        wire.sock.setblocking(False)
        began = time.monotonic()
        data = b""
        while time.monotonic() - began < 8 and not data:
            try:
                wire.sock.send(piece)
            except BlockingIOError:
                time.sleep(0.02)
            except ConnectionError:
                break
            try:
                data = wire.sock.recv(4096)
            except BlockingIOError:
                continue
    assert data.startswith(b"HTTP/1.1 504 ")


def test_a_closed_upstream_is_a_bad_gateway(stack: Stack, upstream: Upstream) -> None:
    """A GET is tried once more, a POST never; both end in 502."""
    answer = stack.ask("/raw/v1/drop")
    assert (answer.status, answer.reason) == (502, "upstream_closed")
    assert len(upstream.log.requests) == 2
    upstream.clear()
    answer = stack.ask("/raw/v1/drop", "POST", b"Content-Length: 2\r\n", b"hi")
    assert (answer.status, answer.reason) == (502, "upstream_closed")
    assert len(upstream.log.requests) == 1


def test_stale_connections_cost_an_idempotent_request_nothing(stack: Stack) -> None:
    """A kept upstream connection that closes under a GET is replaced without the client noticing."""
    with stack.wire() as wire:
        for _ in range(6):
            wire.send(stack.request("/raw/v1/drop-once"))
            assert wire.answer().body == b"kept"


def test_unannounced_closes_harm_nobody(stack: Stack) -> None:
    """An upstream that closes after each answer is followed by a new connection, for POSTs too."""
    with stack.wire() as wire:
        for _ in range(5):
            wire.send(stack.request("/raw/v1/close-after", "POST", b"Content-Length: 2\r\n", b"hi"))
            assert wire.answer().body == b"bye"
            time.sleep(0.02)


def test_an_early_answer_reaches_a_client_that_still_sends(stack: Stack) -> None:
    """The upstream's refusal of an upload is delivered though the upload is not done."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/early", "POST", b"Content-Length: 100000\r\n") + b"x" * 1000)
        answer = wire.answer()
        assert (answer.status, answer.body) == (403, b"no")


@pytest.mark.parametrize(
    "data",
    [
        b"POST /nowhere HTTP/1.1\r\nHost: g\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"POST /nowhere HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"POST /raw/v1/a HTTP/1.1\r\nHost: g\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
    ],
)
def test_a_refused_request_is_answered_once(stack: Stack, data: bytes) -> None:
    """A body that is wrong as well adds no second answer."""
    with stack.wire() as wire:
        wire.send(data)
        assert wire.answer().status in (401, 404)
        assert wire.closed()


def test_bodies_over_the_limit(stack: Stack, upstream: Upstream) -> None:
    """A length past the limit is refused before the upstream hears of it; a chunked body when it gets there."""
    answer = stack.ask("/raw/v1/length", "POST", b"Content-Length: 10485761\r\n")
    assert (answer.status, answer.reason) == (413, "body_too_large")
    assert not upstream.log.requests
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/length", "POST", b"Transfer-Encoding: chunked\r\n"))
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(10):
            wire.send(piece)
        wire.send(b"1\r\nx\r\n0\r\n\r\n")
        answer = wire.answer()
    assert (answer.status, answer.reason) == (413, "body_too_large")


def test_an_answered_upload_is_read_off(stack: Stack) -> None:
    """The small body of a refused request is skipped and the connection goes on with the next request."""
    with stack.wire() as wire:
        wire.send(b"POST /raw/v1/a HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\nhello")
        assert wire.answer().status == 401
        wire.send(b"world" + stack.request("/raw/v1/echo?next"))
        assert b"echo?next" in wire.answer().body


def test_bytes_after_a_refused_upgrade_are_a_request_of_their_own(stack: Stack, upstream: Upstream) -> None:
    """What follows an upgrade the upstream did not accept is parsed and judged, never passed on blindly."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\n"
    smuggled = b"GET /raw/v1/smuggled HTTP/1.1\r\nHost: g\r\n\r\n"
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/upgrade-refused", more=upgrade) + smuggled)
        assert wire.answer().status == 426
        assert wire.answer().reason == "credential_missing"
    assert not upstream.on_wire(b"smuggled")


def test_a_tunnel_passes_bytes_both_ways(stack: Stack) -> None:
    """After 101 bytes sent with the handshake and later ones come back from the upstream."""
    upgrade = b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/upgrade-late", more=upgrade) + b"early")
        assert wire.answer().status == 101
        assert wire._exactly(5) == b"early"
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        assert wire._exactly(18) == b"GET / HTTP/1.1\r\n\r\n"


def test_upstreams_cannot_speak_for_the_gateway(stack: Stack) -> None:
    """Its own headers in an answer, hop-by-hop and nominated ones are removed; repeated Set-Cookie survives."""
    answer = stack.ask("/raw/v1/spoof")
    assert "fake" not in answer.head.decode()
    assert (answer.values("x-secret"), answer.values("keep-alive")) == ([], [])
    assert answer.values("set-cookie") == ["a=b", "c=d"]
    assert len(answer.values("x-wardgate-request-id")) == 1


def test_a_gone_client_ends_the_upstream_request(stack: Stack) -> None:
    """When the client resets, the request ends and is recorded as client_closed; a mere half-close may wait for it."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/slow?s=1&half"))
        wire.sock.shutdown(socket.SHUT_WR)
        assert wire.answer().body == b"slow"
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/slow?s=1.5&gone"))
        time.sleep(0.3)
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stack.service.until(lambda: any(line["reason"] == "client_closed" for line in stack.access_log()[-5:]), 3)


def test_an_idle_connection_gets_its_full_time_for_a_head(stack: Stack) -> None:
    """A kept connection that was idle for longer than a head may take is not cut in its next head."""
    with stack.wire() as wire:
        wire.send(stack.request("/raw/v1/echo"))
        assert wire.answer().status == 200
        time.sleep(1.4)
        request = stack.request("/raw/v1/echo")
        wire.send(request[:20])
        time.sleep(0.5)
        wire.send(request[20:])
        assert wire.answer().status == 200
