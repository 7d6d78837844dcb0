"""A client gives tokens back (RFC 7009): afterwards they are refused everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.token_side import Side
from tests.storage.samples import feed_of

from wardgate.domain.oauth import Grant
from wardgate.identity import issue, revocation
from wardgate.identity.issue import AccessSpec
from wardgate.identity.presented_token import good_access_token

PATH = "/oauth2/revoke"


async def revoke(side: Side, text: str, client: str = "app", **form: str) -> None:
    """The endpoint answers 200 with nothing to read."""
    reply = await revocation.handle(side.server, side.call({"token": text, **form}, client=client, path=PATH))
    assert (reply.status, reply.body) == (200, b"")


async def tokens(side: Side, grant: Grant | None = None, client: str = "app") -> tuple[str, str]:
    """An access token and a refresh token."""
    async with side.store.writing() as tx:
        made = await tx.clients.get(client)
        assert made is not None
        spec: dict[str, Any] = {"client": made, "subject": client}
        refresh = ""
        if grant is not None:
            spec |= {"grant": grant.id, "subject": grant.subject}
            refresh = await issue.first_refresh_token(side.server, tx, made, grant, ("read",), issue.UNBOUND)
        prepared = issue.prepare(side.server, AccessSpec(**spec))
        await issue.keep(side.server, tx, prepared)
    return await issue.text_of(side.server, prepared), refresh


async def granted(side: Side, **settings: Any) -> Grant:
    """A client and what a user let it do."""
    await side.client(**{"grant_types": ("authorization_code", "refresh_token"), **settings})
    return await side.grant("app", (await side.user()).id)


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_one_access_token_ends_alone(side: Side, kind: str, hint: str) -> None:
    """RFC 7009 section 2.1; gateways hear of it by the change feed; a hint is only a hint."""
    grant = await granted(side, token_format=kind)
    text, refresh = await tokens(side, grant)
    other, _ = await tokens(side)
    before = await good_access_token(side.server, text)
    assert before is not None
    await revoke(side, text, token_type_hint=hint)
    assert await good_access_token(side.server, text) is None
    assert await good_access_token(side.server, other) is not None
    assert feed_of(side.store.data_dir)[-1] == ("revocation", f"jti {before.token.id}")
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert "access_token" in await side.token(form, client="app")
    await revoke(side, text)


async def test_a_refresh_token_takes_its_grant_along(side: Side) -> None:
    """RFC 7009 section 2.1: and every access token of it, the newest too."""
    grant = await granted(side)
    text, refresh = await tokens(side, grant)
    answer = await side.token({"grant_type": "refresh_token", "refresh_token": refresh}, client="app")
    await revoke(side, answer["refresh_token"])
    for each in (text, answer["access_token"]):
        assert await good_access_token(side.server, each) is None
    for each in (refresh, answer["refresh_token"]):
        error = await side.refused({"grant_type": "refresh_token", "refresh_token": each}, client="app")
        assert error.error == "invalid_grant"
    assert feed_of(side.store.data_dir)[-1] == ("revocation", f"grant {grant.id}")


async def test_a_used_refresh_token_still_ends_its_grant(side: Side) -> None:
    """Who signs out with the token it had a moment ago means it."""
    grant = await granted(side)
    _, refresh = await tokens(side, grant)
    answer = await side.token({"grant_type": "refresh_token", "refresh_token": refresh}, client="app")
    await revoke(side, refresh)
    assert await good_access_token(side.server, answer["access_token"]) is None


@pytest.mark.parametrize("text", ["garbage", "wgat_" + "A" * 43, "wgrt_" + "A" * 43, "a.b.c"])
async def test_what_nobody_knows_is_as_good_as_revoked(side: Side, text: str) -> None:
    """RFC 7009 section 2.2."""
    await granted(side)
    await revoke(side, text)


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_others_tokens_stay(side: Side, kind: str) -> None:
    """RFC 7009 section 2.1: refused, and the token lives on."""
    grant = await granted(side, token_format=kind)
    await side.client("other")
    text, refresh = await tokens(side, grant)
    for each in (text, refresh):
        error = await side.refused({"token": each}, revocation.handle, client="other", path=PATH)
        assert error.error == "invalid_grant"
    assert await good_access_token(side.server, text) is not None
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert "access_token" in await side.token(form, client="app")


async def test_a_public_client_gives_back_what_is_its_own(side: Side) -> None:
    """By saying who it is; nobody else can name its tokens."""
    grant = await granted(side, authentication="none")
    text, _ = await tokens(side, grant)
    call = side.call({"token": text, "client_id": "app"}, path=PATH)
    assert (await revocation.handle(side.server, call)).status == 200
    assert await good_access_token(side.server, text) is None


async def test_who_asks_is_known(side: Side) -> None:
    """And a missing token is named."""
    await granted(side)
    assert (await side.refused({"token": "x"}, revocation.handle, path=PATH)).error == "invalid_client"
    error = await side.refused({}, revocation.handle, client="app", path=PATH)
    assert error.error == "invalid_request"
