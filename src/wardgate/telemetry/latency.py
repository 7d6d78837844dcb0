"""Latency buckets: their fixed boundaries, and percentiles read from them."""

from __future__ import annotations

from collections.abc import Sequence

#: Upper bounds in seconds, each inclusive; one more bucket holds what took longer than the last. Part of the stored
#: format: roll-ups of different versions are added up bucket by bucket, so these never change.
BOUNDS: tuple[float, ...] = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    30.0,
    60.0,
)

BUCKETS = len(BOUNDS) + 1


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """The latency in seconds that ``share`` (0 to 1) of all counted requests did not exceed; ``None`` without any.

    Interpolated inside its bucket; requests beyond the last boundary count as that boundary, the most that is known.

    Raises:
        ValueError: ``buckets`` has not :data:`BUCKETS` entries, or ``share`` is no share.
    """
    if len(buckets) != BUCKETS:
        raise ValueError(f"a latency histogram has {BUCKETS} buckets, not {len(buckets)}")
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    total = sum(buckets)
    if total == 0:
        return None
    rank = share * total
    below = 0
    for index, bound in enumerate(BOUNDS):
        count = buckets[index]
        if count and below + count >= rank:
            lower = BOUNDS[index - 1] if index else 0.0
            return lower + (bound - lower) * max(rank - below, 0.0) / count
        below += count
    return BOUNDS[-1]
