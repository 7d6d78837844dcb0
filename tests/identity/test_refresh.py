"""Refresh tokens are used once; racers share a successor; a late one ends its family and no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.certificates import certificate
from tests.identity.token_side import Holder, Side

from wardgate.domain.oauth import Grant
from wardgate.identity import issue
from wardgate.identity.grants.successor import seal, unseal
from wardgate.identity.issue import Binding
from wardgate.identity.presented_token import good_access_token
from wardgate.jose.thumbprint import certificate_thumbprint

URL = "https://id.example.com/oauth2/token"


def form(text: str, **other: str) -> dict[str, str]:
    """A refresh request."""
    return {"grant_type": "refresh_token", "refresh_token": text, **other}


async def first(
    side: Side, client: dict[str, Any] | None = None, binding: Binding = issue.UNBOUND, **grant: Any
) -> tuple[Grant, str]:
    """A client, a user, a grant and its first refresh token."""
    made = await side.client(**{"grant_types": ("authorization_code", "refresh_token"), **(client or {})})
    user = await side.user()
    given_by_user = await side.grant("app", user.id, **grant)
    return given_by_user, await another(side, given_by_user, binding, made)


async def another(side: Side, grant: Grant, binding: Binding = issue.UNBOUND, made: Any = None) -> str:
    """The first refresh token of one more grant."""
    async with side.store.writing() as tx:
        client = made or await tx.clients.get("app")
        assert client is not None
        return await issue.first_refresh_token(side.server, tx, client, grant, grant.scopes, binding)


async def test_each_use_makes_the_next_token(side: Side) -> None:
    """New access token, new refresh token, id token without nonce; the lineage is kept."""
    grant, text = await first(side)
    side.clock.now += 1
    answer = await side.token(form(text), client="app")
    assert answer["scope"] == "read openid offline_access"
    assert answer["refresh_token"] != text
    told = await side.keys.claims_of(answer["id_token"], "JWT")
    assert told is not None
    assert "nonce" not in told
    assert told["auth_time"] == grant.auth_time
    side.clock.now += 1
    again = await side.token(form(answer["refresh_token"]), client="app")
    async with side.store.reading() as tx:
        family = await tx.refresh_tokens.family(grant.id)
    texts = (text, answer["refresh_token"], again["refresh_token"])
    assert [each.digest for each in family] == [side.server.digest(each) for each in texts]
    assert [each.parent for each in family] == [b"", family[0].digest, family[1].digest]


async def test_the_access_token_may_say_less_and_the_refresh_token_does_not(side: Side) -> None:
    """RFC 6749 section 6: the scope of the refresh token stays what it was."""
    _, text = await first(side, scopes=("read", "write"))
    answer = await side.token(form(text, scope="read"), client="app")
    assert answer["scope"] == "read"
    answer = await side.token(form(answer["refresh_token"]), client="app")
    assert answer["scope"] == "read write"


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"scope": "write"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"resource": "urn:b"}, "invalid_target"),
        ({"resource": "urn:unknown"}, "invalid_target"),
        ({"authorization_details": '[{"type":"x"}]'}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"pay","actions":["all"]}]'}, "invalid_authorization_details"),
    ],
)
async def test_a_request_for_more_uses_nothing_up(side: Side, other: dict[str, str], error: str) -> None:
    """The token is as good as before."""
    settings = {"audiences": ("urn:a", "urn:b"), "authorization_details_types": ("pay",)}
    details = ({"type": "pay", "actions": ["one"]},)
    _, text = await first(
        side, settings, scopes=("read",), resources=("urn:a",), authorization_details=details
    )
    assert (await side.refused(form(text, **other), client="app")).error == error
    answer = await side.token(form(text), client="app")
    assert answer["authorization_details"] == [dict(details[0])]
    async with side.store.reading() as tx:
        (family,) = {token.family for token in await tx.refresh_tokens.family("grant-1")}
    assert family == "grant-1"


@pytest.mark.every_database
async def test_fifty_refreshes_of_one_token_get_one_successor(side: Side) -> None:
    """All within the grace get the same refresh token, and an access token each; the family lives."""
    grant, text = await first(side)
    await side.keys.sign({}, typ="JWT")
    answers = await asyncio.gather(*(side.token(form(text), client="app") for _ in range(50)))
    (successor,) = {answer["refresh_token"] for answer in answers}
    assert len({answer["access_token"] for answer in answers}) == 50
    async with side.store.reading() as tx:
        assert len(await tx.refresh_tokens.family(grant.id)) == 2
    side.clock.forward(side.server.settings.refresh_grace)
    assert (await side.token(form(text), client="app"))["refresh_token"] == successor
    side.clock.forward(1)
    refusals = await asyncio.gather(*(side.refused(form(text), client="app") for _ in range(50)))
    assert {error.error for error in refusals} == {"invalid_grant"}
    assert (await side.refused(form(successor), client="app")).error == "invalid_grant"
    for answer in answers[:3]:
        assert await good_access_token(side.server, answer["access_token"]) is None


async def test_a_late_racer_gets_the_newest_token(side: Side) -> None:
    """Within the grace the chain is followed to its end: what it gets has not been used yet."""
    _, text = await first(side)
    second = (await side.token(form(text), client="app"))["refresh_token"]
    third = (await side.token(form(second), client="app"))["refresh_token"]
    side.clock.forward(30)
    assert (await side.token(form(text), client="app"))["refresh_token"] == third


async def test_reuse_ends_that_family_alone(side: Side) -> None:
    """The same person's other grant to the same client lives on, and so do others' ."""
    grant, text = await first(side)
    other = await side.grant("app", grant.subject)
    other_text = await another(side, other)
    answer = await side.token(form(text), client="app")
    other_answer = await side.token(form(other_text), client="app")
    side.clock.forward(61)
    assert (await side.refused(form(text), client="app")).error == "invalid_grant"
    assert (await side.refused(form(answer["refresh_token"]), client="app")).error == "invalid_grant"
    assert await good_access_token(side.server, answer["access_token"]) is None
    assert await good_access_token(side.server, other_answer["access_token"]) is not None
    assert "access_token" in await side.token(form(other_answer["refresh_token"]), client="app")


async def test_another_client_neither_gets_nor_ends_anything(side: Side) -> None:
    """RFC 6749 section 10.4: a refresh token is its client's; shown by another it is simply unknown."""
    _, text = await first(side)
    await side.client("other", grant_types=("refresh_token", "authorization_code"))
    answer = await side.token(form(text), client="app")
    side.clock.forward(61)
    for shown in (text, answer["refresh_token"]):
        assert (await side.refused(form(shown), client="other")).error == "invalid_grant"
    assert "access_token" in await side.token(form(answer["refresh_token"]), client="app")


