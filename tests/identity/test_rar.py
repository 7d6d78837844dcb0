"""Authorization details (RFC 9396): of registered types, well-formed, and never more than was granted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.token_side import Side

from wardgate.domain.oauth import Client
from wardgate.identity import rar
from wardgate.identity.errors import OAuthError

CLIENT = Client(
    id="app", application="acme", environment="development", name="app", authorization_details_types=("pay",)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "[1]",
        "[{}]",
        '[{"type":1}]',
        '[{"type":"other"}]',
        '[{"type":"pay","type":"pay"}]',
        '[{"type":"pay","actions":"all"}]',
        '[{"type":"pay","locations":[1]}]',
        '[{"type":"pay","identifier":1}]',
        '[{"type":"pay","a":NaN}]',
        '[{"type":"pay"}],"x":1',
        '[{"type":"pay"}]}',
        '[{"type":"pay","a":[[[[[[[[1]]]]]]]]}]',
        DEEP,
        '[{"type":"pay","a":' + DEEP + "}]",
        json.dumps([{"type": "pay"}] * 21),
        json.dumps([{"type": "pay", "a": "x" * 9000}]),
        '[{"type":"pay","a":"\ud800"}]',
    ],
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    """RFC 9396 section 5: invalid_authorization_details."""
    with pytest.raises(OAuthError) as caught:
        rar.parse(CLIENT, text)
    assert caught.value.error == "invalid_authorization_details"


def test_details_are_kept_as_they_are() -> None:
    """Fields of the type's own too."""
    details = [{"type": "pay", "actions": ["one"], "amount": {"value": "1.00", "currency": "EUR"}}]
    assert list(rar.parse(CLIENT, json.dumps(details))) == details
    assert rar.parse(CLIENT, None) == ()
    assert json.loads(rar.shown(details)) == details


@given(st.lists(JSON.map(lambda value: {"type": "pay", "own": value}), max_size=4), st.data())
def test_only_what_was_granted_is_got(granted: list[dict[str, Any]], data: st.DataObject) -> None:
    """Each object equals one that was granted; without asking it is all of them."""
    if granted:
        asked = data.draw(st.lists(st.sampled_from(granted), max_size=4))
        assert list(rar.within(granted, asked)) == (asked or granted)
    with pytest.raises(OAuthError):
        rar.within(granted, [{"type": "pay", "own": "something else", "more": 1}])


async def test_details_travel_with_the_token(side: Side) -> None:
    """RFC 9396 sections 7 and 9.1."""
    await side.client(grant_types=("client_credentials",), authorization_details_types=("pay",))
    details = [{"type": "pay", "actions": ["one"]}]
    form = {"grant_type": "client_credentials", "authorization_details": json.dumps(details)}
    answer = await side.token(form, client="app")
    assert answer["authorization_details"] == details
    assert (await side.claims(answer["access_token"]))["authorization_details"] == details
