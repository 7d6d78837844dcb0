"""Roll-up rows on their way from a worker to the store: flat tuples, and a table by columns in between.

A service with many resources sends hundreds of rows a second, so a row must cost little: a column whose values are all
the same is sent as that one value, which most latency buckets are. Only that of the resources is always whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from typing import Any

from wardgate.telemetry.latency import BUCKETS

#: What a row begins with: what it counts, which no two rows share, ...
NAMES = ("minute", "environment", "api", "resource", "application", "status", "reason")
#: ... and what was counted. The requests by latency bucket follow.
MEASURES = ("count", "bytes_in", "bytes_out", "seconds")
FIELDS = NAMES + MEASURES
#: Where in a row what is added up begins, and the latency buckets.
COUNTED = len(NAMES)
LATENCIES = len(FIELDS)
WIDTH = LATENCIES + BUCKETS
_RESOURCE = NAMES.index("resource")

#: ``minute`` is the Unix second it began at; ``seconds`` the sum of the requests' times.
Rollup = tuple[Any, ...]
#: The columns of some rows; empty for none.
PackedRollups = list[list[Any]]

_INTEGER = frozenset({int})
_TEXT = frozenset({str})
_TYPES: dict[str, frozenset[type]] = {
    **dict.fromkeys(("environment", "api", "resource", "application", "reason"), _TEXT),
    "seconds": frozenset({int, float}),
}


def pack(rows: Iterable[Rollup]) -> PackedRollups:
    """The columns of ``rows``, each of :data:`WIDTH` values."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [
        column[:1] if place != _RESOURCE and column.count(column[0]) == len(column) else column
        for place, column in enumerate(columns)
    ]


def unpack(columns: Sequence[Sequence[Any]]) -> list[Rollup]:
    """The rows of what :func:`pack` made.

    Raises:
        TypeError, ValueError: it has another form.
    """
    if not columns:
        return []
    if len(columns) != WIDTH:
        raise ValueError(
            f"roll-ups have {WIDTH} columns, {BUCKETS} of them latency buckets, not {len(columns)}"
        )
    height = len(columns[_RESOURCE])
    full: list[Iterable[Any]] = []
    for place, column in enumerate(columns):
        name = FIELDS[place] if place < LATENCIES else "latency buckets"
        if not _TYPES.get(name, _INTEGER).issuperset(map(type, column)):
            raise ValueError(f"{name} of roll-ups hold a value of another type")
        if len(column) not in (1, height):
            raise ValueError(f"{height} roll-ups have {len(column)} {name}")
        full.append(column if len(column) == height else repeat(column[0], height))
    return list(zip(*full, strict=True))


def added(row: Rollup, other: Rollup) -> Rollup:
    """``row`` with what ``other`` counted; both count the same."""
    return row[:COUNTED] + tuple(map(add, row[COUNTED:], other[COUNTED:]))
