"""Choosing targets: spread, circuit breaking, active health and the retry budget."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wardgate.domain.upstream import CircuitBreaker, HealthCheck
from wardgate.gateway.balance import Balancer, RetryBudget, TargetState


def balancer(count: int, failures: int = 3, open_seconds: float = 10.0, seed: int = 1) -> Balancer:
    """A balancer over ``t0``, ``t1`` ... with a repeatable random source."""
    breaker = CircuitBreaker(failures=failures, open_seconds=open_seconds)
    names = [f"t{number}" for number in range(count)]
    return Balancer(names, breaker, random.Random(seed).random, HealthCheck(path="/", healthy=2, unhealthy=3))


def chosen(balance: Balancer, now: float, exclude: TargetState | None = None) -> TargetState:
    """The choice, which must be one."""
    target = balance.choose(now, exclude)
    assert target is not None
    return target


def break_open(balance: Balancer, target: TargetState, now: float, failures: int = 3) -> None:
    """Fails requests until the circuit of ``target`` opens."""
    for _ in range(failures):
        target.begin()
        target.failure(now)
    assert target.out


def test_single_target_is_chosen_and_counted() -> None:
    """The only target takes every request while it is healthy, also the retry that comes from it."""
    balance = balancer(1)
    target = chosen(balance, 0.0)
    assert target.name == "t0"
    assert chosen(balance, 0.0, target) is target
    assert target.in_flight == 2
    target.success()
    target.cancel()
    assert target.in_flight == 0


@pytest.mark.parametrize("count", [2, 3, 10])
def test_load_is_spread(count: int) -> None:
    """With equal targets none gets far more than its share, and the busier of two is not taken."""
    balance = balancer(count)
    shares = Counter(chosen(balance, 0.0).name for _ in range(100 * count))
    assert len(shares) == count
    assert max(shares.values()) - min(shares.values()) <= 12


def test_of_two_the_less_busy() -> None:
    """Power of two choices: of two targets the one with less in flight."""
    balance = balancer(2)
    balance.targets[0].in_flight = 5
    assert {chosen(balance, 0.0).name for _ in range(4)} == {"t1"}


def test_circuit_opens_then_lets_one_trial_through() -> None:
    """Enough failures in a row take a target out; after a while exactly one request tries it, and decides."""
    balance = balancer(1)
    target = balance.targets[0]
    for now in (0.0, 1.0):
        chosen(balance, now).failure(now)
    chosen(balance, 1.5).success()
    for now in (2.0, 3.0):
        chosen(balance, now).failure(now)
        assert not target.out
    chosen(balance, 4.0).failure(4.0)
    assert balance.choose(4.0) is None
    assert balance.choose(13.9) is None
    trial = chosen(balance, 14.0)
    assert balance.choose(14.0) is None
    trial.failure(15.0)
    assert balance.choose(24.9) is None
    chosen(balance, 25.0).success()
    assert not target.out
    for _ in range(3):
        chosen(balance, 25.0)
    assert target.failures == 0


def test_cancelled_trial_is_repeated_at_once() -> None:
    """A trial whose client left decides nothing: the next request is the trial."""
    balance = balancer(1)
    break_open(balance, balance.targets[0], 0.0)
    chosen(balance, 10.0).cancel()
    chosen(balance, 10.0)
    assert balance.choose(10.0) is None


def test_endless_trial_does_not_keep_a_target_out() -> None:
    """A trial that streams on is followed by another one after the same time."""
    balance = balancer(1)
    break_open(balance, balance.targets[0], 0.0)
    chosen(balance, 10.0)
    assert balance.choose(19.9) is None
    chosen(balance, 20.0).success()
    assert not balance.targets[0].out


def test_late_answers_do_not_close_an_open_circuit() -> None:
    """Requests sent before the circuit opened neither close it nor prolong it when they end."""
    balance = balancer(1)
    target = balance.targets[0]
    older = [chosen(balance, 0.0), chosen(balance, 0.0)]
    break_open(balance, target, 0.0)
    older[0].success()
    assert balance.choose(5.0) is None
    older[1].failure(9.0)
    assert balance.choose(10.0) is target


def test_other_targets_take_over() -> None:
    """While one target is out the others take all, and the trial goes first once it is due."""
    balance = balancer(3)
    broken = balance.targets[1]
    break_open(balance, broken, 0.0)
    assert {chosen(balance, 1.0).name for _ in range(50)} == {"t0", "t2"}
    names = [chosen(balance, 10.0).name for _ in range(50)]
    assert names.count("t1") == 1


def test_retry_prefers_another_target() -> None:
    """A retry goes elsewhere if it can, is no trial if it need not be, and goes back only where nothing else is left."""
    balance = balancer(3)
    first, second, third = balance.targets
    assert {chosen(balance, 0.0, first).name for _ in range(30)} == {"t1", "t2"}
    break_open(balance, second, 0.0)
    assert {chosen(balance, 20.0, first).name for _ in range(30)} == {"t2"}
    break_open(balance, third, 15.0)
    assert chosen(balance, 20.0, first) is second
    assert chosen(balance, 20.0, first) is first
    break_open(balance, first, 20.0)
    assert balance.choose(20.0, first) is None


def test_active_checks_turn_a_target_off_and_on() -> None:
    """The set number of failed probes in a row takes a target out, of good ones brings it back."""
    balance = balancer(1)
    target = balance.targets[0]
    for ok in (False, False, True, False, False):
        target.probe(ok)
        assert not target.out
    target.probe(False)
    assert balance.choose(0.0) is None
    target.probe(True)
    assert balance.choose(0.0) is None
    target.probe(False)
    target.probe(True)
    target.probe(True)
    assert balance.choose(0.0) is target


def test_both_kinds_of_health_must_agree() -> None:
    """A target its probes call down gets no trial, and good probes do not close an open circuit."""
    balance = balancer(1)
    target = balance.targets[0]
    break_open(balance, target, 0.0)
    for _ in range(3):
        target.probe(False)
    assert balance.choose(50.0) is None
    target.probe(True)
    target.probe(True)
    assert target.out
    trial = chosen(balance, 50.0)
    for _ in range(3):
        target.probe(False)
    trial.success()
    assert target.out
    target.probe(True)
    target.probe(True)
    assert not target.out


def test_refuses_what_cannot_work() -> None:
    """No targets, thresholds below one and negative budgets are errors."""
    with pytest.raises(ValueError, match="at least one target"):
        Balancer([], CircuitBreaker(), random.random)
    with pytest.raises(ValueError, match="at least 1"):
        Balancer(["t"], CircuitBreaker(failures=0), random.random)
    with pytest.raises(ValueError, match="negative"):
        RetryBudget(-0.1)


class Traffic(RuleBasedStateMachine):
    """Requests, outcomes, probes and time in any order."""

    @initialize(count=st.integers(1, 4), seed=st.integers(0, 1000))
    def begin(self, count: int, seed: int) -> None:
        self.balance = balancer(count, seed=seed)
        self.now = 0.0
        self.flying: list[TargetState] = []

    @rule(exclude=st.none() | st.integers(0, 3))
    def request(self, exclude: int | None) -> None:
        targets = self.balance.targets
        excluded = targets[exclude % len(targets)] if exclude is not None else None
        before = {id(target): (target.out, target.open_until) for target in targets}
        target = self.balance.choose(self.now, excluded)
        if target is None:
            assert all(t.out for t in targets)
            return
        out, open_until = before[id(target)]
        if out:
            assert target.trial
            assert self.now >= open_until
        if excluded is target:
            assert all(before[id(t)][0] for t in targets if t is not target)
        self.flying.append(target)

    @rule(which=st.integers(0, 50), outcome=st.sampled_from(["success", "failure", "failure", "cancel"]))
    def end(self, which: int, outcome: str) -> None:
        if not self.flying:
            return
        target = self.flying.pop(which % len(self.flying))
        if outcome == "failure":
            target.failure(self.now)
        elif outcome == "success":
            target.success()
        else:
            target.cancel()

    @rule(which=st.integers(0, 3), ok=st.booleans())
    def probe(self, which: int, ok: bool) -> None:
        self.balance.targets[which % len(self.balance.targets)].probe(ok)

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def counts_are_true(self) -> None:
        if not hasattr(self, "balance"):
            return
        flying = Counter(id(target) for target in self.flying)
        for target in self.balance.targets:
            assert target.in_flight == flying[id(target)]


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_budget_floor_and_share() -> None:
    """Few requests may retry up to the floor; many may retry up to their share."""
    budget = RetryBudget(0.2, floor=3)
    assert [budget.retry(0.0) for _ in range(5)] == [True, True, True, False, False]
    budget.requests += 50
    assert [budget.retry(1.0) for _ in range(12)].count(True) == 10


def test_budget_fades() -> None:
    """What requests earned is gone ten seconds later, and the floor is there again."""
    budget = RetryBudget(0.2, floor=2)
    budget.requests += 1000
    assert budget.retry(0.0)
    assert [budget.retry(20.0) for _ in range(4)] == [True, True, False, False]


def test_budget_of_zero_allows_no_retry() -> None:
    """A ratio of zero switches retries off, the floor included."""
    budget = RetryBudget(0.0)
    budget.requests += 100
    assert not budget.retry(1.0)


@given(
    st.floats(0.01, 1.0),
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.floats(0, 15)), max_size=30),
)
def test_budget_is_never_overspent(ratio: float, floor: int, steps: list[tuple[int, int, float]]) -> None:
    """Retries never exceed the share of all requests plus the floor for each ten seconds begun."""
    budget = RetryBudget(ratio, floor)
    now = 0.0
    granted = 0
    for requests, retries, wait in steps:
        budget.requests += requests
        granted += sum(budget.retry(now) for _ in range(retries))
        assert granted <= ratio * budget.requests + floor * (1 + now / 10) + 1e-6
        now += wait
