"""What a client learns of a person is what the person let it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.people import User
from wardgate.identity.claims import (
    CLAIMS_OF_SCOPE,
    SCOPE_OF_CLAIM,
    claims_for,
    implied_scopes,
    without_claims_of,
)

ANN = User(
    id="usr_1",
    name="ann",
    email="ann@example.org",
    email_verified=True,
    profile={
        "name": "Ann Ash",
        "locale": "de",
        "nickname": "",
        "phone_number": "+41 1",
        "phone_number_verified": False,
        "address": {"country": "CH"},
        "password_hint": "never",
        "email_verified": "forged",
        "sub": "usr_2",
    },
)


def test_openid_alone_says_nothing_but_the_subject() -> None:
    """Without more scopes no claim of a person is said."""
    assert claims_for(ANN, ("openid", "orders.read")) == {}


def test_each_scope_opens_its_claims() -> None:
    """Claims with no value are left out; false is a value."""
    assert claims_for(ANN, ("profile",)) == {"name": "Ann Ash", "preferred_username": "ann", "locale": "de"}
    assert claims_for(ANN, ("email",)) == {"email": "ann@example.org", "email_verified": True}
    assert claims_for(ANN, ("phone",)) == {"phone_number": "+41 1", "phone_number_verified": False}
    assert claims_for(ANN, ("address",)) == {"address": {"country": "CH"}}


def test_updated_at_is_when_the_claims_last_changed() -> None:
    """Whole seconds (OIDC core section 5.1): the account's beginning until something changed, never what a profile says."""
    forged = {**ANN.profile, "updated_at": 5}
    made = replace(ANN, profile=forged, created_at=1_800_000_000.9)
    assert claims_for(made, ("profile",))["updated_at"] == 1_800_000_000
    changed = replace(made, claims_at=1_800_000_100.5)
    said = claims_for(changed, ("profile",))["updated_at"]
    assert (said, type(said)) == (1_800_000_100, int)
    assert "updated_at" not in claims_for(changed, ("email",))
    assert claims_for(changed, (), {"updated_at": {}}) == {"updated_at": 1_800_000_100}


@given(st.lists(st.text()), st.dictionaries(st.text(), st.just({})))
def test_no_claim_is_said_that_nobody_opened(scopes: list[str], asked: dict[str, dict[str, str]]) -> None:
    """Only standard claims leave, never what else a profile holds and never its subject."""
    said = claims_for(ANN, [*scopes, *CLAIMS_OF_SCOPE], {**asked, "sub": {}, "password_hint": {}})
    assert said.keys() <= SCOPE_OF_CLAIM.keys()
    assert "sub" not in said
    assert "password_hint" not in said


def test_claims_are_asked_for_by_name() -> None:
    """A single claim may be asked for, with the values that would do."""
    assert claims_for(ANN, (), {"name": {}}) == {"name": "Ann Ash"}
    assert claims_for(ANN, (), {"locale": {"value": "fr"}}) == {}
    assert claims_for(ANN, (), {"locale": {"values": ["fr", "de"]}}) == {"locale": "de"}


def test_a_claim_asked_for_by_name_needs_the_consent_of_its_scope() -> None:
    """``claims`` is no way around consent."""
    claims: dict[str, dict[str, dict[str, str]]] = {
        "userinfo": {"email": {}, "name": {}},
        "id_token": {"acr": {}, "phone_number": {}},
    }
    assert implied_scopes(claims) == {"email", "profile", "phone"}
    assert without_claims_of(claims, ("email", "phone")) == {
        "userinfo": {"name": {}},
        "id_token": {"acr": {}},
    }
