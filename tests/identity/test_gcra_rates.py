"""Rates in one process: never more than the bound, never less than what is left, and never more keys than said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.identity.gcra import Rates

START = 1_800_000_000.0


def test_a_burst_then_one_at_a_time() -> None:
    """The burst is free; then each waits its step, and the wait that was told is long enough and not too long."""
    rates = Rates(60, 30)
    assert [rates.take("a", START) for _ in range(30)] == [0.0] * 30
    assert rates.take("a", START) == pytest.approx(1.0, abs=0.01)
    assert rates.take("a", START + 0.9) > 0
    assert rates.take("a", START + 1.0) == 0
    assert rates.take("a", START + 1.0) > 0


def test_a_refusal_takes_nothing() -> None:
    """However often somebody is refused, they are served when they were told."""
    rates = Rates(60, 1)
    assert rates.take("a", START) == 0
    assert all(rates.take("a", START + 0.5) for _ in range(1000))
    assert rates.take("a", START + 1.0) == 0


def test_keys_do_not_touch_each_other() -> None:
    """One that has taken all leaves the other its burst."""
    rates = Rates(60, 2)
    assert [rates.take("a", START) == 0 for _ in range(3)] == [True, True, False]
    assert [rates.take("b", START) == 0 for _ in range(3)] == [True, True, False]


def test_what_is_large_counts_more() -> None:
    """It is taken whole or not at all."""
    rates = Rates(60, 10)
    assert rates.take("a", START, 8) == 0
    assert rates.take("a", START, 3) == pytest.approx(1.0, abs=0.01)
    assert rates.take("a", START, 2) == 0


def test_a_clock_that_was_set_back_shuts_nobody_out() -> None:
    """What was taken in a future that was none is forgotten, and counting goes on from there."""
    rates = Rates(60, 2)
    assert [rates.take("a", START + 86400) == 0 for _ in range(3)] == [True, True, False]
    assert [rates.take("a", START) == 0 for _ in range(3)] == [True, True, False]
    assert rates.take("a", START + 1.0) == 0


def test_who_is_at_rest_is_forgotten() -> None:
    """A key that may take its burst again is as good as new, and goes while others come."""
    rates = Rates(60, 5)
    for number in range(100):
        rates.take(f"old {number}", START)
    for number in range(100):
        rates.take(f"new {number}", START + 2)
    assert len(rates) == 100


def test_there_are_never_more_keys_than_said() -> None:
    """Those that took nothing for the longest time go first."""
    rates = Rates(60, 100, most=10)
    for number in range(50):
        rates.take(f"flood {number}", START)
        rates.take("busy", START)
        assert len(rates) <= 10
    assert rates.take("busy", START, 51) > 0
    assert rates.take("flood 49", START, 100) > 0
    assert rates.take("flood 0", START, 100) == 0


@given(
    st.integers(1, 600),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), min_size=1, max_size=120),
)
def test_no_span_of_time_holds_more_than_the_bound(
    a_minute: int, burst: int, asked: list[tuple[float, int]]
) -> None:
    """Over every span between two admissions: the burst, and what the time brings."""
    rates = Rates(a_minute, burst)
    now, taken = START, []
    for pause, count in asked:
        now += pause
        if rates.take("a", now, count) == 0:
            taken.append((now, count))
    for first, (begin, _) in enumerate(taken):
        total = 0
        for at, count in taken[first:]:
            total += count
            assert total <= burst + (at - begin + 0.01) * a_minute / 60
