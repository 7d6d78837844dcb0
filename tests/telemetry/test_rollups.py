"""Roll-up rows by columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.rollups import COUNTED, WIDTH, Rollup, added, pack, unpack

_COUNT = st.integers(0, 3) | st.integers(0, 2**60)
_ROWS = st.lists(
    st.tuples(
        st.sampled_from([60, 120]),
        *[st.sampled_from(["", "a", 'GET /"x"', "é"])] * 4,
        st.sampled_from([200, 404]),
        st.sampled_from(["ok", "key_unknown"]),
        *[_COUNT] * 3,
        st.floats(0, 1e6),
        *[_COUNT] * BUCKETS,
    ),
    max_size=12,
)

ROW: Rollup = (
    60,
    "development",
    "orders/v1",
    "GET /",
    "app",
    200,
    "ok",
    3,
    1,
    2,
    0.5,
    3,
    *[0] * (BUCKETS - 1),
)


@given(_ROWS)
def test_rows_that_were_packed_are_unpacked(rows: list[Rollup]) -> None:
    """Every row comes back as it was, in order, through JSON."""
    packed = pack(rows)
    assert bool(packed) == bool(rows)
    assert unpack(json.loads(json.dumps(packed))) == rows


def test_a_column_that_all_rows_share_is_sent_once() -> None:
    """Of rows that differ in their resource the resources alone are many."""
    packed = pack([(*ROW[:3], f"GET /{number}", *ROW[4:]) for number in range(100)])
    assert [len(column) for column in packed] == [1, 1, 1, 100] + [1] * (WIDTH - 4)


@pytest.mark.parametrize(
    ("place", "column", "said"),
    [
        (0, ["60", 60], "minute of roll-ups hold"),
        (0, [60.0, 60], "minute of roll-ups hold"),
        (3, ["a", None], "resource of roll-ups hold"),
        (5, [True, 200], "status of roll-ups hold"),
        (10, [None], "seconds of roll-ups hold"),
        (WIDTH - 1, [0.5, 1], "latency buckets of roll-ups hold"),
        (7, [1, 2, 3], "2 roll-ups have 3 count"),
        (4, [], "2 roll-ups have 0 application"),
        (4, None, "NoneType"),
    ],
)
def test_columns_of_another_form_are_refused_by_name(place: int, column: Any, said: str) -> None:
    """One wrong value would keep every later flush from being written."""
    packed: list[Any] = pack([ROW, (*ROW[:3], "GET /b", *ROW[4:])])
    packed[place] = column
    with pytest.raises((TypeError, ValueError), match=said):
        unpack(packed)


def test_rows_of_another_width_are_refused() -> None:
    """Rows with another number of latency buckets cannot be added up."""
    with pytest.raises(ValueError, match=f"have {WIDTH} columns"):
        unpack(pack([ROW])[:-1])


def test_rows_add_what_was_counted_alone() -> None:
    """What a row counts stays, every figure and bucket is a sum."""
    total = added(ROW, ROW)
    assert total[:COUNTED] == ROW[:COUNTED]
    assert total[COUNTED:] == tuple(2 * figure for figure in ROW[COUNTED:])
