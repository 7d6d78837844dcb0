"""Uses of credentials by columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.telemetry.uses import Use, pack, unpack

_USES = st.lists(
    st.tuples(
        st.text(), st.integers(1, 9), st.integers(0, 3), st.sampled_from(["", "192.0.2.1", "2001:db8::1"])
    ),
    unique_by=lambda use: use[0],
    max_size=20,
)


@given(_USES)
def test_what_was_packed_is_unpacked(uses: list[Use]) -> None:
    """Every row comes back as it was, in order, through JSON."""
    ids, counts, times, addresses = ([use[place] for use in uses] for place in range(4))
    packed = pack(ids, counts, times, addresses)  # type: ignore[arg-type]
    assert bool(packed) == bool(uses)
    assert unpack(json.loads(json.dumps(packed))) == uses


def test_what_all_have_in_common_is_sent_once() -> None:
    """A thousand keys used once from one place cost hardly more than their ids."""
    packed = pack(["a", "b", "c"], [1, 1, 1], [60, 60, 60], ["192.0.2.1", "192.0.2.1", "192.0.2.2"])
    assert packed == {
        "ids": ["a", "b", "c"],
        "counts": [1],
        "times": [60],
        "addresses": ["192.0.2.1", "192.0.2.1", "192.0.2.2"],
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ids": ["a", 1]}, "ids of credentials are texts"),
        ({"ids": [["a"], "b"]}, "ids of credentials are texts"),
        ({"counts": ["1"]}, "counts of uses hold"),
        ({"counts": [True]}, "counts of uses hold"),
        ({"times": [None]}, "times of uses hold"),
        ({"addresses": [{}]}, "addresses of uses hold"),
        ({"counts": [1, 2, 3]}, "2 uses have 3 counts"),
        ({"times": []}, "2 uses have 0 times"),
        ({"addresses": None}, "not iterable"),
    ],
)
def test_another_form_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    """One wrong value would keep every later flush from being written."""
    packed = pack(["a", "b"], [1, 2], [3, 4], ["", "192.0.2.1"])
    with pytest.raises((TypeError, ValueError), match=said):
        unpack(packed | change)


def test_a_missing_column_is_refused() -> None:
    """No value is made up."""
    with pytest.raises(KeyError, match="counts"):
        unpack({"ids": ["a"]})
