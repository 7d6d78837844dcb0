"""Ids sort by time, also within one millisecond."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from wardgate.control.ids import IdMaker, new_id


def test_an_id_is_a_prefix_and_26_digits() -> None:
    """The form is the prefix, an underscore and 26 digits of Crockford's base32."""
    assert re.fullmatch(r"key_[0-9a-hjkmnp-tv-z]{26}", new_id("key", 1_700_000_000.0))


@given(st.lists(st.integers(0, 4_000_000_000_000), min_size=2, max_size=20, unique=True))
def test_later_milliseconds_sort_later(times: list[int]) -> None:
    """Whatever was made first, the id of the later time is greater."""
    made = {at: new_id("x", at / 1000 + 0.0001) for at in times}
    assert sorted(made, key=lambda at: made[at]) == sorted(times)


def test_ids_of_one_millisecond_keep_their_order() -> None:
    """A thousand ids of the same instant are different and sorted as made."""
    maker = IdMaker(lambda size: b"\x7f" * size)
    made = [maker.new("x", 5.0) for _ in range(1000)]
    assert made == sorted(set(made))


def test_an_id_before_the_epoch_or_far_ahead_still_has_its_form() -> None:
    """Times outside 48 bits of milliseconds wrap round instead of growing the id."""
    for at in (-1.0, 1e15):
        assert len(new_id("x", at)) == 28
