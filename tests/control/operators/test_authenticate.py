"""Tokens of the control plane as somebody without a good one tries them."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from tests.control.operators.operating import ADDRESS, NOW, as_user, clock, person, token_of

from wardgate.control.operators import grants, service_accounts, tokens
from wardgate.control.operators.authenticate import AuthenticationError, authenticate
from wardgate.domain import apikey
from wardgate.domain.operator import is_token, new_token
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT
from wardgate.domain.tokenform import new_secret
from wardgate.storage.database import SqlStore

pytestmark = pytest.mark.every_database


async def refused(store: SqlStore, text: str, now: float = NOW) -> str:
    """What is answered to a token that is no good."""
    with pytest.raises(AuthenticationError) as error:
        await authenticate(store, text, ADDRESS, now)
    return str(error.value)


async def test_a_good_token_stands_for_its_owner(store: SqlStore) -> None:
    """Whoever presents it acts as its owner, with what the owner holds, from where they are."""
    user = await person(store, "ada", "publisher")
    actor = await authenticate(store, await token_of(store, "ada"), ADDRESS, NOW)
    assert (actor.kind, actor.id, actor.name, actor.address) == ("user", user, "ada", ADDRESS)
    assert actor.permissions == BUILTIN_ROLES["publisher"]
    assert actor.token.startswith("wat_")


async def test_a_token_of_a_service_account_stands_for_it(store: SqlStore) -> None:
    """A service account acts under its own id and name."""
    account = await service_accounts.add_service_account(store, name="ci", clock=clock)
    await grants.grant(store, kind="service", name="ci", role="publisher", clock=clock)
    _, secret = await tokens.issue_token(store, name="pipeline", service="ci", clock=clock)
    actor = await authenticate(store, secret.reveal().decode(), ADDRESS, NOW)
    assert (actor.kind, actor.id, actor.name) == ("service", account.id, "ci")


async def test_all_that_is_no_good_is_refused_in_the_same_words(store: SqlStore) -> None:
    """Forged, cut, changed by a letter, unknown, expired, revoked, of someone suspended or gone: nobody is told which."""
    await person(store, "ada", "viewer")
    await person(store, "bob", "viewer")
    good, revoked, short = [await token_of(store, "ada") for _ in range(3)]
    suspended = await token_of(store, "bob")
    await tokens.revoke_token(await as_user(store, "ada"), await id_of(store, revoked), clock=clock)
    async with store.writing() as tx:
        user = await tx.users.get("usr_bob")
        assert user is not None
        await tx.users.replace(replace(user, status="suspended"))
    swapped = good[:-1] + ("0" if good[-1] != "0" else "1")
    other = good[:5] + ("A" if good[5] != "A" else "B") + good[6:]
    tried = [
        "",
        "x",
        good + "0",
        good[:-1],
        good.lower(),
        swapped,
        other,
        new_token(secrets.token_bytes),
        new_secret("at", secrets.token_bytes),
        apikey.generate("dev", secrets.token_bytes),
        "eyJhbGciOiJub25lIn0.e30.",
        "\x00" * 20,
        "é" * 43,
        "a" * 100_000,
        revoked,
        suspended,
    ]
    words = {await refused(store, text) for text in tried}
    words.add(await refused(store, short, NOW + tokens.USUAL_LIFETIME))
    async with store.writing() as tx:
        await tx.users.remove("usr_ada")
    words.add(await refused(store, good))
    assert len(words) == 1
    assert "expired" not in words.pop()


async def id_of(store: SqlStore, text: str) -> str:
    """The id of a token by its text."""
    async with store.reading() as tx:
        found = await tx.operators.token_by_digest(apikey.digest(text.encode(), store.master_key()))
    assert found is not None
    return found.id


async def test_a_suspended_service_account_is_refused_until_it_is_restored(store: SqlStore) -> None:
    """Suspending holds from the next call on, and is taken back as fast."""
    await service_accounts.add_service_account(store, name="ci", clock=clock)
    await grants.grant(store, kind="service", name="ci", role="viewer", clock=clock)
    _, secret = await tokens.issue_token(store, name="pipeline", service="ci", clock=clock)
    text = secret.reveal().decode()
    await service_accounts.suspend_service_account(store, "ci", clock=clock)
    await refused(store, text)
    await service_accounts.restore_service_account(store, "ci", clock=clock)
    assert (await authenticate(store, text, ADDRESS, NOW)).name == "ci"
    await service_accounts.remove_service_account(store, "ci", clock=clock)
    await refused(store, text)


async def test_taking_a_role_takes_it_from_tokens_at_once(store: SqlStore) -> None:
    """A token that was issued before opens nothing that its owner does not hold any more."""
    await person(store, "ada", "publisher", "auditor")
    text = await token_of(store, "ada")
    assert (await authenticate(store, text, ADDRESS, NOW)).may("apis.promote")
    await grants.withdraw(store, kind="user", name="ada", role="publisher", clock=clock)
    after = await authenticate(store, text, ADDRESS, NOW)
    assert not after.may("apis.promote")
    assert after.permissions == BUILTIN_ROLES["auditor"]


async def test_a_token_does_not_grow_with_its_owner(store: SqlStore) -> None:
    """What is granted to the owner later is not in tokens that exist."""
    await person(store, "ada", "viewer")
    text = await token_of(store, "ada")
    await grants.grant(store, kind="user", name="ada", role="owner", clock=clock)
    assert (await authenticate(store, text, ADDRESS, NOW)).permissions == BUILTIN_ROLES["viewer"]


async def test_a_token_is_as_narrow_as_it_was_made(store: SqlStore) -> None:
    """Permissions and projects both narrow, and nothing of the installation is left in a token for a project."""
    await person(store, "ada", "owner")
    one = await authenticate(store, await token_of(store, "ada", "apis.view"), ADDRESS, NOW)
    assert one.permissions == {"apis.view"}
    within = await authenticate(store, await token_of(store, "ada", projects=["default"]), ADDRESS, NOW)
    assert within.permissions == frozenset()
    assert within.projects == {"default": OF_PROJECT}


async def test_uses_are_noted_once_a_minute(store: SqlStore) -> None:
    """The time and place of the last use are kept, and a second use within the minute is not written."""
    await person(store, "ada", "viewer")
    text = await token_of(store, "ada")
    seen = []
    for now, address in ((NOW, "192.0.2.1"), (NOW + 59, "192.0.2.2"), (NOW + 60, "192.0.2.3")):
        await authenticate(store, text, address, now)
        (record,) = await tokens.list_tokens(store, user="ada")
        seen.append((record.token.last_used_at, record.token.last_used_address))
    assert seen == [(NOW, "192.0.2.1"), (NOW, "192.0.2.1"), (NOW + 60, "192.0.2.3")]


async def test_the_text_is_kept_nowhere(store: SqlStore) -> None:
    """The store knows a keyed digest, the prefix and the last four characters."""
    await person(store, "ada", "viewer")
    text = await token_of(store, "ada")
    (record,) = await tokens.list_tokens(store, user="ada")
    assert text.startswith(record.token.prefix) and len(record.token.prefix) == 9
    assert record.token.last_four == text[-4:]
    assert text not in repr(record) and is_token(text)
