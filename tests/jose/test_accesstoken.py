"""Claims in the words of the domain, from this server and in the dialects of others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jose.minted import CLAIMS, NOW

from wardgate.domain import tokenform
from wardgate.domain.oauth import Token
from wardgate.jose.accesstoken import token_of
from wardgate.jose.errors import JoseError


def foreign(claims: dict[str, Any], **how: Any) -> Token:
    """Read as a foreign issuer's token with the usual claim names."""
    names = {
        "client_claims": ("azp", "client_id", "appid"),
        "scope_claims": ("scope", "scp"),
        "roles_claims": ("roles",),
    }
    return token_of({**CLAIMS, **claims}, builtin=False, **{**names, **how})


def test_a_token_of_this_server() -> None:
    """Every claim of an RFC 9068 token lands in its field, and its jti tells the time of issue."""
    jti = tokenform.new_jti(NOW, lambda count: bytes(count))
    token = token_of(
        {
            **CLAIMS,
            "jti": jti,
            "gid": "g-1",
            "roles": ["staff"],
            "acr": "urn:wardgate:acr:2",
            "auth_time": int(NOW) - 60,
            "cnf": {"jkt": "k", "x5t#S256": "x"},
            "act": {"sub": "a", "act": {"sub": "b"}},
            "authorization_details": [{"type": "payment"}],
        }
    )
    assert token == Token(
        id=jti,
        issuer="https://issuer.example",
        client="c-1",
        subject="u-1",
        grant="g-1",
        audiences=frozenset({"https://api.example"}),
        scopes=frozenset({"orders:read", "orders:write"}),
        roles=frozenset({"staff"}),
        issued_at=NOW - 10,
        expires_at=NOW + 300,
        issued_ms=int(NOW * 1000),
        jkt="k",
        x5t="x",
        acr="urn:wardgate:acr:2",
        auth_time=NOW - 60,
        actors=("a", "b"),
        authorization_details=({"type": "payment"},),
    )


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": " a  b "}, {"a", "b"}),
        ({"scope": ["a", "b c", "", "d\te", " f"]}, {"a"}),
        ({"scope": "a", "scp": ["b"]}, {"a", "b"}),
        ({"scope": None, "scp": "x.y z"}, {"x.y", "z"}),
        ({"scope": "", "roles": ["Admin"]}, {"orders:admin"}),
        ({"scope": "", "roles": "Admin"}, {"orders:admin"}),
        ({"scope": "", "roles": ["Other"]}, set()),
    ],
)
def test_scopes_in_every_dialect(claims: dict[str, Any], scopes: set[str]) -> None:
    """Text or list, ``scope`` or ``scp`` (Okta, Entra), and what the roles stand for, together."""
    assert foreign(claims, role_scopes={"Admin": ("orders:admin",)}).scopes == scopes


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ({"azp": "z"}, "z"),
        ({"azp": "", "client_id": "c"}, "c"),
        ({"client_id": None, "appid": "p"}, "p"),
        ({"client_id": None}, ""),
    ],
)
def test_the_client_is_the_first_claim_there(claims: dict[str, Any], client: str) -> None:
    """``azp``, ``client_id`` and ``appid`` are looked at in the order given."""
    present = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    token = token_of(present, builtin=False, client_claims=("azp", "client_id", "appid"))
    assert token.client == client


def test_a_foreign_token_has_no_grant_here_and_its_own_time() -> None:
    """``gid`` and the form of ``jti`` mean nothing from others; ``iat`` orders their tokens against revocations."""
    jti = tokenform.new_jti(NOW + 10**6, lambda count: bytes(count))
    token = foreign({"gid": "g-1", "jti": jti})
    assert (token.grant, token.issued_ms) == ("", int((NOW - 10) * 1000))


@pytest.mark.parametrize(
    "cnf", [{}, {"jwk": {}}, {"jkt": ""}, {"jkt": "k", "kid": "x"}, "k", ["k"], {"jkt": 7}, {"x5t": "a"}]
)
def test_a_token_bound_in_an_unknown_way_is_refused(cnf: Any) -> None:
    """A confirmation that cannot be checked never makes a bearer token of it (RFC 7800 section 3.1)."""
    with pytest.raises(JoseError) as caught:
        foreign({"cnf": cnf})
    assert caught.value.reason in ("confirmation", "malformed")


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": 7},
        {"iss": ["a"]},
        {"scope": 7},
        {"scope": [7]},
        {"scp": {"a": 1}},
        {"roles": 7},
        {"client_id": 7},
        {"jti": 7},
        {"exp": "soon"},
        {"exp": None},
        {"aud": 7},
        {"acr": 1},
        {"auth_time": "then"},
        {"act": "someone"},
        {"act": {"sub": 7}},
        {"authorization_details": {}},
        {"authorization_details": ["x"]},
    ],
)
def test_claims_of_the_wrong_type_are_malformed(claims: dict[str, Any]) -> None:
    """No claim of a wrong type is passed over."""
    with pytest.raises(JoseError, match="malformed"):
        foreign(claims)


def test_a_chain_of_actors_has_an_end() -> None:
    """Eight actors are read; a ninth is refused."""
    chain: dict[str, Any] = {"sub": "a0"}
    for number in range(1, 8):
        chain = {"sub": f"a{number}", "act": chain}
    assert len(foreign({"act": chain}).actors) == 8
    with pytest.raises(JoseError, match="malformed"):
        foreign({"act": {"sub": "a9", "act": chain}})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sub", "jkt", "act"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from([*CLAIMS, "cnf", "act", "roles", "scp", "acr", "auth_time", "jti"]), _JSON
    )
)
def test_no_claims_break_the_reader(claims: dict[str, Any]) -> None:
    """Whatever JSON the claims are, they make a token or a JoseError."""
    try:
        token = foreign(claims)
    except JoseError:
        return
    assert isinstance(token.scopes, frozenset)
