"""What a person is called: everywhere alike, or by another name in each sector (OIDC core section 8.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.identity.token_side import Side

from wardgate.domain.oauth import Client
from wardgate.identity.subjects import sector_of, subject_of

CLIENT = Client(
    id="app",
    application="acme",
    environment="development",
    name="app",
    redirect_uris=("https://app.example.com/a", "https://app.example.com:8443/b"),
    subject_type="pairwise",
)


async def test_sectors_cannot_compare_notes(side: Side) -> None:
    """The same in one sector, another in the next, and never the user's id."""
    same = replace(CLIENT, id="other", sector_identifier_uri="https://app.example.com/list.json")
    elsewhere = replace(CLIENT, redirect_uris=("https://elsewhere.example/",))
    assert subject_of(side.server, CLIENT, "ada") == subject_of(side.server, same, "ada")
    assert subject_of(side.server, CLIENT, "ada") != subject_of(side.server, elsewhere, "ada")
    assert subject_of(side.server, CLIENT, "ada") != subject_of(side.server, CLIENT, "bob")
    assert subject_of(side.server, replace(CLIENT, subject_type="public"), "ada") == "ada"


def test_a_client_with_no_one_sector_has_none() -> None:
    """Registration refuses it (OIDC registration section 5)."""
    for uris in ((), ("https://a.example/", "https://b.example/"), ("app:/callback",)):
        with pytest.raises(ValueError, match="no one sector"):
            sector_of(replace(CLIENT, redirect_uris=uris))
