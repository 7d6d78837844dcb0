"""Assertions as grants (RFC 7523 section 2.1): a client's own, and those of a provider an operator trusts for it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.token_side import ISSUER, Holder, Side

from wardgate.domain.oauth import JWT_BEARER
from wardgate.domain.people import IdentityProvider, Link

PROVIDER = "https://login.example.net"


def assertion(side: Side, holder: Holder, **claims: Any) -> dict[str, str]:
    """A request that is right but for ``claims``; ``None`` leaves one out."""
    side.count += 1
    now = int(side.clock())
    said = {
        "iss": "app",
        "sub": "app",
        "aud": ISSUER,
        "exp": now + 60,
        "iat": now,
        "jti": str(side.count),
        **claims,
    }
    text = holder.sign({name: value for name, value in said.items() if value is not None})
    return {"grant_type": JWT_BEARER, "assertion": text}


async def client_with_keys(side: Side, **settings: Any) -> Holder:
    """A client that signs."""
    holder = Holder()
    await side.client(grant_types=(JWT_BEARER,), jwks=holder.jwks, **settings)
    return holder


async def provider(side: Side, *, clients: tuple[str, ...] = ("app",), linked: bool = True) -> Holder:
    """A foreign provider that ``clients`` may bring assertions of, with an account linked to the user ada."""
    holder = Holder("RS256")
    side.net.documents[f"{PROVIDER}/.well-known/openid-configuration"] = {
        "issuer": PROVIDER,
        "jwks_uri": f"{PROVIDER}/keys",
    }
    side.net.documents[f"{PROVIDER}/keys"] = holder.jwks
    user = await side.user()
    async with side.store.writing() as tx:
        await tx.providers.add(
            IdentityProvider(
                id="login",
                environment="development",
                name="Login",
                preset="generic",
                issuer=PROVIDER,
                client_id="wardgate",
                settings={"assertion_clients": list(clients)},
            )
        )
        if linked:
            link = Link(provider="login", subject="42", user=user.id, created_at=side.clock())
            await tx.providers.add_link(link)
    return holder


async def test_a_clients_own_assertion_is_worth_what_its_secret_is(side: Side) -> None:
    """A token for the client itself, once."""
    holder = await client_with_keys(side, scopes=("read",))
    shown = assertion(side, holder)
    answer = await side.token(shown, client="app")
    claims = await side.claims(answer["access_token"])
    assert (claims["sub"], claims["scope"]) == ("app", "read")
    assert "gid" not in claims
    assert (await side.refused(shown, client="app")).error == "invalid_grant"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "user-ada"},
        {"iss": "other", "sub": "other"},
        {"iss": None},
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"jti": None},
    ],
)
async def test_a_client_speaks_for_nobody_but_itself(side: Side, claims: dict[str, Any]) -> None:
    """Whatever its own signature says of others."""
    await side.user()
    holder = await client_with_keys(side)
    assert (await side.refused(assertion(side, holder, **claims), client="app")).error == "invalid_grant"


async def test_another_signature_or_no_assertion(side: Side) -> None:
    """invalid_grant; a missing one is named."""
    await client_with_keys(side)
    assert (await side.refused(assertion(side, Holder()), client="app")).error == "invalid_grant"
    for text, error in (("x.y.z", "invalid_grant"), ("", "invalid_request")):
        form = {"grant_type": JWT_BEARER, "assertion": text}
        assert (await side.refused(form, client="app")).error == error


async def test_a_trusted_provider_speaks_for_a_linked_person(side: Side) -> None:
    """A token under a grant of its own, which the person can take back; no refresh token."""
    await side.client(grant_types=(JWT_BEARER, "refresh_token"), scopes=("read", "write"))
    await side.role("clerk", "write")
    holder = await provider(side)
    shown = assertion(side, holder, iss=PROVIDER, sub="42")
    answer = await side.token(shown, client="app")
    assert "refresh_token" not in answer
    claims = await side.claims(answer["access_token"])
    assert (claims["sub"], claims["scope"]) == ("user-ada", "read")
    async with side.store.reading() as tx:
        (grant,) = await tx.grants.find(subject="user-ada")
    assert (claims["gid"], grant.kind, grant.client) == (grant.id, JWT_BEARER, "app")
    assert (await side.refused(shown, client="app")).error == "invalid_grant"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "43"},
        {"sub": None},
        {"aud": "https://elsewhere.example"},
        {"aud": "wardgate"},
        {"jti": None},
        {"exp": 1},
        {"iss": PROVIDER + "/"},
    ],
)
async def test_what_the_provider_did_not_say_of_a_linked_person_is_refused(
    side: Side, claims: dict[str, Any]
) -> None:
    """And nothing is left behind."""
    await side.client(grant_types=(JWT_BEARER,))
    holder = await provider(side)
    shown = assertion(side, holder, **{"iss": PROVIDER, "sub": "42", **claims})
    assert (await side.refused(shown, client="app")).error == "invalid_grant"
    async with side.store.reading() as tx:
        assert await tx.grants.find(subject="user-ada") == []


async def test_trust_is_the_operators_to_give(side: Side) -> None:
    """A provider counts for the clients it is listed for, its accounts once they are linked, its keys if it is there."""
    await side.client(grant_types=(JWT_BEARER,))
    await side.client("other", grant_types=(JWT_BEARER,))
    holder = await provider(side, clients=("other",), linked=False)
    shown = assertion(side, holder, iss=PROVIDER, sub="42")
    assert (await side.refused(shown, client="app")).error == "invalid_grant"
    assert (await side.refused(shown, client="other")).error == "invalid_grant"
    side.net.documents.clear()
    side.clock.forward(7200)
    shown = assertion(side, holder, iss=PROVIDER, sub="42")
    assert (await side.refused(shown, client="other")).error == "invalid_grant"


async def test_a_public_client_brings_no_assertions(side: Side) -> None:
    """Anyone could be it."""
    holder = await client_with_keys(side, authentication="none")
    error = await side.refused(assertion(side, holder) | {"client_id": "app"})
    assert error.error == "unauthorized_client"
