"""Template segments: how they are taken apart and filled from a path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.gateway.template import fill, literal, parse


@pytest.mark.parametrize(
    ("segment", "pieces", "names"),
    [
        ("caf%C3%A9-{id}", ("café-", ""), ("id",)),
        ("{id}", ("", ""), ("id",)),
        ("{name}.json", ("", ".json"), ("name",)),
        ("v{major}.{minor}-x", ("v", ".", "-x"), ("major", "minor")),
    ],
)
def test_parsed(segment: str, pieces: tuple[str, ...], names: tuple[str, ...]) -> None:
    """A segment with parameters is its literal pieces and the names between them."""
    assert parse("a/v1 GET /x", segment) == (pieces, names)


def test_literals_are_decoded() -> None:
    """A segment without parameters stands for its decoded text."""
    assert [literal("a", part) for part in ("", "items", "caf%C3%A9")] == ["", "items", "café"]
    with pytest.raises(ValueError, match="of resource a/v1 GET /x has unbalanced"):
        literal("a/v1 GET /x", "a}")


@pytest.mark.parametrize("segment", ["{", "}", "{a", "a}", "{}", "{{a}}", "{a}{b}", "x{a}{b}y"])
def test_refused(segment: str) -> None:
    """A segment nobody could read is refused with the resource it belongs to."""
    with pytest.raises(ValueError, match="of resource a/v1 GET /x has"):
        parse("a/v1 GET /x", segment)


@given(st.lists(st.text("a-.", min_size=1, max_size=2), min_size=1, max_size=3), st.text("a-.", max_size=10))
def test_fill_finds_what_a_regular_expression_finds(middle: list[str], segment: str) -> None:
    """A segment fits exactly when the pattern with lazy groups does, and every value is the shortest."""
    pieces = ("", *middle)
    pattern = "(.+?)".join(re.escape(piece) for piece in pieces)
    expected = re.fullmatch(pattern, segment)
    assert fill(pieces, segment) == (list(expected.groups()) if expected else None)


def test_fill_is_linear() -> None:
    """A long hostile segment costs no more than its length."""
    assert fill(("", "-", "-", "-", "-", "x"), "-" * 100_000) is None