@pytest.mark.parametrize("text", ["nonsense", "wgrt_" + "A" * 43, "wgat_" + "A" * 43])
async def test_what_is_no_refresh_token_is_refused(side: Side, text: str) -> None:
    """In the same words."""
    await first(side)
    assert (await side.refused(form(text), client="app")).error == "invalid_grant"


async def test_it_ends_unused_and_at_last_in_any_case(side: Side) -> None:
    """Two weeks without use; ninety days with it."""
    grant, text = await first(side)
    for _ in range(7):
        side.clock.forward(13 * 86400)
        if side.clock() >= grant.created_at + 90 * 86400:
            break
        text = (await side.token(form(text), client="app"))["refresh_token"]
    assert (await side.refused(form(text), client="app")).error == "invalid_grant"
    unused = await another(side, await side.grant("app", grant.subject))
    side.clock.forward(14 * 86400)
    assert (await side.refused(form(unused), client="app")).error == "invalid_grant"


async def test_a_public_client_proves_its_key_each_time(side: Side) -> None:
    """RFC 9449 section 5: who has the token and not the key can neither use nor end it."""
    holder, thief = Holder(), Holder()
    _, text = await first(side, {"authentication": "none"}, Binding(jkt=holder.jkt))

    def proven_by(who: Holder) -> list[tuple[str, str]]:
        side.count += 1
        return [("dpop", who.proof(jti=str(side.count), htm="POST", htu=URL, iat=int(side.clock())))]

    by_app = {"client_id": "app"}
    answer = await side.token(form(text, **by_app), headers=proven_by(holder))
    assert answer["token_type"] == "DPoP"
    side.clock.forward(100)
    for headers in ([], proven_by(thief)):
        assert (await side.refused(form(text, **by_app), headers=headers)).error == "invalid_grant"
    following = form(answer["refresh_token"], **by_app)
    assert (await side.refused(following)).error == "invalid_grant"
    answer = await side.token(following, headers=proven_by(holder))
    assert (await side.claims(answer["access_token"]))["cnf"] == {"jkt": holder.jkt}


async def test_a_public_client_shows_its_certificate_each_time(side: Side) -> None:
    """RFC 8705 section 4."""
    der = certificate()
    x5t = certificate_thumbprint(der)
    _, text = await first(side, {"authentication": "none", "certificate_bound": True}, Binding(x5t=x5t))
    shown = form(text, client_id="app")
    assert (await side.refused(shown)).error == "invalid_request"
    assert (await side.refused(shown, certificate=certificate())).error == "invalid_grant"
    answer = await side.token(shown, certificate=der)
    assert (await side.claims(answer["access_token"]))["cnf"] == {"x5t#S256": x5t}


async def test_a_client_with_a_secret_may_change_its_key(side: Side) -> None:
    """RFC 9449 section 5: its refresh tokens are bound to it by its secret."""
    _, text = await first(side, None, Binding(jkt=Holder().jkt))
    assert (await side.token(form(text), client="app"))["token_type"] == "Bearer"


async def test_access_ends_with_the_session_unless_it_was_to_last(side: Side) -> None:
    """``offline_access`` is what keeps access while the person is away (OIDC core section 11)."""
    grant, _ = await first(side)
    session = await side.session(grant.subject)
    online = await side.grant("app", grant.subject, session=session.id, scopes=("read",))
    lasting = await side.grant("app", grant.subject, session=session.id, scopes=("read", "offline_access"))
    texts = [await another(side, each) for each in (online, lasting)]
    async with side.store.writing() as tx:
        await tx.sessions.revoke([session.id], side.clock())
    assert (await side.refused(form(texts[0]), client="app")).error == "invalid_grant"
    assert "access_token" in await side.token(form(texts[1]), client="app")


async def test_a_failure_while_answering_uses_nothing_up(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decided after the rotation is undone with it."""
    _, text = await first(side)

    async def fail(*args: Any) -> Any:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("wardgate.identity.scopes.for_user", fail)
        with pytest.raises(RuntimeError):
            await side.token(form(text), client="app")
    answer = await side.token(form(text), client="app")
    side.clock.forward(61)
    assert "access_token" in await side.token(form(answer["refresh_token"]), client="app")


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.binary(max_size=40))
def test_only_the_used_token_opens_its_successor(
    used: str, other: str, successor: str, digest: bytes
) -> None:
    """Neither another token nor another row."""

    def random(count: int) -> bytes:
        return bytes(count)

    sealed = seal(used, successor, digest, random)
    assert len(successor) < 10 or successor.encode() not in sealed
    assert unseal(used, sealed, digest) == successor
    if other != used:
        assert unseal(other, sealed, digest) is None
    assert unseal(used, sealed, digest + b"x") is None
    assert unseal(used, sealed[:-1], digest) is None
