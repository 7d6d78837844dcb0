"""The invariant: whatever the workers, messages and crashes do, all workers together keep to every limit."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.limits.simulation import check, machine

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.lease import GRACE, LEASE_ALONE

#: Longer than any lease and its grace: what a worker says after such a stall comes too late.
LONG = LEASE_ALONE + GRACE + 0.5

RATES = st.builds(
    Limit,
    kind=st.just("rate"),
    amount=st.sampled_from([1, 3, 10, 100, 2000]),
    per=st.sampled_from(["second", "minute"]),
    burst=st.sampled_from([None, 1, 2, 20, 300]),
)
QUOTAS = st.builds(
    Limit,
    kind=st.just("quota"),
    amount=st.sampled_from([1, 2, 5, 40, 1000]),
    per=st.sampled_from(["second", "minute", "month"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
SPIKES = st.builds(
    Limit,
    kind=st.just("spike"),
    amount=st.sampled_from([1, 5, 20, 100, 1000]),
    per=st.sampled_from(["second", "minute"]),
    queue=st.sampled_from([None, 0.0, 0.3]),
)
FLIGHTS = st.builds(
    Limit, kind=st.just("concurrency"), amount=st.sampled_from([1, 2, 7, 31, 40, 200]), per=st.none()
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0003, 0.004, 0.02, 0.2, 0.9, 3.0, LONG]),
        st.integers(0, 3),
        st.sampled_from(["take", "take", "flood", "flood", "crash", "cancel", "stall"]),
        st.sampled_from([0.0, 0.001, 0.1, 2.5, LONG]),
    ),
    min_size=8,
    max_size=60,
)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def drive(
    limits: tuple[Limit, ...],
    steps: list[tuple[float, int, str, float]],
    workers: int,
    seed: int,
    delay: float,
) -> None:
    """Runs the schedule and checks every limit."""
    plan = Plan(name="p", limits=limits)
    with machine(workers, seed=seed, delay=delay) as found:
        for pause, index, action, hold in steps:
            found.run(pause)
            worker = found.workers[index % workers]
            if action == "crash":
                found.crash(index % workers)
            elif action == "stall":
                worker.stalled_until = found.now + hold
            elif found.now < worker.stalled_until:
                continue
            elif action == "cancel":
                for _, future, _ in worker.waiting[::2]:
                    future.cancel()
            else:
                for _ in range(1 if action == "take" else 40):
                    worker.take(plan, hold)
        found.run(LONG + 5.0)
        assert not [w for w in found.workers if w.waiting], "a request was never answered"
        for limit in limits:
            check(limit, found)


@pytest.mark.parametrize("kind", ["rate", "quota", "spike", "concurrency"])
def test_one_limit_is_never_exceeded(kind: str) -> None:
    """Any schedule of takes, floods, crashes and cancellations on up to four workers keeps to the limit."""
    strategy = {"rate": RATES, "quota": QUOTAS, "spike": SPIKES, "concurrency": FLIGHTS}[kind]

    @MANY
    @given(
        strategy, STEPS, st.integers(1, 4), st.integers(0, 1000), st.sampled_from([0.0001, 0.002, 0.4, 2.5])
    )
    def run(
        limit: Limit, steps: list[tuple[float, int, str, float]], workers: int, seed: int, delay: float
    ) -> None:
        drive((limit,), steps, workers, seed, delay)

    run()


@MANY
@given(
    RATES,
    QUOTAS,
    SPIKES,
    FLIGHTS,
    STEPS,
    st.integers(1, 4),
    st.integers(0, 1000),
    st.sampled_from([0.0002, 0.02]),
)
def test_all_kinds_together_are_never_exceeded(
    rate: Limit,
    quota: Limit,
    spike: Limit,
    flight: Limit,
    steps: list[tuple[float, int, str, float]],
    workers: int,
    seed: int,
    delay: float,
) -> None:
    """A plan with every kind of limit keeps to each of them at once."""
    drive((rate, spike, quota, flight), steps, workers, seed, delay)
