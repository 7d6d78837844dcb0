"""A token for the application itself (RFC 6749 section 4.4)."""

from __future__ import annotations

import pytest
from tests.identity.token_side import ISSUER, Side

CC = {"grant_type": "client_credentials"}


async def test_a_signed_token_says_who_and_what_for(side: Side) -> None:
    """RFC 9068: the client is the subject, the whole gateway the audience, and there is no grant."""
    await side.client(grant_types=("client_credentials",), scopes=("read", "write"))
    answer = await side.token(CC | {"scope": "read"}, client="app")
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "read"
    assert answer["expires_in"] == 600
    claims = await side.claims(answer["access_token"])
    assert claims["iss"] == claims["aud"] == ISSUER
    assert claims["sub"] == claims["client_id"] == "app"
    assert claims["exp"] - claims["iat"] == 600
    assert not {"gid", "roles", "cnf"} & set(claims)
    assert "refresh_token" not in answer


async def test_without_a_scope_it_is_all_the_client_may_have(side: Side) -> None:
    """Scopes about persons are left out: there is none."""
    await side.client(grant_types=("client_credentials",), scopes=("read", "openid", "write"))
    assert (await side.token(CC, client="app"))["scope"] == "read write"


async def test_an_opaque_token_is_stored_by_digest(side: Side) -> None:
    """It says in the store what a signed one says of itself."""
    await side.client(grant_types=("client_credentials",), scopes=("read",), token_format="opaque")
    text = (await side.token(CC, client="app"))["access_token"]
    assert text.startswith("wgat_")
    async with side.store.reading() as tx:
        found = await tx.access_tokens.find(side.server.digest(text))
    assert found is not None
    assert found.client == "app"
    assert sorted(found.scopes) == ["read"]
    assert sorted(found.audiences) == [ISSUER]


async def test_a_resource_narrows_the_audience(side: Side) -> None:
    """RFC 8707: an API the application is subscribed to, or an audience of the client."""
    orders = await side.deploy("orders")
    await side.application("acme", "orders/v1")
    await side.client(grant_types=("client_credentials",), audiences=("urn:billing",))
    form = [*CC.items(), ("resource", orders), ("resource", "urn:billing")]
    claims = await side.claims((await side.token(form, client="app"))["access_token"])
    assert claims["aud"] == [orders, "urn:billing"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "read  write"}, "invalid_scope"),
        ({"scope": 'read "'}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"resource": f"{ISSUER}/orders/v1"}, "invalid_target"),
        ({"resource": f"{ISSUER}/orders/v1#part"}, "invalid_target"),
        ({"resource": "orders"}, "invalid_target"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"authorization_details": "[{}]"}, "invalid_authorization_details"),
    ],
)
async def test_it_never_asks_for_more(side: Side, form: dict[str, str], error: str) -> None:
    """Scopes, resources and details beyond the client's are refused by name; the API here is not subscribed to."""
    await side.deploy("orders")
    await side.client(grant_types=("client_credentials",), scopes=("read", "write", "openid"))
    assert (await side.refused(CC | form, client="app")).error == error


async def test_a_public_client_has_nothing_to_show(side: Side) -> None:
    """RFC 6749 section 4.4.2."""
    await side.client(authentication="none", grant_types=("client_credentials",))
    assert (await side.refused(CC | {"client_id": "app"})).error == "unauthorized_client"


async def test_no_token_outlives_the_day_its_key_is_kept(side: Side) -> None:
    """Whatever the client is set to: an old key is published for a day after it signed last."""
    await side.client(grant_types=("client_credentials",), access_lifetime=7 * 86400)
    answer = await side.token(CC, client="app")
    assert answer["expires_in"] == 86400
