"""Parameters of OpenID Connect are read strictly, and what they ask of a sign-in is judged the safe way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.front import ACR_ONE, ACR_TWO

from wardgate.domain.people import Session
from wardgate.identity.errors import OAuthError
from wardgate.identity.oidc import (
    PROMPTS,
    Assurance,
    is_fresh,
    is_sure_enough,
    read_claims,
    read_max_age,
    read_prompt,
    required_assurance,
    wished_values,
)

NOW = 1000.0


def session(**changes: Any) -> Session:
    """A sign-in at 900."""
    return Session(
        **{
            "id": "s",
            "user": "u",
            "environment": "development",
            "created_at": 1.0,
            "seen_at": 1.0,
            "expires_at": 1e9,
            "auth_time": 900.0,
            "acr": ACR_ONE,
            "amr": ("pwd",),
            **changes,
        }
    )


@given(st.text())
def test_prompt_is_a_set_of_known_words(text: str) -> None:
    """Anything else is an error, and ``none`` stands alone."""
    try:
        found = read_prompt(text)
    except OAuthError as error:
        assert error.error == "invalid_request"
        assert not frozenset(text.split()) <= PROMPTS or "none" in text.split()
    else:
        assert found == frozenset(text.split()) <= PROMPTS
        assert "none" not in found or len(found) == 1


@given(st.text(max_size=12))
def test_max_age_is_plain_digits(text: str) -> None:
    """No sign, no blanks, no digits of other scripts, nothing that grows without end."""
    try:
        found = read_max_age(text, None)
    except OAuthError as error:
        assert error.error == "invalid_request"
    else:
        assert found is not None
        assert text.isascii()
        assert 0 <= found < 10**9


def test_max_age_has_the_clients_default() -> None:
    """Only where the request has none."""
    assert read_max_age(None, 5) == 5
    assert read_max_age("0", 5) == 0
    assert read_max_age(None, None) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["userinfo", "id_token", "other"]), _JSON))
def test_claims_are_objects_of_wishes(document: dict[str, Any]) -> None:
    """Whatever JSON comes, what is read has one form: destination, claim, wish."""
    try:
        found = read_claims(json.dumps(document))
    except OAuthError as error:
        assert error.error == "invalid_request"
        return
    assert found.keys() <= {"userinfo", "id_token"}
    for asked in found.values():
        for name, wish in asked.items():
            assert isinstance(name, str)
            assert isinstance(wish, dict)
            assert isinstance(wish.get("values", []), list)


@given(st.text())
def test_claims_that_are_no_json(text: str) -> None:
    """Nothing but an OAuth error comes of it."""
    try:
        read_claims(text)
    except OAuthError as error:
        assert error.error == "invalid_request"


@pytest.mark.parametrize(
    ("values", "claims", "defaults", "expected"),
    [
        (None, {}, (), Assurance()),
        (ACR_TWO, {}, (), Assurance(acr=ACR_TWO)),
        (f"{ACR_TWO} {ACR_ONE}", {}, (), Assurance(acr=ACR_ONE)),
        (f"urn:mace:gold {ACR_TWO}", {}, (), Assurance(acr=ACR_TWO)),
        ("urn:mace:gold", {}, (), Assurance(possible=False)),
        (None, {}, (ACR_TWO,), Assurance(acr=ACR_TWO)),
        (ACR_ONE, {}, (ACR_TWO,), Assurance(acr=ACR_ONE)),
        (ACR_ONE, {"id_token": {"acr": {"value": ACR_TWO}}}, (), Assurance(acr=ACR_TWO)),
        (None, {"id_token": {"acr": {"essential": True}}}, (), Assurance()),
        (None, {"id_token": {"acr": {"essential": True, "values": ["x"]}}}, (), Assurance(possible=False)),
        (None, {"id_token": {"acr": {"values": ["x"]}}}, (), Assurance()),
        (None, {"id_token": {"acr": {"value": "x", "essential": False}}}, (ACR_TWO,), Assurance(acr=ACR_TWO)),
        (None, {"id_token": {"acr": {"values": ["x", ACR_TWO]}}}, (), Assurance(acr=ACR_TWO)),
        (None, {"userinfo": {"acr": {"value": ACR_TWO}}}, (), Assurance()),
    ],
)
def test_the_least_that_will_do(
    values: str | None, claims: dict[str, Any], defaults: tuple[str, ...], expected: Assurance
) -> None:
    """Any of the classes asked for will do, and so will a higher one (RFC 9470 section 5). What cannot be met stops nobody
    unless it was essential (OIDC core section 5.5.1.1)."""
    assert required_assurance(values, claims, defaults) == expected


def test_a_higher_class_will_do_and_an_unknown_one_never() -> None:
    """Classes are in an order; what a session holds that is none of them is worth nothing."""
    assert is_sure_enough(session(acr=ACR_TWO), ACR_ONE)
    assert not is_sure_enough(session(acr=ACR_ONE), ACR_TWO)
    assert not is_sure_enough(session(acr="urn:other:3"), ACR_ONE)
    assert is_sure_enough(session(acr=""), "")


@pytest.mark.parametrize(
    ("max_age", "again", "asked_at", "fresh"),
    [
        (None, False, None, True),
        (100, False, None, True),
        (99, False, None, False),
        (0, False, None, False),
        (None, True, None, False),
        (1000, True, None, False),
        (None, True, 901.0, False),
        (None, True, 900.0, True),
        (0, False, 899.0, True),
        (99, False, 901.0, False),
    ],
)
def test_how_recent_a_sign_in_must_be(
    max_age: int | None, again: bool, asked_at: float | None, fresh: bool
) -> None:
    """Within max_age, or since the request began to wait; only the latter where a new one is asked for."""
    assert is_fresh(session(), max_age=max_age, again=again, asked_at=asked_at, now=NOW) is fresh


def test_values_that_a_client_wishes_for() -> None:
    """``value`` is the one, ``values`` any of them, neither: any at all."""
    claims: dict[str, Any] = {"id_token": {"a": {"value": None}, "b": {"values": ["x", 1]}, "c": {}}}
    assert wished_values(claims, "id_token", "a") == (None,)
    assert wished_values(claims, "id_token", "b") == ("x", 1)
    assert wished_values(claims, "id_token", "c") == ()
    assert wished_values(claims, "userinfo", "a") == ()
