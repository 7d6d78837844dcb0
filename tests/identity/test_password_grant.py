"""The password grant: legacy, opt-in, and no way around a second factor."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.token_side import Side

from wardgate.domain.people import Factor, FactorKind

RIGHT = "correct horse battery staple"


def form(name: str = "ada", password: str = RIGHT, **other: str) -> dict[str, str]:
    """A request."""
    return {"grant_type": "password", "username": name, "password": password, **other}


async def person(side: Side, *kinds: FactorKind, **client: Any) -> None:
    """A client that opted in, and a user with a password and other factors."""
    await side.client(grant_types=("password", "refresh_token"), **client)
    user = await side.user()
    data = {"hash": await side.server.passwords.hash(RIGHT)}
    async with side.store.writing() as tx:
        for kind in ("password", *kinds):
            made: FactorKind = kind
            await tx.factors.add(
                Factor(id=kind, user=user.id, kind=made, label=kind, data=data, created_at=side.clock())
            )


async def test_a_right_password_gets_tokens(side: Side) -> None:
    """One factor is what they say."""
    await person(side, scopes=("read", "openid"))
    answer = await side.token(form(scope="read"), client="app")
    claims = await side.claims(answer["access_token"])
    assert (claims["sub"], claims["amr"], claims["acr"]) == ("user-ada", ["pwd"], "urn:wardgate:acr:1")
    assert answer["refresh_token"].startswith("wgrt_")


async def test_everything_else_is_the_same_refusal(side: Side) -> None:
    """A wrong password, an unknown name, a suspended user."""
    await person(side)
    wrong = await side.refused(form(password="wrong"), client="app")
    unknown = await side.refused(form(name="bob"), client="app")
    assert (wrong.error, wrong.description) == (unknown.error, unknown.description)
    assert wrong.error == "invalid_grant"
    for missing in ({"username": ""}, {"password": ""}):
        assert (await side.refused(form() | missing, client="app")).error == "invalid_request"


@pytest.mark.parametrize("kind", ["totp", "passkey"])
async def test_who_has_a_second_factor_cannot_use_it(side: Side, kind: FactorKind) -> None:
    """In the words of a wrong password."""
    await person(side, kind)
    assert (await side.refused(form(), client="app")).error == "invalid_grant"


async def test_scopes_are_checked_before_the_password(side: Side) -> None:
    """No guess is spent on a request that is wrong anyway."""
    await person(side)
    assert (await side.refused(form(scope="admin"), client="app")).error == "invalid_scope"
