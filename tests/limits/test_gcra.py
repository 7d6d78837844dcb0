"""Rates: the full burst at once, then one token each step, and no token lost beyond need."""

from __future__ import annotations

import pytest
from tests.limits.simulation import START, Machine, check, machine

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.gcra import RateCounter
from wardgate.limits.lease import GRACE, LEASE_ALONE
from wardgate.limits.messages import Item

FREE = Limit(kind="rate", amount=100, per="minute", burst=20)


def plan(*limits: Limit) -> Plan:
    return Plan(name="p", limits=limits)


def poll(found: Machine, limits: Plan, seconds: float, every: float = 0.001) -> list[float]:
    """Sends a request every ``every`` seconds to worker 0; returns when they were admitted, from now."""
    begin, before = found.now, len(found.admissions)
    steps = round(seconds / every)
    for number in range(1, steps + 1):
        found.run(begin + number * every - found.now)
        found.workers[0].take(limits)
    found.run(0.01)
    return [at - begin for at in found.admissions[before:]]


@pytest.mark.parametrize("kept", [0.0, 0.3, 1.2])
def test_one_worker_admits_exactly_the_burst_and_then_one_each_step(kept: float) -> None:
    """100 a minute with burst 20: 20 at once, then one each 0.6 s, even if the lease was taken before."""
    with machine() as found:
        for _ in range(30):
            found.workers[0].take(plan(FREE))
        found.run(0.005)
        assert len(found.admissions) == 20
        assert {denied.reason for _, denied in found.denied} == {"rate_exceeded"}
        assert found.denied[0][1].retry_after == pytest.approx(0.6, abs=0.002)
        found.run(kept - 0.005 if kept else 0.0)
        first = found.admissions[0]
        poll(found, plan(FREE), 4.0 - kept)
        times = [at - first for at in found.admissions[20:]]
        due = [0.6 * n for n in range(1, 7)]
        # What came back while nobody asked is admitted at once afterwards.
        expected = [max(at, kept) for at in due]
        assert times == pytest.approx(expected, abs=0.003)


def test_amount_is_the_default_burst() -> None:
    """5 a minute admits exactly 5 at once."""
    with machine() as found:
        five = plan(Limit(kind="rate", amount=5, per="minute"))
        for _ in range(9):
            found.workers[0].take(five)
        found.run(0.01)
        assert len(found.admissions) == 5
        assert len(poll(found, five, 60.0, every=0.05)) == 5


def test_steady_traffic_at_the_rate_is_never_refused() -> None:
    """One request each step forever is admitted, alone or by turns on three workers."""
    for workers in (1, 3):
        with machine(workers) as found:
            ten = plan(Limit(kind="rate", amount=10, per="second", burst=3))
            for number in range(200):
                found.workers[number % workers].take(ten)
                found.run(0.1)
            assert (len(found.admissions), found.denied) == (200, [])


def test_busy_workers_share_nearly_all_of_the_rate() -> None:
    """Four overloaded workers admit together at least 95 % of the rate, and never more than it allows."""
    limit = Limit(kind="rate", amount=200, per="second", burst=50)
    with machine(4, seed=3) as found:
        for number in range(4000):
            found.workers[number % 4].take(plan(limit))
            found.run(0.00125)
        found.run(0.1)
        check(limit, found)
        assert len(found.admissions) >= 0.95 * (50 + 200 * 5)


def test_tokens_idle_in_one_worker_are_called_back_for_another() -> None:
    """The whole burst can be used at a second worker although the first held a lease of it."""
    with machine(2) as found:
        found.workers[0].take(plan(FREE))
        found.run(0.01)
        for _ in range(30):
            found.workers[1].take(plan(FREE))
        found.run(0.3)
        assert len(found.admissions) == 20


def test_a_lease_nobody_reports_on_is_charged() -> None:
    """A stalled worker's tokens count as used after the lease's end and the grace."""
    counter = RateCounter(FREE, START)
    assert counter.grant(1, 20, START, 0.0)["grant"] == 20
    over = START + LEASE_ALONE + GRACE
    counter.expire(over - 0.1, 0.0)
    assert counter.leases.total == 20
    counter.expire(over + 0.1, 0.0)
    assert (counter.leases.total, counter.free(over + 0.1)) == (0, 0)
    counter.report(1, Item(key="k", back=20), over + 0.2, 0.0)
    assert counter.free(over + 0.2) == 0


def test_unused_tokens_return_without_charge() -> None:
    """A returned lease leaves the bucket as it was."""
    counter = RateCounter(FREE, START)
    counter.grant(1, 20, START, 0.0)
    counter.report(1, Item(key="k", used=1, tat=START + 0.6, back=19), START + 0.5, 0.0)
    assert counter.free(START + 0.6) == 20


def test_a_changed_rate_keeps_the_count() -> None:
    """Raising the amount of a plan in use gives no second burst."""
    with machine() as found:
        for _ in range(25):
            found.workers[0].take(plan(FREE))
        found.run(0.3)
        faster = plan(Limit(kind="rate", amount=200, per="minute", burst=20))
        for _ in range(25):
            found.workers[0].take(faster)
        found.run(0.01)
        assert len(found.admissions) <= 21
