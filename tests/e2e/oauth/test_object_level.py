"""Object-level rules end to end: people reach what is theirs, clerks everything, others nothing (OWASP API1)."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from tests.e2e.oauth.installation import CALLBACK, Installation
from tests.e2e.oauth.person import Person

from wardgate.identity.pkce import challenge_of

_VERIFIER = "w" * 43


@pytest.fixture(scope="module")
def client(house: Installation) -> dict[str, Any]:
    """A client of ``shop`` for people and for itself."""
    return house.add_client(
        "--grant", "code", "--grant", "client_credentials", "--redirect-uri", CALLBACK,
        scopes=("openid", "items.read", "items.write"),
    )  # fmt: skip


def token_of(house: Installation, client: dict[str, Any], **form: str) -> str:
    """An access token."""
    answer = requests.post(
        f"{house.issuer}/oauth2/token",
        form,
        auth=(client["client_id"], client["client_secret"]),
        verify=str(house.ca_file),
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def of_person(house: Installation, client: dict[str, Any], user: str) -> str:
    """A token that the person allowed, in the way people do."""
    query = {
        "client_id": client["client_id"],
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid items.read items.write",
        "code_challenge": challenge_of(_VERIFIER),
        "code_challenge_method": "S256",
    }
    with Person(house, user) as person:
        back = person.authorize(f"{house.issuer}/oauth2/authorize?{urlencode(query)}")
    code = parse_qs(urlsplit(back).query)["code"][0]
    return token_of(
        house,
        client,
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
        code_verifier=_VERIFIER,
    )


def asked(house: Installation, token: str, whose: str, **headers: str) -> tuple[int, str]:
    """Status and reason of a request for what belongs to somebody."""
    answer = requests.get(
        f"{house.issuer}/owned/v1/items/{whose}",
        headers={"Authorization": f"Bearer {token}", **headers},
        verify=str(house.ca_file),
        timeout=20,
    )
    return answer.status_code, "" if answer.ok else str(answer.json()["reason"])


def test_people_reach_their_own_and_clerks_everything(house: Installation, client: dict[str, Any]) -> None:
    """Real tokens of real people: bob sees bob's, ann, a clerk, sees both; a client of its own and a key see nothing."""
    ids = {name: str(house.run("users", "show", name)["id"]) for name in ("ann", "bob")}
    bob, ann = (of_person(house, client, name) for name in ("bob", "ann"))
    assert asked(house, bob, ids["bob"]) == (200, "")
    assert asked(house, bob, ids["ann"]) == (403, "access_denied")
    assert asked(house, bob, f"{ids['bob']}x") == (403, "access_denied")
    assert asked(house, ann, ids["ann"]) == (200, "")
    assert asked(house, ann, ids["bob"]) == (200, "")
    own = token_of(house, client, grant_type="client_credentials", scope="items.read")
    assert asked(house, own, ids["bob"]) == (403, "access_denied")
    assert house.ask(f"/owned/v1/items/{ids['bob']}").status == 401
    until = time.monotonic() + 10
    while (told := _told(house)) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert told == 3


def _told(house: Installation) -> int:
    """How many refusals by a condition the access log tells of so far."""
    lines = (line for line in house.access_log() if line["api"] == "owned/v1")
    return sum(line["reason"] == "condition_failed" for line in lines)
