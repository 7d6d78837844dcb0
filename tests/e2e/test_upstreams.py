"""Targets that die, come back, speak TLS, or are too few: what clients see of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.e2e.certificates import Authority
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.supervisor.serving import free_ports


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority with certificates for the tests."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def others(authority: Authority) -> Iterator[dict[str, Upstream]]:
    """More upstreams: a second plain one, and one with TLS."""
    with ExitStack() as running:
        second = running.enter_context(Upstream(name="second"))
        tls = running.enter_context(Upstream(tls=authority.server_context("localhost"), name="tls"))
        yield {"second": second, "tls": tls}


@pytest.fixture(scope="module")
def dead_port() -> int:
    """A port nobody listens on."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def stack(
    make_stack: MakeStack,
    upstream: Upstream,
    others: dict[str, Upstream],
    dead_port: int,
    authority: Authority,
) -> Stack:
    """One API for each kind of upstream."""
    dead = f"http://127.0.0.1:{dead_port}"
    secure = f"https://localhost:{others['tls'].port}"
    breaker = {"breaker": {"failures": 3, "open_seconds": 1}}
    ca = {"ca": str(authority.ca_file)}
    return make_stack(
        upstream,
        document(
            [
                api("two", [upstream.url, others["second"].url]),
                api("half-dead", [upstream.url, dead], upstream=breaker),
                api("dead", [dead], upstream={"retries": 0}),
                api("breaking", [dead], upstream={**breaker, "retries": 0}),
                api("secure", [secure], upstream={"tls": ca}),
                api("misnamed", [secure.replace("localhost", "127.0.0.1")], upstream={"tls": ca}),
                api("untrusted", [secure]),
                api("unverified", [secure], upstream={"tls": {"verify": False}}),
                api("prefixed", [upstream.url + "/deep/er"]),
                api("whole", [upstream.url], upstream={"strip_base_path": False, "preserve_host": True}),
                api("narrow", [upstream.url], upstream={"max_connections": 2, "timeouts": {"response": 10}}),
            ]
        ),
        "--body-timeout", "1s",
    )  # fmt: skip


def test_requests_spread_over_targets(stack: Stack, upstream: Upstream, others: dict[str, Upstream]) -> None:
    """Both targets of an API get their share."""
    others["second"].clear()
    for _ in range(40):
        assert stack.ask("/two/v1/echo").status == 200
    assert len(upstream.log.requests) >= 5
    assert len(others["second"].log.requests) >= 5


def test_a_dead_target_costs_nobody_a_request(stack: Stack) -> None:
    """With one of two targets dead every request succeeds, POSTs too: nothing was sent to the dead one."""
    for number in range(30):
        method, more, body = ("POST", b"Content-Length: 2\r\n", b"hi") if number % 2 else ("GET", b"", b"")
        assert stack.ask("/half-dead/v1/echo", method, more, body).status == 200


def test_an_upstream_that_is_down_is_a_bad_gateway(stack: Stack) -> None:
    """A refused connection is 502 with its reason."""
    answer = stack.ask("/dead/v1/echo")
    assert (answer.status, answer.reason) == (502, "upstream_connect_failed")


def test_the_circuit_opens_and_closes(stack: Stack, dead_port: int) -> None:
    """After failures in a row requests are refused at once; when the target is back a trial closes the circuit."""
    reasons = [stack.ask("/breaking/v1/echo").reason for _ in range(5)]
    assert reasons == ["upstream_connect_failed"] * 3 + ["upstream_unavailable"] * 2
    opened = stack.ask("/breaking/v1/echo")
    assert (opened.status, opened.values("retry-after")) == (503, ["1"])
    with Upstream(port=dead_port):
        time.sleep(1.3)
        assert [stack.ask("/breaking/v1/echo").status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("secure", 200, ""),
        ("unverified", 200, ""),
        ("misnamed", 502, "upstream_connect_failed"),
        ("untrusted", 502, "upstream_connect_failed"),
    ],
)
def test_upstreams_over_tls(stack: Stack, name: str, status: int, reason: str) -> None:
    """The certificate must be of a trusted authority and carry the name, unless verification is off."""
    answer = stack.ask(f"/{name}/v1/echo")
    assert (answer.status, answer.reason) == (status, reason)


def test_bodies_over_tls_arrive_whole(stack: Stack) -> None:
    """Five megabytes in each direction through a TLS upstream."""
    body = b"x" * 5_000_000
    answer = stack.ask("/secure/v1/length", "POST", b"Content-Length: 5000000\r\n", body)
    assert answer.body == b"5000000"
    assert len(stack.ask("/secure/v1/big?n=5000000&how=chunked").body) == 5_000_000


def test_paths_and_hosts(stack: Stack, upstream: Upstream) -> None:
    """A target's path is put before the rest; the base path and the Host are kept where the API says so."""
    stack.ask("/prefixed/v1/a%20b/c?d=e")
    stack.ask("/prefixed/v1")
    stack.ask("/whole/v1/a")
    targets = [seen.target for seen in upstream.log.requests]
    assert targets == [b"/deep/er/a%20b/c?d=e", b"/deep/er/", b"/whole/v1/a"]
    assert [seen.values(b"host") for seen in upstream.log.requests][2] == [b"gateway"]


def test_a_full_pool_queues_and_then_refuses(stack: Stack) -> None:
    """With two connections allowed the third request waits for one; past the body time-out it is told 503."""
    found: dict[int, str] = {}

    def one(number: int, seconds: float) -> None:
        answer = stack.ask(f"/narrow/v1/slow?s={seconds}")
        found[number] = answer.reason or answer.body.decode()

    threads = [threading.Thread(target=one, args=(number, 0.4)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(4), "slow")
    threads = [threading.Thread(target=one, args=(number, 3)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found[number] for number in range(3)) == ["slow", "slow", "upstream_unavailable"]


def test_who_gave_up_waiting_for_one_api_is_not_served_by_it(stack: Stack, upstream: Upstream) -> None:
    """A request to another API on the same connection never takes the connection the first one waited for."""
    holders = [stack.wire() for _ in range(2)]
    try:
        for wire in holders:
            wire.send(stack.request("/narrow/v1/slow?s=2"))
        time.sleep(0.2)
        with stack.wire() as wire:
            wire.send(stack.request("/narrow/v1/echo?waited"))
            assert wire.answer().reason == "upstream_unavailable"
            for _ in range(10):
                wire.send(stack.request("/secure/v1/slow?s=0.2"))
                assert wire.answer().body == b"slow"
        assert not [seen for seen in upstream.log.requests if b"s=0.2" in seen.line or b"waited" in seen.line]
    finally:
        for wire in holders:
            wire.sock.close()
