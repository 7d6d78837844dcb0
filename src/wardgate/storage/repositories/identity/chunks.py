"""Ids for statements that name many rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

#: What one statement names at most; databases bound its parameters.
_MOST = 500


def chunks(ids: Collection[str]) -> Iterator[list[str]]:
    """Every id once, in order and in parts: whoever locks rows in one order never waits for each other in a ring."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _MOST):
        yield ordered[start : start + _MOST]
