"""Media types and Accept: RFC 9110's examples, odd forms, and that nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.mediatype import MediaType, accepted, media_type, quality


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("application/json", "application/json", {}),
        ("Application/JSON; Version=2", "application/json", {"version": "2"}),
        ('text/html;charset="UTF-8"', "text/html", {"charset": "utf-8"}),
        ('text/html; title="a, b; c\\"d"', "text/html", {"title": 'a, b; c"d'}),
        ("application/vnd.orders.v2+json;", "application/vnd.orders.v2+json", {}),
    ],
)
def test_a_media_type_is_read(text: str, name: str, parameters: dict[str, str]) -> None:
    """Names and values compare in lower case, quotes make no difference."""
    assert media_type(text) == MediaType(name, frozenset(parameters.items()))


@pytest.mark.parametrize(
    "text", ["", "json", "a/b/c", "a/ b", "a/b;c", "a/b;c=", 'a/b;c="d', "a/b;q=2", "a/b;q=x"]
)
def test_what_is_no_media_type_is_none(text: str) -> None:
    """Nothing is guessed of what cannot be read."""
    assert media_type(text) is None


@pytest.mark.parametrize(
    ("wanted", "weight"),
    [
        ("text/plain;format=flowed", 1.0),
        ("text/plain", 0.7),
        ("text/html", 0.3),
        ("image/jpeg", 0.5),
        ("text/plain;format=fixed", 0.4),
        ("text/html;level=3", 0.3),
    ],
)
def test_the_most_specific_range_decides(wanted: str, weight: float) -> None:
    """The example of RFC 9110 section 12.5.1."""
    header = (
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
    )
    found = media_type(wanted)
    assert found is not None
    assert quality(found, list(accepted(header))) == weight


def test_members_that_are_none_are_passed_over() -> None:
    """One bad member takes nothing from the others; extensions after the quality are none of the type's."""
    assert list(accepted("nonsense, a/b;q=0.5;ext=1,, c/d;q=9")) == [(MediaType("a/b"), 0.5)]


@given(st.text(max_size=200))
def test_anything_can_be_read(text: str) -> None:
    """No text raises, and every quality is between none and all."""
    assert all(0.0 <= weight <= 1.0 for _, weight in accepted(text))
    media_type(text)
