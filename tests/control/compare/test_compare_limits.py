"""When a limit implies another: checked against callers who keep to the one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wardgate.control.compare.limits import implies, no_weaker
from wardgate.domain.limit import PERIOD_SECONDS, Limit

_PACED = st.builds(
    Limit,
    kind=st.sampled_from(["rate", "spike"]),
    amount=st.integers(1, 8),
    per=st.sampled_from(["second", "minute"]),
    burst=st.one_of(st.none(), st.integers(1, 6)),
)


def _admitted(limit: Limit, times: list[float]) -> list[float]:
    """The requests a limit lets through, by the definition of GCRA; a spike arrest has no burst."""
    step = PERIOD_SECONDS[limit.per or ""] / limit.amount
    burst = 1 if limit.kind == "spike" else limit.burst or limit.amount
    tat, found = float("-inf"), []
    for now in times:
        if tat - now <= (burst - 1) * step + 1e-9:
            tat = max(tat, now) + step
            found.append(now)
    return found


@given(_PACED, _PACED, st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_who_keeps_to_a_limit_keeps_to_what_it_implies(one: Limit, other: Limit, gaps: list[int]) -> None:
    """Whatever one limit lets through, the limits it implies let through too."""
    assume(implies(one, other))
    times, now = [], 0.0
    for gap in gaps:
        now += gap / 8
        times.append(now)
    passed = _admitted(one, times)
    assert _admitted(other, passed) == passed


@given(_PACED)
def test_a_limit_implies_itself(limit: Limit) -> None:
    """Nothing is weaker than itself."""
    assert implies(limit, limit)
    assert no_weaker((limit,), (limit,))


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (
            Limit(kind="rate", amount=60, per="minute", burst=1),
            Limit(kind="rate", amount=1, per="second"),
            True,
        ),
        (
            Limit(kind="rate", amount=61, per="minute", burst=1),
            Limit(kind="rate", amount=1, per="second"),
            False,
        ),
        (Limit(kind="quota", amount=40, per="day"), Limit(kind="quota", amount=1240, per="month"), True),
        (Limit(kind="quota", amount=40, per="day"), Limit(kind="quota", amount=1239, per="month"), False),
        (Limit(kind="quota", amount=1, per="month"), Limit(kind="quota", amount=100, per="day"), False),
        (Limit(kind="quota", amount=1, per="week"), Limit(kind="quota", amount=100, per="month"), False),
        (
            Limit(kind="quota", amount=1, per="day", timezone="Europe/Berlin"),
            Limit(kind="quota", amount=100, per="day"),
            False,
        ),
        (Limit(kind="concurrency", amount=3), Limit(kind="concurrency", amount=3), True),
        (Limit(kind="concurrency", amount=3, when_away="local"), Limit(kind="concurrency", amount=3), False),
        (Limit(kind="concurrency", amount=3), Limit(kind="concurrency", amount=3, when_away="allow"), True),
        (Limit(kind="rate", amount=1, per="day"), Limit(kind="quota", amount=5, per="day"), False),
    ],
)
def test_amounts_are_compared_per_time(one: Limit, other: Limit, said: bool) -> None:
    """Rates by their amount per second, quotas where windows lie within windows, and nothing that cannot be told."""
    assert implies(one, other) is said
