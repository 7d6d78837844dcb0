"""A quota that softens: past it the caller is held to a rate, by all workers together."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.limits.simulation import machine

from wardgate.domain.limit import Limit, Plan, Soften
from wardgate.limits.headers import named, template
from wardgate.limits.messages import softened


def quota(amount: int, rate: int, **more: object) -> Limit:
    """A quota a month that softens to ``rate`` requests a second."""
    return Limit(
        kind="quota",
        amount=amount,
        per="month",
        on_exceeded="soften",
        soften=Soften(amount=rate, per="second"),
        **more,  # type: ignore[arg-type]
    )


def test_past_the_quota_requests_go_on_at_the_rate() -> None:
    """The quota comes first, whole; then so many a second, no more and no fewer."""
    plan = Plan(name="p", limits=(quota(50, 5),))
    with machine(1) as found:
        for _ in range(50):
            found.workers[0].take(plan)
        found.run(0.1)
        assert len(found.admissions) == 50
        for _ in range(200):
            found.workers[0].take(plan)
            found.run(0.05)
        past = len(found.admissions) - 50
        assert 50 <= past <= 5 + 10 * 5 + 1


def test_a_refusal_past_the_quota_says_so_and_when_the_rate_lets_in_again() -> None:
    """The reason is the quota's, and Retry-After is the rate's, not the end of the month."""
    plan = Plan(name="p", limits=(quota(1, 1),))
    with machine(1) as found:
        for _ in range(6):
            found.workers[0].take(plan)
            found.run(0.01)
        assert len(found.admissions) == 2
        _, denied = found.denied[-1]
        assert denied.reason == "quota_exceeded"
        assert 0 < denied.retry_after <= 1.0
        assert b'"quota";r=0' in denied.headers
        assert b'"quota-softened";r=0;t=1' in denied.headers


def test_other_limits_of_the_plan_hold_past_the_quota_too() -> None:
    """A rate of the plan that is stricter than the softened one still refuses, under its own reason."""
    plan = Plan(name="p", limits=(Limit(kind="rate", amount=1, per="minute"), quota(1, 100)))
    with machine(1) as found:
        for _ in range(5):
            found.workers[0].take(plan)
            found.run(0.05)
        assert len(found.admissions) == 1
        assert found.denied[-1][1].reason == "rate_exceeded"


def test_a_changed_rate_holds_at_once_and_the_quota_stays_used() -> None:
    """The counter of the quota is the same one under a plan that softens and one that does not."""
    stop = Plan(name="p", limits=(Limit(kind="quota", amount=10, per="month"),))
    soft = Plan(name="p", limits=(quota(10, 3),))
    with machine(1) as found:
        worker = found.workers[0]
        for _ in range(12):
            worker.take(stop)
            found.run(0.01)
        assert len(found.admissions) == 10
        worker.take(soft)
        found.run(0.05)
        assert len(found.admissions) == 11
        for _ in range(5):
            worker.take(stop)
            found.run(0.05)
        assert len(found.admissions) == 11


def test_a_new_window_is_a_new_quota() -> None:
    """What was softened ends with the window."""
    limit = Limit(
        kind="quota", amount=5, per="minute", on_exceeded="soften", soften=Soften(amount=1, per="hour")
    )
    plan = Plan(name="p", limits=(limit,))
    with machine(1) as found:
        for _ in range(10):
            found.workers[0].take(plan)
            found.run(0.01)
        before = len(found.admissions)
        found.run(61.0)
        for _ in range(5):
            found.workers[0].take(plan)
            found.run(0.01)
        assert before == 6
        assert len(found.admissions) == before + 5


def test_headers_name_the_rate_beside_its_quota() -> None:
    """A client that reads RateLimit-Policy knows beforehand what it will be held to."""
    limits = (Limit(kind="rate", amount=9, per="second"), quota(100, 2))
    assert [name for name, _ in named(limits)] == ["rate", "quota", "quota-softened"]
    assert b'"quota-softened";q=2;w=1' in template(limits)
    assert template(limits).count(b"%d") == 6
    assert softened(limits[0]) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    amount=st.sampled_from([1, 3, 20, 100]),
    rate=st.sampled_from([1, 4, 50]),
    workers=st.integers(1, 4),
    seed=st.integers(0, 1000),
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 0.003, 0.05, 0.4]), st.integers(0, 3)), min_size=5, max_size=80
    ),
)
def test_all_workers_together_keep_to_quota_and_rate(
    amount: int, rate: int, workers: int, seed: int, steps: list[tuple[float, int]]
) -> None:
    """In any time after the start no more is admitted than the quota and what the rate allows in that time; nobody waits
    for ever, and an idle caller is let in again."""
    plan = Plan(name="p", limits=(quota(amount, rate),))
    with machine(workers, seed=seed) as found:
        for pause, index in steps:
            found.run(pause)
            for _ in range(3):
                found.workers[index % workers].take(plan)
        found.run(3.0)
        assert not [worker for worker in found.workers if worker.waiting], "a request was never answered"
        began = found.admissions[0]
        for count, at in enumerate(sorted(found.admissions), 1):
            assert count <= amount + rate + (at - began) * rate + 1e-6
        admitted = len(found.admissions)
        verdict = found.workers[0].take(plan)
        found.run(2.0)
        assert len(found.admissions) == admitted + 1, verdict
        if isinstance(verdict, asyncio.Future):
            assert verdict.result() is None
