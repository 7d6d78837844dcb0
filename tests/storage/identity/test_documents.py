"""Nouns as stored text and back, strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.identity.samples_identity import CLIENT, GRANT, TOKEN, USER

from wardgate.domain.codec import CodecError
from wardgate.domain.oauth import Client, Grant, Token
from wardgate.domain.people import User
from wardgate.storage import documents

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything of a field's type."""
    if hint is str:
        return TEXTS
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(-(2**63), 2**63)
    if hint is float:
        return NUMBERS
    origin, arguments = get_origin(hint), get_args(hint)
    if type(None) in arguments:
        (other,) = (each for each in arguments if each is not type(None))
        return st.none() | values(other)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(values(arguments[0]), max_size=3)
    if "Mapping" in str(hint):
        return OBJECTS
    return st.sampled_from(arguments)


def anything(cls: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass, with every field given."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{item.name: values(hints[item.name]) for item in fields(cls)})


def columns_of(value: Any) -> dict[str, Any]:
    """Every field as a column would hold it; those without one are ignored."""
    return {item.name: getattr(value, item.name) for item in fields(value)}


@settings(deadline=None)  # the machine may be busy
@given(anything(Client))
def test_any_client_comes_back(client: Client) -> None:
    """What was stored of a client is all of it."""
    text = documents.client_to_text(client)
    assert documents.client_from_text(text, columns_of(client)) == client


@settings(deadline=None)
@given(anything(Grant))
def test_any_grant_comes_back(grant: Grant) -> None:
    """What was stored of a grant is all of it."""
    text = documents.grant_to_text(grant)
    assert documents.grant_from_text(text, columns_of(grant)) == grant


@settings(deadline=None)
@given(anything(User))
def test_any_user_comes_back(user: User) -> None:
    """What was stored of a user is all of it."""
    text = documents.user_to_text(user)
    assert documents.user_from_text(text, columns_of(user)) == user


@settings(deadline=None)
@given(anything(Token))
def test_any_token_comes_back(token: Token) -> None:
    """What was stored of a token is all of it, and equal tokens have equal text."""
    token = replace(token, groups=frozenset(), claims=None)  # what a gateway adds is never stored
    text = documents.token_to_text(token)
    assert documents.token_from_text(text) == token
    assert documents.token_to_text(documents.token_from_text(text)) == text


def test_a_user_stored_before_claims_had_a_time_is_read() -> None:
    """Its document lacks the field, which needs no migration: the claims are as old as the account."""
    data = json.loads(documents.user_to_text(replace(USER, claims_at=5.0)))
    assert data.pop("claims_at") == 5.0
    assert documents.user_from_text(json.dumps(data), columns_of(USER)) == USER


@pytest.mark.parametrize(
    ("read", "value", "columns"),
    [
        (documents.client_from_text, CLIENT, documents.CLIENT_COLUMNS),
        (documents.grant_from_text, GRANT, documents.GRANT_COLUMNS),
        (documents.user_from_text, USER, documents.USER_COLUMNS),
    ],
)
def test_a_document_holds_what_has_no_column(
    read: Callable[[str, dict[str, Any]], Any], value: Any, columns: frozenset[str]
) -> None:
    """Unknown fields, missing ones and those that a column holds are refused by name."""
    write = getattr(documents, read.__name__.replace("from", "to"))
    data = json.loads(write(value))
    assert data.keys() == {item.name for item in fields(value)} - columns
    known = columns_of(value)
    with pytest.raises(CodecError, match="unknown field 'shoe_size' of"):
        read(json.dumps(data | {"shoe_size": 42}), known)
    with pytest.raises(CodecError, match=r"unknown field '\w+' of the document of a"):
        read(json.dumps(data | {min(columns): known[min(columns)]}), known)
    with pytest.raises(CodecError, match="expected a mapping"):
        read("[]", known)
    with pytest.raises(ValueError, match="Expecting value"):
        read("nonsense", known)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scopes": None}, "scopes: expected a list of texts"),
        ({"scopes": ["a", 1]}, "scopes: expected a list of texts"),
        ({"actors": "me"}, "actors: expected a list of texts"),
        ({"issued_ms": 1.5}, "issued_ms: expected a whole number, found a float"),
        ({"issued_ms": True}, "issued_ms: expected a whole number, found a bool"),
        ({"expires_at": "soon"}, "expires_at: expected a number, found a str"),
        ({"auth_time": []}, "auth_time: expected a number"),
        ({"subject": None}, "subject: expected text, found a NoneType"),
        ({"authorization_details": [1]}, "authorization_details: expected a list of mappings"),
        ({"roll": []}, "unknown field 'roll' of Token"),
    ],
)
def test_a_damaged_token_is_refused(change: dict[str, Any], says: str) -> None:
    """A token's document of any other form is refused, saying where; never read by halves."""
    data = json.loads(documents.token_to_text(TOKEN))
    with pytest.raises(CodecError) as caught:
        documents.token_from_text(json.dumps(data | change))
    assert says in str(caught.value)


def test_a_token_of_another_version_keeps_its_meaning() -> None:
    """Fields that have a default may be missing, others may not."""
    bare = Token(id="j", issuer="i", client="c")
    assert documents.token_from_text('{"id": "j", "issuer": "i", "client": "c"}') == bare
    with pytest.raises(CodecError, match="missing field 'client' of Token"):
        documents.token_from_text('{"id": "j", "issuer": "i"}')
    with pytest.raises(CodecError, match="expected the fields of Token, found a list"):
        documents.token_from_text("[]")


def test_every_field_of_a_token_is_stored() -> None:
    """The token's own list of fields is complete, but for those a gateway adds to what it believes."""
    assert json.loads(documents.token_to_text(TOKEN)).keys() == asdict(TOKEN).keys() - {"groups", "claims"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("-inf")]])
def test_numbers_that_are_not_finite_are_refused(value: object) -> None:
    """JSON has no such numbers, and neither database reads what Python would write."""
    with pytest.raises(CodecError, match="not finite"):
        documents.to_text(value)


def test_bytes_are_refused() -> None:
    """A secret that was sealed has a column of bytes, or is written as text by whoever stores it."""
    with pytest.raises(CodecError, match="a bytes has no JSON form"):
        documents.to_text({"sealed": b"x"})


@pytest.mark.parametrize("text", ["{}", "[1]", '"a"', "null", "[null]"])
def test_only_lists_of_texts_are_such(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(CodecError, match="expected a list of texts"):
        documents.to_texts(text)
