"""Spike arrest: even spacing, a short queue, refusal past it."""

from __future__ import annotations

import itertools

import pytest
from tests.limits.simulation import START, check, machine

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.messages import Item
from wardgate.limits.spike import SpikeCounter, leeway

FIVE = Limit(kind="spike", amount=5, per="second")


def plan(*limits: Limit) -> Plan:
    return Plan(name="p", limits=limits)


def test_early_requests_wait_for_their_slots_and_the_rest_are_refused() -> None:
    """Of 20 at once one goes through, five wait 0.2 to 1.0 s for their slots, the others are refused at once."""
    with machine() as found:
        for _ in range(20):
            found.workers[0].take(plan(FIVE))
        found.run(0.01)
        refused = [denied for _, denied in found.denied]
        assert {denied.reason for denied in refused} == {"spike_exceeded"}
        assert len(refused) == 14
        assert all(0.0 <= denied.retry_after <= 0.3 for denied in refused)
        found.run(3.0)
        times = [at - found.admissions[0] for at in found.admissions]
        assert times == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], abs=0.003)


def test_without_a_queue_early_requests_are_refused() -> None:
    """``queue: 0`` refuses whatever comes before its slot."""
    with machine() as found:
        strict = plan(Limit(kind="spike", amount=5, per="second", queue=0.0))
        for _ in range(100):
            found.workers[0].take(strict)
            found.run(0.02)
        assert 9 <= len(found.admissions) <= 10
        assert {denied.reason for _, denied in found.denied} == {"spike_exceeded"}
        assert all(denied.retry_after <= 0.2 for _, denied in found.denied)


def test_traffic_slower_than_the_limit_never_waits_long() -> None:
    """Spaced requests are all admitted, in at most a message's round trip."""
    with machine() as found:
        for _ in range(20):
            found.workers[0].take(plan(FIVE))
            found.run(0.25)
        assert len(found.admissions) == 20
        late = [(at - START) % 0.25 for at in found.admissions]
        assert max(late) < 0.002


@pytest.mark.parametrize(("amount", "least"), [(5, 0.9), (50, 0.8), (1000, 0.75)])
def test_workers_under_load_share_most_of_the_slots(amount: int, least: float) -> None:
    """Three overloaded workers keep the distance and use most slots, small rates and large."""
    limit = Limit(kind="spike", amount=amount, per="second")
    with machine(3, seed=5) as found:
        for number in range(3000):
            found.workers[number % 3].take(plan(limit))
            found.run(0.001)
        found.run(0.001)
        check(limit, found)
        assert len(found.admissions) >= least * amount * 3


def test_one_worker_under_load_uses_every_slot() -> None:
    """Alone a worker has no gap between its slots."""
    with machine() as found:
        for _ in range(2000):
            found.workers[0].take(plan(Limit(kind="spike", amount=50, per="second")))
            found.run(0.001)
        gaps = [b - a for a, b in itertools.pairwise(found.admissions)]
        assert max(gaps) < 0.0215
        assert len(found.admissions) >= 98


def test_a_waiting_request_takes_the_other_limits_only_when_its_slot_comes() -> None:
    """A quota is charged for what was admitted, not for what was refused or left the queue."""
    quota = Limit(kind="quota", amount=100, per="month")
    with machine() as found:
        for _ in range(20):
            found.workers[0].take(plan(FIVE, quota))
        found.run(0.3)
        for _, future, _ in found.workers[0].waiting[:2]:
            future.cancel()
        found.run(3.0)
        admitted = len(found.admissions)
        assert admitted == 4
        assert [used for _, _, used in found.authority.quota_dump()] == [admitted]


def test_a_dead_workers_span_ends_with_it() -> None:
    """The next worker begins one distance after the death, not after the span."""
    counter = SpikeCounter(FIVE, START)
    counter.grant(1, 5, START, 0.0)
    assert counter.end > START + 0.8
    counter.gone(1, START + 0.1)
    assert counter.grant(2, 1, START + 0.1, 0.0)["start"] == pytest.approx(START + 0.3)


def test_a_span_that_never_began_leaves_the_one_before_it_whole() -> None:
    """If the worker next in turn dies first, the distance to the span before is still kept."""
    counter = SpikeCounter(FIVE, START)
    counter.grant(1, 2, START, 0.0)
    end = counter.end
    counter.grant(2, 1, START, 0.0)
    counter.gone(2, START + 0.01)
    assert counter.grant(3, 1, START + 0.01, 0.0)["start"] == pytest.approx(end + 0.2)


def test_a_span_given_up_ends_at_the_last_admission() -> None:
    """What was not used of a span is free for others."""
    counter = SpikeCounter(FIVE, START)
    counter.grant(1, 5, START, 0.0)
    counter.report(1, Item(key="k", last=START + 0.01, done=True), START + 0.1, 0.0)
    assert counter.grant(2, 1, START + 0.1, 0.0)["start"] == pytest.approx(START + 0.21)
    counter.report(2, Item(key="k", done=True), START + 0.15, 0.0)
    assert counter.grant(1, 1, START + 0.15, 0.0)["start"] == pytest.approx(START + 0.21)


@pytest.mark.parametrize(("step", "seconds"), [(0.001, 0.02), (0.05, 0.005), (0.2, 0.01), (12.0, 0.05)])
def test_leeway_grows_with_the_distance(step: float, seconds: float) -> None:
    """Dense slots are leased 20 ms at a time; sparse ones leave a twentieth, 50 ms at most."""
    assert leeway(step) == pytest.approx(seconds)
