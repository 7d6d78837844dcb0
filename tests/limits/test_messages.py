"""Keys and the strict reading of messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.limit import Limit, Plan
from wardgate.limits.authority import Authority
from wardgate.limits.messages import LimitMessageError, decode_items, decode_limit, encode_limit, keys_of

MINUTE = Limit(kind="rate", amount=10, per="minute")


@given(
    st.builds(
        Limit,
        kind=st.sampled_from(["rate", "spike", "quota"]),
        amount=st.integers(1, 10**9),
        per=st.sampled_from(["second", "month"]),
        burst=st.none() | st.integers(1, 99),
        queue=st.none() | st.floats(0, 9),
        when_away=st.sampled_from(["deny", "allow", "local"]),
    )
)
def test_a_limit_survives_its_compact_form(limit: Limit) -> None:
    """What was encoded is decoded."""
    assert decode_limit(encode_limit(limit)) == limit


@pytest.mark.parametrize(
    ("position", "value", "text"),
    [
        (0, "speed", "limit kind 'speed' is unknown"),
        (1, 0, "limit amount 0 must be a whole number from 1"),
        (1, True, "limit amount True"),
        (2, None, "limit period None of kind rate must be one of second, minute"),
        (3, 0, "limit burst 0"),
        (4, -1, "limit queue -1"),
        (5, "Mars/Olympus", "time zone 'Mars/Olympus' is not known"),
        (4, [], "fields are numbers and strings"),
        (6, "hope", "limit when_away 'hope'"),
    ],
)
def test_a_wrong_field_is_named(position: int, value: object, text: str) -> None:
    """A limit that makes no sense never becomes a counter."""
    data = encode_limit(Limit(kind="quota", amount=1, per="day") if position == 5 else MINUTE)
    assert decode_limit(data)
    data[position] = value
    with pytest.raises(LimitMessageError, match=text):
        decode_limit(data)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"kind": "limits.ask"}, "'asks' must be a list"),
        ({"kind": "limits.ask", "asks": [3]}, "object with a string 'key'"),
        (
            {"kind": "limits.ask", "asks": [{"key": "k", "used": -1}]},
            "item 'k': used, back and want are whole numbers from 0, not -1",
        ),
        ({"kind": "limits.ask", "asks": [{"key": "k"}]}, "unknown counter and no limit"),
        ({"kind": "limits.reply"}, "'limits.reply' is not for the limits authority"),
    ],
)
def test_the_authority_refuses_what_it_cannot_read(message: dict[str, Any], text: str) -> None:
    """A broken message is an error that names the field, and creates nothing."""
    authority = Authority()
    with pytest.raises(LimitMessageError, match=text):
        authority.handle(1, message, 0.0, 0.0)
    assert len(authority) == 0


def test_one_key_cannot_be_of_two_kinds() -> None:
    """A key once used for a rate is not a spike's."""
    authority = Authority()
    for limit, fails in ((MINUTE, False), (Limit(kind="spike", amount=1, per="minute"), True)):
        ask = {"kind": "limits.ask", "id": 1, "asks": [{"key": "k", "limit": encode_limit(limit)}]}
        if fails:
            with pytest.raises(LimitMessageError, match="is a rate counter, not spike"):
                authority.handle(1, ask, 0.0, 0.0)
        else:
            authority.handle(1, ask, 0.0, 0.0)


def test_a_limit_that_is_missing_means_no_new_definition() -> None:
    """Items of a return need no limit."""
    assert (
        decode_items({"kind": "limits.return", "items": [{"key": "k", "back": 2}]}, "items")[0].limit is None
    )


def test_keys_keep_the_count_when_amounts_change_or_kinds_are_added() -> None:
    """Same kind, period and zone is the same counter; other subscriptions and plans have their own."""
    quota = Limit(kind="quota", amount=5, per="month")
    before = keys_of("s", Plan(name="p", limits=(quota,)))
    after = keys_of("s", Plan(name="p", limits=(MINUTE, Limit(kind="quota", amount=9, per="month"), quota)))
    assert before[0] == after[1]
    assert len({*after, *keys_of("t", Plan(name="p", limits=(quota,)))}) == 4
    assert keys_of("s", Plan(name="q", limits=(quota,))) != before
