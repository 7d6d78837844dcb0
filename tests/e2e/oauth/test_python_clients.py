"""Authlib and requests-oauthlib against a real Wardgate over TLS; each token then opens the API through the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError
from requests_oauthlib import OAuth2Session
from tests.e2e.oauth.installation import CALLBACK, Installation
from tests.e2e.oauth.person import Person

SCOPE = ["openid", "offline_access", "items.read"]
CODE = ("--grant", "code", "--grant", "refresh", "--redirect-uri", CALLBACK)


@pytest.fixture(scope="module")
def person(house: Installation) -> Iterator[Person]:
    """Ann at her browser, in which she stays signed in."""
    with Person(house) as person:
        yield person


def endpoint(house: Installation, name: str) -> str:
    """A URL of the authorization server."""
    return f"{house.issuer}/oauth2/{name}"


def trust(session: requests.Session, house: Installation) -> None:
    """Has the client believe the installation's authority, whatever the environment says."""
    session.verify = str(house.ca_file)
    session.trust_env = False


def test_authlib_client_credentials(house: Installation) -> None:
    """A token by a secret opens the API until Authlib revokes it; introspection agrees."""
    client = house.add_client("--grant", "client_credentials")
    with AuthlibSession(**client, scope="items.read") as session:
        trust(session, house)
        token = session.fetch_token(endpoint(house, "token"), grant_type="client_credentials")
        assert token["scope"] == "items.read"
        assert session.get(f"{house.resource}/items/7").status_code == 200
        asked = session.introspect_token(endpoint(house, "introspect"), token=token["access_token"])
        assert asked.json()["active"] is True
        session.revoke_token(endpoint(house, "revoke"), token=token["access_token"])
        house.service.until(lambda: session.get(f"{house.resource}/items/7").status_code == 401, 1)
        asked = session.introspect_token(endpoint(house, "introspect"), token=token["access_token"])
        assert asked.json() == {"active": False}


def test_authlib_signs_its_assertions(house: Installation) -> None:
    """private_key_jwt with a key in the client's set."""
    key = ECKey.generate_key("P-256", {"kid": "own", "use": "sig", "alg": "ES256"}, private=True)
    client = house.add_client(
        "--grant", "client_credentials", "--authentication", "private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
    )  # fmt: skip
    url = endpoint(house, "token")
    name = client["client_id"]
    with AuthlibSession(
        name, key, token_endpoint_auth_method="private_key_jwt", scope="items.read"
    ) as session:
        trust(session, house)
        session.register_client_auth_method(PrivateKeyJWT(url, headers={"kid": "own"}, alg="ES256"))
        session.fetch_token(url, grant_type="client_credentials")
        assert session.get(f"{house.resource}/items/7").status_code == 200


def test_authlib_code_and_refresh(house: Installation, person: Person) -> None:
    """Code with PKCE, made and checked by Authlib, then a refresh by itself when the token is about to end."""
    client = house.add_client(*CODE, "--authentication", "client_secret_post", access_lifetime=70)
    told: list[Mapping[str, Any]] = []

    def update(token: Mapping[str, Any], **_: Any) -> None:
        told.append(token)

    with AuthlibSession(
        **client,
        token_endpoint_auth_method="client_secret_post",
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        update_token=update,
        token_endpoint=endpoint(house, "token"),
    ) as session:
        trust(session, house)
        verifier = "authlib-" + "v" * 40
        url, state = session.create_authorization_url(endpoint(house, "authorize"), code_verifier=verifier)
        back = person.authorize(url)
        first = session.fetch_token(authorization_response=back, code_verifier=verifier, state=state)
        assert session.get(f"{house.resource}/items/7").status_code == 200
        session.token = {**first, "expires_at": 1}
        assert session.get(f"{house.resource}/items/7").status_code == 200
    assert [each["refresh_token"] != first["refresh_token"] for each in told] == [True]


def test_requests_oauthlib_client_credentials(house: Installation) -> None:
    """A token by a secret opens the API."""
    client = house.add_client("--grant", "client_credentials")
    with OAuth2Session(client=BackendApplicationClient(client["client_id"], scope=["items.read"])) as session:
        trust(session, house)
        token = session.fetch_token(endpoint(house, "token"), client_secret=client["client_secret"])
        assert token["scope"] == ["items.read"]
        assert session.get(f"{house.resource}/items/7").status_code == 200


def test_requests_oauthlib_code_and_refresh(house: Installation, person: Person) -> None:
    """Code with PKCE, and refresh; the code is good once, and using it again ends what came of it."""
    client = house.add_client(*CODE)
    with OAuth2Session(client["client_id"], scope=SCOPE, redirect_uri=CALLBACK, pkce="S256") as session:
        trust(session, house)
        url, _ = session.authorization_url(endpoint(house, "authorize"))
        back = person.authorize(url)
        redeem = {"authorization_response": back, "client_secret": client["client_secret"]}
        session.fetch_token(endpoint(house, "token"), **redeem)
        auth = (client["client_id"], client["client_secret"])
        session.refresh_token(endpoint(house, "token"), auth=auth)
        assert session.get(f"{house.resource}/items/7").status_code == 200
        with pytest.raises(InvalidGrantError):
            session.fetch_token(endpoint(house, "token"), **redeem)
        house.service.until(lambda: session.get(f"{house.resource}/items/7").status_code == 401, 1)
