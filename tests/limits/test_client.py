"""A worker's limits: binding, plan changes, all-or-nothing, and life without the authority."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.limits.simulation import Machine, machine

from wardgate.domain.limit import Limit, Plan, WhenAway
from wardgate.limits.authority import Authority
from wardgate.limits.client import LimitClient
from wardgate.limits.lease import LEASE_ALONE
from wardgate.limits.limitset import Denied
from wardgate.limits.messages import LimitMessageError

RATE = Limit(kind="rate", amount=60, per="minute", burst=20)
QUOTA = Limit(kind="quota", amount=5, per="month")


def plan(*limits: Limit) -> Plan:
    return Plan(name="p", limits=limits)


def used(found: Machine) -> dict[str, int]:
    """What the authority counts of each quota."""
    return {key.split("|")[0]: count for key, _, count in found.authority.quota_dump()}


def test_the_same_pair_binds_to_the_same_set_until_the_plan_changes() -> None:
    """An equal plan keeps the set; another amount or a forgotten plan makes a new one."""
    with machine() as found:
        client = found.workers[0].client
        first = client.bind("s1", plan(RATE))
        assert client.bind("s1", plan(RATE)) is first
        assert client.bind("s2", plan(RATE)) is not first
        second = client.bind("s1", plan(RATE, QUOTA))
        assert second is not first
        client.forget_plan("p")
        assert client.bind("s1", plan(RATE, QUOTA)) is not second


def test_a_set_that_was_replaced_or_evicted_still_counts() -> None:
    """A request that still holds an old set is counted on the current one."""
    with machine() as found:
        client = found.workers[0].client
        client._most_sets = 2
        old = client.bind("s1", plan(QUOTA))
        found.workers[0].take(plan(QUOTA))
        found.run(0.01)
        for number in range(3):
            client.bind(f"other{number}", plan(QUOTA))
        verdicts = [old.take(found.now) for _ in range(6)]
        found.run(0.1)
        answers = [v.result() if isinstance(v, asyncio.Future) else v for v in verdicts]
        assert [a is None for a in answers] == [True] * 4 + [False] * 2
        client.close()
        found.run(0.1)
        assert used(found) == {"s1": 5}


def test_a_plan_without_limits_admits_everything() -> None:
    """No limits, no message, no header."""
    with machine() as found:
        limits = found.workers[0].client.bind("s1", plan())
        assert limits.take(found.now) is None
        assert (limits.headers(found.now), limits.holds, limits.peek(found.now)) == (b"", False, [])


def test_a_refusal_of_one_limit_consumes_nothing_of_the_others() -> None:
    """A used-up rate does not eat the quota, whichever stands first."""
    rate = Limit(kind="rate", amount=2, per="minute")
    quota = Limit(kind="quota", amount=100, per="month")
    for limits in ((rate, quota), (quota, rate)):
        with machine() as found:
            for _ in range(50):
                found.workers[0].take(plan(*limits))
                found.run(0.01)
            found.workers[0].client.close()
            found.run(0.1)
            assert {denied.reason for _, denied in found.denied} == {"rate_exceeded"}
            assert used(found) == {"s1": len(found.admissions)} == {"s1": 2}


def test_steady_load_never_waits() -> None:
    """After the first moments leases are renewed ahead and every request is decided at once."""
    with machine() as found:
        big = plan(
            Limit(kind="rate", amount=100_000, per="minute"), Limit(kind="quota", amount=10**6, per="month")
        )
        waited = 0
        for number in range(6000):
            verdict = found.workers[0].take(big)
            waited += number > 200 and verdict is not None
            found.run(0.001)
        assert waited == 0
        assert len(found.admissions) == 6000


def test_a_rush_of_refusals_does_not_reach_the_authority() -> None:
    """Once refused, a worker refuses alone until the time the authority named."""
    with machine() as found:
        for _ in range(10):
            found.workers[0].take(plan(QUOTA))
        found.run(0.1)
        sent: list[Any] = []
        found.workers[0].client._send = sent.append
        verdicts = [found.workers[0].take(plan(QUOTA)) for _ in range(500)]
        assert sent == []
        assert all(isinstance(v, Denied) and v.reason == "quota_exceeded" for v in verdicts)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    ("away", "admitted", "reason"),
    [("deny", 0, "limit_unavailable"), ("allow", 30, None), ("local", 10, "rate_exceeded")],
)
def test_without_the_authority_each_limit_does_as_it_says(
    away: WhenAway, admitted: int, reason: str | None, silent: bool
) -> None:
    """Deny refuses, allow admits, local gives the worker its share of the burst (20 among 2): on a broken connection at
    once, on a silent one after two seconds. Each decision is counted."""
    with machine(2) as found:
        limits = plan(Limit(kind="rate", amount=20, per="hour", when_away=away))
        for worker in found.workers:
            worker.take(plan(RATE), subscription="other")
        found.run(0.01)
        for worker in found.workers:
            worker.take(plan(RATE), subscription="other")
        found.run(0.01)
        found.admissions.clear()
        client = found.workers[0].client
        if silent:
            client._send = lambda _message: None
        else:
            client.authority_lost()
        for _ in range(30):
            found.workers[0].take(limits)
        found.run(2.3 if silent else 0.0)
        assert len(found.admissions) == admitted
        assert {denied.reason for _, denied in found.denied} == ({reason} if reason else set())
        assert client.away_decisions == {away: 30}


@pytest.mark.parametrize("kind", ["spike", "quota", "concurrency"])
def test_the_local_share_of_every_kind(kind: str) -> None:
    """Alone for a while, a worker keeps to its part of a spike, a quota or a number in flight."""
    made = {
        "spike": Limit(kind="spike", amount=10, per="second", when_away="local"),
        "quota": Limit(kind="quota", amount=10, per="month", when_away="local"),
        "concurrency": Limit(kind="concurrency", amount=10, when_away="local"),
    }[kind]
    with machine() as found:
        client = found.workers[0].client
        client.workers = 2
        client.authority_lost()
        for _ in range(40):
            found.workers[0].take(plan(made), hold=60.0)
            found.run(0.05)
        expected = {"spike": 10, "quota": 5, "concurrency": 5}[kind]
        assert len(found.admissions) == expected
        assert {denied.reason for _, denied in found.denied} == {f"{kind}_exceeded"}


def test_cancelled_requests_are_passed_over() -> None:
    """A client that leaves while its request waits uses nothing."""
    with machine() as found:
        for _ in range(4):
            found.workers[0].take(plan(QUOTA))
        for _, future, _ in found.workers[0].waiting[:3]:
            future.cancel()
        found.run(0.1)
        found.workers[0].client.close()
        found.run(0.1)
        assert used(found) == {"s1": 1}


def test_peek_tells_each_limit_and_takes_nothing() -> None:
    """One sentence a limit, the same when asked twice."""
    with machine() as found:
        spike, flight = Limit(kind="spike", amount=5, per="second"), Limit(kind="concurrency", amount=10)
        limits = found.workers[0].client.bind("s1", plan(RATE, spike, QUOTA, flight))
        found.workers[0].take(plan(RATE, spike, QUOTA, flight), hold=1.0)
        found.run(0.05)
        sentences = limits.peek(found.now)
        assert sentences == limits.peek(found.now)
        assert sentences[0] == "rate: 60 per minute, burst 20; 19 left now"
        assert sentences[1].startswith("spike: one request each 0.2 s; next slot in 0.15")
        assert sentences[2].startswith("quota: 5 per month (UTC); 4 left, window ends in ")
        assert sentences[3] == "concurrency: at most 10 in flight; 9 free"


def test_peek_tells_a_refusal_only_where_nothing_is_left() -> None:
    """A worker that holds all there is refuses nobody yet; once that is spent the sentence says until when."""
    with machine() as found:
        limits = found.workers[0].client.bind("s1", plan(RATE))
        sentences = []
        for _ in range(21):
            found.workers[0].take(plan(RATE))
            found.run(0.001)
            sentences += limits.peek(found.now)
        assert [text for text in sentences[:19] if "refused" in text] == []
        assert sentences[-1].startswith("rate: 60 per minute, burst 20; 0 left now; refused for another 0.9")


def test_memory_is_bounded() -> None:
    """Sets are evicted past the bound, and nothing of an evicted idle one stays."""
    with machine() as found:
        found.workers[0].client._most_sets = 50
        for number in range(400):
            found.workers[0].take(plan(RATE), subscription=f"s{number}")
            found.run(0.005)
        found.run(LEASE_ALONE + 1.0)
        client = found.workers[0].client
        assert (len(client._sets), len(client._by_key), len(client._busy), client._pending) == (50, 50, 0, {})
        found.run(30.0)
        assert len(found.authority) == 0


def test_a_message_of_another_kind_is_an_error() -> None:
    """Only replies and recalls are for a worker's limits."""
    with (
        machine() as found,
        pytest.raises(LimitMessageError, match="'wake' is not for the limits of a worker"),
    ):
        found.workers[0].client.on_message({"kind": "wake"})


async def test_on_a_real_event_loop_requests_wait_and_are_answered() -> None:
    """With the loop's own futures and timers: one at once, the next after its slot."""
    authority = Authority()
    clock = time.monotonic

    def send(message: dict[str, Any]) -> None:
        reply = authority.handle(1, message, clock(), time.time())
        if reply is not None:
            asyncio.get_running_loop().call_soon(client.on_message, reply)

    client = LimitClient(send, clock, time.time)
    limits = client.bind("s1", plan(Limit(kind="spike", amount=20, per="second"), QUOTA))
    begin = clock()
    verdicts = []
    for _ in range(3):
        verdict = limits.take(clock())
        verdicts.append(verdict if verdict is None or isinstance(verdict, Denied) else await verdict)
    assert verdicts == [None, None, None]
    assert 0.099 <= clock() - begin < 1.0
