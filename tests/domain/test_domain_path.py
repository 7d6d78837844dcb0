"""Which decoded paths have one reading."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.path import ambiguity
from wardgate.gateway.path import PathError, canonical


@pytest.mark.parametrize(
    "path", ["/", "/a/b", "/.well-known/x", "/a..b", "/ä/é", "/100%", "/a b", "/a/", '/"<>|^`']
)
def test_plain_paths_have_one_reading(path: str) -> None:
    """What every reader understands alike is left alone."""
    assert ambiguity(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/a//b", "'//' in the path"),
        ("/a/..", "'/..' in the path"),
        ("/a/.. ./b", "'/.. ./' in the path"),
        ("/a;b", "';' in the path"),
        ("/%41", "'%41' in the path"),
        ("/\u202e", "U+202E in the path"),
        ("/\uff0e\uff0e/x", "U+FF0E in the path"),
    ],
)
def test_what_two_readers_could_disagree_about_is_said(path: str, why: str) -> None:
    """The first thing found is told, for the log or the document's owner."""
    assert ambiguity(path) == why


@given(
    st.text(alphabet=st.sampled_from("/.%;a2F \\\u200b\uff0fä\x00?#"), max_size=8).map(
        lambda text: f"/{text}"
    )
)
def test_requests_are_refused_by_the_same_rule(path: str) -> None:
    """A path without two readings is the canonical one of some request; any other is none of any."""
    try:
        decoded, _, _ = canonical(quote(path).encode())
    except PathError:
        assert ambiguity(path) is not None
    else:
        assert ambiguity(path) is None
        assert decoded == path
