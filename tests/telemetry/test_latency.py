"""Percentiles read from latency buckets."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.telemetry.latency import BOUNDS, BUCKETS, percentile


def test_no_requests_have_no_percentile() -> None:
    """Nothing counted gives no figure rather than zero."""
    assert percentile([0] * BUCKETS, 0.95) is None


def test_one_bucket_is_interpolated() -> None:
    """Within its bucket a percentile moves linearly."""
    buckets = [0] * BUCKETS
    buckets[3] = 100  # 5 to 10 ms
    assert percentile(buckets, 0.5) == pytest.approx(0.0075)


def test_beyond_the_last_boundary_the_boundary_stands() -> None:
    """What took longer than a minute counts as a minute: the most that is known."""
    assert percentile([0] * (BUCKETS - 1) + [3], 0.5) == BOUNDS[-1]


@pytest.mark.parametrize(
    ("buckets", "share", "told"), [([1], 0.5, "17 buckets"), ([0] * BUCKETS, 1.5, "share")]
)
def test_wrong_input_is_named(buckets: list[int], share: float, told: str) -> None:
    """A histogram of another shape, or a share that is none, is refused by name."""
    with pytest.raises(ValueError, match=told):
        percentile(buckets, share)


@given(st.lists(st.floats(0, 59), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(seconds: list[float], share: float) -> None:
    """The figure is never further from the truth than the bucket is wide."""
    buckets = [0] * BUCKETS
    for value in seconds:
        buckets[bisect_left(BOUNDS, value)] += 1
    rank = max(0, -(-share * len(seconds) // 1) - 1)
    true = sorted(seconds)[int(min(rank, len(seconds) - 1))]
    found = percentile(buckets, share)
    index = bisect_left(BOUNDS, true)
    assert found is not None
    assert (BOUNDS[index - 1] if index else 0.0) <= found <= BOUNDS[index] + 1e-9
