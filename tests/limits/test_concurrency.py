"""Concurrency: permits in flight over all workers."""

from __future__ import annotations

import pytest
from tests.limits.simulation import machine

from wardgate.domain.limit import Limit, Plan


def plan(amount: int) -> Plan:
    return Plan(name="p", limits=(Limit(kind="concurrency", amount=amount),))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("amount", [1, 10, 100])
def test_exactly_the_amount_can_be_in_flight(workers: int, amount: int) -> None:
    """All permits can be used at once, over however many workers; one more is refused."""
    with machine(workers) as found:
        for number in range(amount):
            found.workers[number % workers].take(plan(amount), hold=60.0)
            found.run(0.05)
        assert (len(found.flying), found.denied) == (amount, [])
        for worker in found.workers:
            worker.take(plan(amount), hold=60.0)
            found.run(0.5)
        assert {denied.reason for _, denied in found.denied} == {"concurrency_exceeded"}
        assert len(found.denied) == workers


def test_a_finished_request_makes_room_at_once() -> None:
    """After a release the next request is admitted, in the same worker and in another."""
    with machine(2) as found:
        for index in (0, 0, 1, 0, 1):
            found.workers[index].take(plan(1), hold=0.05)
            found.run(0.1)
        assert (len(found.admissions), found.denied) == (5, [])


def test_permits_kept_idle_are_called_back() -> None:
    """A worker that keeps many permits of finished requests gives them up when another needs them."""
    with machine(2) as found:
        for _ in range(100):
            found.workers[0].take(plan(100), hold=0.01)
        found.run(0.2)
        for _ in range(100):
            found.workers[1].take(plan(100), hold=60.0)
        found.run(1.0)
        assert len(found.flying) == 100


def test_a_crashed_workers_permits_are_free() -> None:
    """Requests that died with their worker are no longer in flight."""
    with machine(2) as found:
        for _ in range(10):
            found.workers[0].take(plan(10), hold=60.0)
        found.run(0.1)
        found.crash(0)
        found.run(0.1)
        for _ in range(10):
            found.workers[1].take(plan(10), hold=60.0)
        found.run(0.5)
        assert len(found.flying) == 10


def test_idle_permits_return_and_the_counter_is_forgotten() -> None:
    """Some seconds after the last request the authority holds nothing of it."""
    with machine(2) as found:
        for worker in found.workers:
            for _ in range(20):
                worker.take(plan(50), hold=0.1)
        found.run(30.0)
        assert len(found.authority) == 0
