"""Times, audiences and the types of claims."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jose.minted import NOW

from wardgate.jose.claims import audiences_of, check_times
from wardgate.jose.errors import JoseError


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW + 1}, None),
        ({"exp": NOW - 29}, None),
        ({"exp": NOW - 30}, "expired"),
        ({"exp": NOW - 31}, "expired"),
        ({}, "malformed"),
        ({"exp": None}, "malformed"),
        ({"exp": "1800000300"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": -1}, "malformed"),
        ({"exp": NOW * 1000}, "malformed"),
        ({"exp": 10**400}, "malformed"),
        ({"exp": -(10**400)}, "malformed"),
        ({"exp": NOW + 1, "iat": 10**4000}, "malformed"),
        ({"exp": [NOW]}, "malformed"),
        ({"exp": NOW + 1, "nbf": NOW + 30}, None),
        ({"exp": NOW + 100, "nbf": NOW + 31}, "not_yet_valid"),
        ({"exp": NOW + 100, "iat": NOW + 31}, "not_yet_valid"),
        ({"exp": NOW + 100, "nbf": "soon"}, "malformed"),
        ({"exp": NOW + 100, "iat": NOW - 500}, None),
        ({"exp": NOW + 101, "iat": NOW - 500}, "lifetime"),
        ({"exp": NOW + 600}, None),
        ({"exp": NOW + 601}, "lifetime"),
    ],
)
def test_times(claims: dict[str, Any], reason: str | None) -> None:
    """A token counts from nbf and iat to exp, give or take the skew, and lives no longer than it may."""
    if reason is None:
        check_times(claims, now=NOW, skew=30, max_lifetime=600)
    else:
        with pytest.raises(JoseError) as caught:
            check_times(claims, now=NOW, skew=30, max_lifetime=600)
        assert caught.value.reason == reason


def test_without_a_bound_a_token_may_live_long() -> None:
    """No maximum lifetime: a year is fine."""
    check_times({"exp": NOW + 31_536_000, "iat": NOW}, now=NOW, skew=0)


@given(st.floats(), st.floats(), st.floats())
def test_no_number_breaks_the_check(exp: float, nbf: float, iat: float) -> None:
    """Any float passes or raises a JoseError, and a token past its time never passes."""
    try:
        check_times({"exp": exp, "nbf": nbf, "iat": iat}, now=NOW, skew=5, max_lifetime=3600)
    except JoseError:
        return
    assert exp > NOW - 5 and nbf <= NOW + 5 and iat <= NOW + 5


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, []),
        ({"aud": "a"}, ["a"]),
        ({"aud": ["a", "b", "a"]}, ["a", "b"]),
        ({"aud": []}, []),
        ({"aud": 5}, None),
        ({"aud": ["a", 5]}, None),
        ({"aud": {"a": 1}}, None),
    ],
)
def test_audiences(claims: dict[str, Any], expected: list[str] | None) -> None:
    """A text or a list of texts; anything else is malformed, never ignored."""
    if expected is None:
        with pytest.raises(JoseError, match="malformed"):
            audiences_of(claims)
    else:
        assert audiences_of(claims) == frozenset(expected)
