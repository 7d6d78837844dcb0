"""Codes become tokens once, for who asked for them (RFC 6749 section 4.1.3, RFC 7636)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.token_side import CALLBACK, ISSUER, VERIFIER, Holder, Side

from wardgate.domain.oauth import Grant
from wardgate.identity.issue import half_hash
from wardgate.identity.pkce import challenge_of, is_challenge, is_verifier, proves
from wardgate.identity.presented_token import good_access_token

GRANTS = ("authorization_code", "refresh_token")


def form(code: str, **other: str | None) -> dict[str, str]:
    """A token request that is right but for ``other``; ``None`` leaves a parameter out."""
    said = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **other,
    }
    return {name: value for name, value in said.items() if value is not None}


async def granted(side: Side, client: dict[str, Any] | None = None, **grant: Any) -> Grant:
    """A client, a user, and what the user let the client do."""
    await side.client(**{"grant_types": GRANTS, **(client or {})})
    user = await side.user()
    return await side.grant("app", user.id, **grant)


async def test_a_code_becomes_tokens(side: Side) -> None:
    """Access token, refresh token and id token, each saying what the person agreed to and how they signed in."""
    grant = await granted(side)
    session = await side.session(grant.subject)
    grant = await side.grant("app", grant.subject, session=session.id)
    answer = await side.token(form(await side.code(grant, nonce="n-1")), client="app")
    assert answer["scope"] == "read openid offline_access"
    assert answer["refresh_token"].startswith("wgrt_")
    claims = await side.claims(answer["access_token"])
    assert claims["sub"] == grant.subject
    assert (claims["gid"], claims["acr"], claims["amr"]) == (grant.id, "urn:wardgate:acr:1", ["pwd"])
    told = await side.keys.claims_of(answer["id_token"], "JWT")
    assert told is not None
    assert told["at_hash"] == half_hash(answer["access_token"], "ES256")
    assert {
        name: told[name] for name in ("iss", "sub", "aud", "azp", "nonce", "sid", "auth_time", "acr")
    } == {
        "iss": ISSUER,
        "sub": grant.subject,
        "aud": "app",
        "azp": "app",
        "nonce": "n-1",
        "sid": session.id,
        "auth_time": grant.auth_time,
        "acr": "urn:wardgate:acr:1",
    }


async def test_claims_that_were_asked_for_are_in_the_id_token(side: Side) -> None:
    """OIDC core section 5.5."""
    grant = await granted(side, claims={"id_token": {"email": {"essential": True}}})
    answer = await side.token(form(await side.code(grant)), client="app")
    told = await side.keys.claims_of(answer["id_token"], "JWT")
    assert told is not None
    assert told["email"] == "ada@example.com"


async def test_tokens_are_what_the_client_is_registered_for(side: Side) -> None:
    """Opaque tokens, no refresh token, another algorithm, a subject of its own."""
    grant = await granted(
        side,
        {
            "grant_types": ("authorization_code",),
            "token_format": "opaque",
            "id_token_alg": "EdDSA",
            "subject_type": "pairwise",
        },
    )
    answer = await side.token(form(await side.code(grant)), client="app")
    assert answer["access_token"].startswith("wgat_")
    assert "refresh_token" not in answer
    told = await side.keys.claims_of(answer["id_token"], "JWT")
    assert told is not None
    assert told["sub"] != grant.subject
    assert len(told["sub"]) == 43
    assert told["at_hash"] == half_hash(answer["access_token"], "EdDSA")
    found = await good_access_token(side.server, answer["access_token"])
    assert found is not None
    assert found.token.subject == told["sub"]


async def test_scopes_end_where_client_and_person_end(side: Side) -> None:
    """A scope that some role carries is open to its holders only; one the client lost is gone."""
    await side.role("clerk", "write")
    grant = await granted(side, {"scopes": ("read", "write", "openid")}, scopes=("read", "write", "old"))
    answer = await side.token(form(await side.code(grant)), client="app")
    assert answer["scope"] == "read"
    async with side.store.writing() as tx:
        await tx.users.set_roles(grant.subject, ["clerk"])
    answer = await side.token(form(await side.code(replace(grant))), client="app")
    assert answer["scope"] == "read write"
    assert (await side.claims(answer["access_token"]))["roles"] == ["clerk"]


async def test_a_resource_narrows_what_was_granted(side: Side) -> None:
    """RFC 8707 section 2.2: a part of it, never something else."""
    grant = await granted(
        side, {"audiences": ("urn:a", "urn:b", "urn:c")}, resources=("urn:a", "urn:b"), scopes=("read",)
    )
    answer = await side.token(form(await side.code(grant), resource="urn:b"), client="app")
    assert (await side.claims(answer["access_token"]))["aud"] == "urn:b"
    answer = await side.token(form(await side.code(grant)), client="app")
    assert (await side.claims(answer["access_token"]))["aud"] == ["urn:a", "urn:b"]
    error = await side.refused(form(await side.code(grant), resource="urn:c"), client="app")
    assert error.error == "invalid_target"


@pytest.mark.parametrize(
    ("document", "other"),
    [
        ({}, {"code_verifier": None}),
        ({}, {"code_verifier": "w" * 43}),
        ({}, {"code_verifier": "short"}),
        ({}, {"code_verifier": challenge_of(VERIFIER)}),
        ({"code_challenge": ""}, {}),
        ({}, {"redirect_uri": None}),
        ({}, {"redirect_uri": CALLBACK + "/"}),
        ({}, {"redirect_uri": "https://app.example.com:443/callback"}),
        ({"redirect_uri": ""}, {"redirect_uri": "https://elsewhere.example/"}),
        ({"dpop_jkt": Holder().jkt}, {}),
        ({"client": "other"}, {}),
    ],
)
async def test_who_cannot_redeem_a_code_does_not_spoil_it(
    side: Side, document: dict[str, str], other: dict[str, str | None]
) -> None:
    """``invalid_grant`` each time, and what is right afterwards works."""
    grant = await granted(side)
    code = await side.code(grant, **document)
    error = await side.refused(form(code, **other), client="app")
    assert error.error == "invalid_grant"
    if not document:
        assert "access_token" in await side.token(form(code), client="app")


async def test_a_code_goes_to_its_own_client_only(side: Side) -> None:
    """RFC 6749 section 4.1.3; and another client's replay ends nothing."""
    grant = await granted(side)
    await side.client("other", grant_types=GRANTS)
    code = await side.code(grant)
    assert (await side.refused(form(code), client="other")).error == "invalid_grant"
    answer = await side.token(form(code), client="app")
    assert (await side.refused(form(code), client="other")).error == "invalid_grant"
    assert await good_access_token(side.server, answer["access_token"]) is not None


