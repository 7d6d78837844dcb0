"""Proofs of possession are good once, whichever worker of the installation sees them (RFC 9449 section 11.1)."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import requests
from tests.e2e.oauth.installation import Installation
from tests.gateway.oauth_side import Holder

_AT_ONCE = 24
_ROUNDS = 4


def _token(house: Installation, holder: Holder) -> str:
    """A token of a client of its own, bound to the holder's key."""
    client = house.add_client("--grant", "client_credentials", scopes=("items.read",))
    url = f"{house.issuer}/oauth2/token"
    nonce: str | None = None
    for _ in range(2):
        proof = holder.proof("POST", url, "", ath=None, nonce=nonce).decode()
        answer = requests.post(
            url,
            {"grant_type": "client_credentials", "scope": "items.read"},
            auth=(client["client_id"], client["client_secret"]),
            headers={"DPoP": proof},
            verify=str(house.ca_file),
            timeout=20,
        )
        if answer.status_code == 200:
            assert answer.json()["token_type"] == "DPoP"
            return str(answer.json()["access_token"])
        nonce = answer.headers["DPoP-Nonce"]
    raise AssertionError(answer.text)


def test_of_many_at_once_one_gets_through(house: Installation) -> None:
    """The same proof on two dozen connections, over two workers: one answer, the others are replays."""
    holder = Holder()
    token = _token(house, holder)
    url = f"{house.resource}/items/7"
    barrier = Barrier(_AT_ONCE)

    def send(proof: str) -> int:
        barrier.wait(20)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return requests.get(url, headers=headers, verify=str(house.ca_file), timeout=20).status_code

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in range(_ROUNDS):
            proof = holder.proof("GET", url, token).decode()
            assert Counter(pool.map(send, [proof] * _AT_ONCE)) == {200: 1, 401: _AT_ONCE - 1}
    file = house.data_dir / "access.log"
    deadline = time.monotonic() + 10
    while "dpop_replayed" not in (log := file.read_text()):
        assert time.monotonic() < deadline, "the replays are not in the log"
        time.sleep(0.05)
    assert token.split(".")[2] not in log
