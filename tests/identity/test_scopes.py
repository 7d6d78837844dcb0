"""A token's scopes: asked for, allowed to the client, open to the person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.oauth import OIDC_SCOPES, Client
from wardgate.domain.people import Role
from wardgate.identity import scopes
from wardgate.identity.errors import OAuthError

CLIENT = Client(id="app", application="acme", environment="development", name="app", scopes=("read", "write"))
NAMES = st.lists(st.sampled_from(["a", "b", "c", "openid", "email"]), unique=True)


@pytest.mark.parametrize(
    "text", ["", " ", "a  b", " a", "a ", 'a"b', "a\\b", "ä", "a\tb", "a\nb", "a" * 9000]
)
def test_a_scope_has_one_form(text: str) -> None:
    """RFC 6749 section 3.3: names of printable ASCII between single spaces."""
    with pytest.raises(OAuthError) as caught:
        scopes.parse(text)
    assert caught.value.error == "invalid_scope"


def test_scopes_keep_their_order_and_come_once() -> None:
    """So that tokens say them as they were asked for."""
    assert scopes.parse("write read write") == ("write", "read")
    assert scopes.parse(None) == ()


def test_a_client_asks_for_what_it_may_have() -> None:
    """Without asking it gets all of it."""
    assert scopes.for_client(CLIENT, None) == ("read", "write")
    assert scopes.for_client(CLIENT, "write") == ("write",)
    with pytest.raises(OAuthError) as caught:
        scopes.for_client(CLIENT, "read admin")
    assert caught.value.error == "invalid_scope"


@given(NAMES, NAMES, st.dictionaries(st.sampled_from("xyz"), NAMES), st.sets(st.sampled_from("xyz")))
def test_roles_only_ever_open_what_they_carry(
    wanted: list[str], others: list[str], carried: dict[str, list[str]], held: set[str]
) -> None:
    """A scope some role carries is for its holders; all others are for everybody; OIDC's always are."""
    roles = [Role(name=name, scopes=tuple(found)) for name, found in carried.items()]
    opened = scopes.open_to([*wanted, *others], held, roles)
    for scope in {*wanted, *others}:
        carriers = {role.name for role in roles if scope in role.scopes}
        expected = scope in OIDC_SCOPES or not carriers or bool(carriers & held)
        assert (scope in opened) == expected


@given(NAMES, NAMES)
def test_narrowing_never_widens(granted: list[str], asked: list[str]) -> None:
    """What comes out was granted; asking for anything else is refused."""
    text = " ".join(asked) or None
    if set(asked) <= set(granted):
        assert scopes.narrowed(granted, text) == tuple(asked or granted)
    else:
        with pytest.raises(OAuthError):
            scopes.narrowed(granted, text)