async def test_without_redirect_uri_in_the_request_there_is_none_in_the_answer(side: Side) -> None:
    """RFC 6749 section 4.1.3; a registered one is no harm (OAuth 2.1)."""
    grant = await granted(side)
    for named in (None, CALLBACK):
        code = await side.code(grant, redirect_uri="")
        assert "access_token" in await side.token(form(code, redirect_uri=named), client="app")
        grant = await side.grant("app", grant.subject)


@pytest.mark.parametrize("code", ["", "nonsense", "wgac_" + "A" * 43])
async def test_what_is_no_code_is_refused(side: Side, code: str) -> None:
    """And a missing one is named."""
    await granted(side)
    error = await side.refused(form(code), client="app")
    assert error.error == ("invalid_grant" if code else "invalid_request")


async def test_a_code_is_good_for_a_minute(side: Side) -> None:
    """RFC 6749 section 4.1.2."""
    grant = await granted(side)
    code = await side.code(grant)
    side.clock.forward(60)
    assert (await side.refused(form(code), client="app")).error == "invalid_grant"


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_replay_ends_the_grant_with_all_its_tokens(side: Side, kind: str) -> None:
    """RFC 6749 section 4.1.2; also a second later, when the tokens are in use."""
    grant = await granted(side, {"token_format": kind})
    code = await side.code(grant)
    answer = await side.token(form(code), client="app")
    refreshed = await side.token(
        {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}, client="app"
    )
    side.clock.forward(1)
    assert (await side.refused(form(code), client="app")).error == "invalid_grant"
    for text in (answer["access_token"], refreshed["access_token"]):
        assert await good_access_token(side.server, text) is None
    error = await side.refused(
        {"grant_type": "refresh_token", "refresh_token": refreshed["refresh_token"]}, client="app"
    )
    assert error.error == "invalid_grant"


@pytest.mark.every_database
async def test_fifty_uses_of_one_code_have_one_winner(side: Side) -> None:
    """One request gets tokens; the others get none, and show that the code was copied: the tokens are void."""
    grant = await granted(side)
    code = await side.code(grant)
    await side.keys.sign({}, typ="JWT")

    async def use() -> dict[str, Any] | None:
        try:
            return await side.token(form(code), client="app")
        except Exception as error:
            assert getattr(error, "error", error) == "invalid_grant"
            return None

    answers = [answer for answer in await asyncio.gather(*(use() for _ in range(50))) if answer]
    assert len(answers) == 1
    assert await good_access_token(side.server, answers[0]["access_token"]) is None
    error = await side.refused(
        {"grant_type": "refresh_token", "refresh_token": answers[0]["refresh_token"]}, client="app"
    )
    assert error.error == "invalid_grant"


@pytest.mark.parametrize("change", ["revoked", "over", "suspended", "gone", "signed out"])
async def test_nothing_is_issued_under_what_has_ended(side: Side, change: str) -> None:
    """The grant, the user, and where no access while away was granted the session."""
    grant = await granted(side)
    session = await side.session(grant.subject)
    settings: dict[str, Any] = {"session": session.id, "scopes": ("read",)}
    if change == "over":
        settings["expires_at"] = side.clock()
    grant = await side.grant("app", grant.subject, **settings)
    code = await side.code(grant)
    async with side.store.writing() as tx:
        user = await tx.users.get(grant.subject)
        assert user is not None
        if change == "revoked":
            await tx.grants.revoke([grant.id], side.clock())
        if change == "suspended":
            await tx.users.replace(replace(user, status="suspended"))
        if change == "gone":
            await tx.users.remove(user.id)
        if change == "signed out":
            await tx.sessions.revoke([session.id], side.clock())
    assert (await side.refused(form(code), client="app")).error == "invalid_grant"


async def test_a_public_client_needs_pkce_and_gets_tokens_by_it(side: Side) -> None:
    """RFC 7636: what a public client proves is that it began the flow."""
    grant = await granted(side, {"authentication": "none"})
    bare = await side.code(grant, code_challenge="")
    error = await side.refused(form(bare, code_verifier=None) | {"client_id": "app"})
    assert error.error == "invalid_grant"
    answer = await side.token(form(await side.code(grant)) | {"client_id": "app"})
    assert answer["token_type"] == "Bearer"


def test_the_example_of_rfc_7636_is_right() -> None:
    """Appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert challenge_of(verifier) == challenge
    assert proves(verifier, challenge)
    assert is_challenge(challenge)
    assert not is_challenge(challenge + "=")
    assert not is_verifier("a" * 42) and not is_verifier("a" * 129) and not is_verifier("a" * 42 + "!")
