"""Limits count across workers and restarts, and a refused request is told when to come back."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.e2e.conftest import MakeStack
from tests.e2e.load import Load
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer

_PLANS = {
    "rated": [{"kind": "rate", "amount": 60, "per": "hour", "burst": 50}],
    "spiky": [{"kind": "spike", "amount": 2, "per": "second", "queue": 1}],
    "quota": [{"kind": "quota", "amount": 120, "per": "year"}],
    "narrow": [{"kind": "concurrency", "amount": 3}],
    "both": [
        {"kind": "rate", "amount": 5, "per": "second", "burst": 5},
        {"kind": "quota", "amount": 20, "per": "year"},
    ],
}


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """Two workers and a plan of every kind."""
    entry = api("raw", [upstream.url], plans=["open", *_PLANS], upstream={"timeouts": {"response": 10}})
    return make_stack(upstream, document([entry], _PLANS), workers=2)


def _many(stack: Stack, plan: str, count: int, path: str = "/raw/v1/echo") -> list[Answer]:
    """Requests on connections of their own, so that both workers get some, sixteen at a time."""
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda _: stack.ask(path, key=stack.keys[plan]), range(count)))


def test_a_rate_is_exact_across_workers(stack: Stack) -> None:
    """Of 200 requests exactly the burst is admitted; the rest is told how long to wait."""
    answers = _many(stack, "rated", 200)
    admitted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert (len(admitted), len(refused)) == (50, 150)
    assert {answer.reason for answer in refused} == {"rate_exceeded"}
    assert all(1 <= int(answer.values("retry-after")[0]) <= 60 for answer in refused)
    assert all(answer.values("ratelimit") and answer.values("ratelimit-policy") for answer in answers)


def test_a_spike_is_smoothed(stack: Stack) -> None:
    """Early requests wait their turn in a short queue; past it they are refused."""
    began = time.monotonic()
    answers = _many(stack, "spiky", 8)
    told = [(answer.status, answer.reason) for answer in answers]
    assert set(told) == {(200, ""), (429, "spike_exceeded")}
    assert 2 <= told.count((200, "")) <= 4
    assert time.monotonic() - began > 0.4


def test_concurrency_is_bounded_and_given_back(stack: Stack) -> None:
    """Three run, the fourth is refused; whatever way they end, three may run again."""
    for _ in range(2):
        answers = _many(stack, "narrow", 8, "/raw/v1/slow?s=0.5")
        told = sorted((answer.status, answer.reason) for answer in answers)
        assert told == [(200, "")] * 3 + [(429, "concurrency_exceeded")] * 5
    for _ in range(5):
        with stack.wire() as wire:
            wire.send(stack.request("/raw/v1/slow?s=5", key=stack.keys["narrow"]))
            time.sleep(0.1)
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for path in ("cut", "drop", "both", "stall-not"):
        with stack.wire() as wire:
            wire.send(stack.request(f"/raw/v1/{path}", key=stack.keys["narrow"]))
            time.sleep(0.1)
    time.sleep(0.5)
    statuses = sorted(answer.status for answer in _many(stack, "narrow", 3, "/raw/v1/slow?s=0.3"))
    assert statuses == [200, 200, 200]


def test_clients_that_leave_while_they_wait_leak_nothing(stack: Stack) -> None:
    """A connection reset while its request waits for a counter or in a queue gives back what it took."""
    for _ in range(20):
        with stack.wire() as wire:
            wire.send(stack.request("/raw/v1/slow?s=1", key=stack.keys["narrow"]))
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(1.0)
    statuses = sorted(answer.status for answer in _many(stack, "narrow", 3, "/raw/v1/slow?s=0.3"))
    assert statuses == [200, 200, 200]


def test_a_refusal_consumes_nothing(stack: Stack) -> None:
    """What the rate refuses is not taken from the quota of the same plan: in the end the whole quota was admitted."""
    told: Counter[str] = Counter()
    deadline = time.monotonic() + 15
    while told["quota_exceeded"] < 20 and time.monotonic() < deadline:
        told.update(answer.reason for answer in _many(stack, "both", 10))
    assert told[""] == 20
    assert told["rate_exceeded"] > 10


def test_a_quota_survives_the_death_of_everything(stack: Stack) -> None:
    """After kill -9 of all processes at most what was used within one flush interval is forgotten."""
    used = 0
    for _ in range(50):
        used += stack.ask("/raw/v1/echo", key=stack.keys["quota"]).status == 200
    assert used == 50
    time.sleep(1.6)
    pids = [pid for group in stack.service.children().values() for pid in group]
    os.kill(stack.service.process.pid, signal.SIGKILL)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    stack.service.process.wait(10)
    stack.start()
    admitted = sum(answer.status == 200 for answer in _many(stack, "quota", 200))
    assert admitted == 120 - used


def test_limits_hold_while_a_worker_dies(stack: Stack) -> None:
    """kill -9 of a worker under load: its lease is lost, never given out twice."""
    stop = threading.Event()

    def kill() -> None:
        time.sleep(0.3)
        os.kill(stack.service.workers()[0], signal.SIGKILL)
        stop.set()

    changed = stack.issue("rated")
    thread = threading.Thread(target=kill)
    with Load(stack, "/raw/v1/echo", key=changed, pause=0.01) as load:
        thread.start()
        time.sleep(1.5)
    thread.join()
    assert load.told[200, ""] <= 50
