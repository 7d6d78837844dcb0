"""Keys found in public: what is noted, and what is done about them."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest
from tests.storage.samples import feed_of, orders, rows_of

from wardgate.control import audit, leaks
from wardgate.control.apply import apply_document
from wardgate.control.errors import ForbiddenError, InvalidError
from wardgate.control.keys import issue, revoke, show, state_of
from wardgate.control.leaks import Report
from wardgate.control.operators.grants import grant
from wardgate.control.operators.service_accounts import add_service_account
from wardgate.control.operators.tokens import issue_token
from wardgate.control.webhooks import add as add_webhook
from wardgate.domain import apikey
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditFilter
from wardgate.domain.consumer import Credential
from wardgate.domain.environment import EnvironmentSettings
from wardgate.storage.database import SqlStore

URL = "https://github.com/octocat/Hello-World/blob/main/app.py"
NOBODY = Actor(kind="user", id="usr_1", name="eve")


async def a_key(store: SqlStore, **settings: Any) -> tuple[Credential, bytes]:
    """A key of an application whose owner has an address, in an environment with these settings."""
    await apply_document(store, orders(), "development", "test", "")
    async with store.writing() as tx:
        await tx.environments.set_settings("development", EnvironmentSettings(**settings))
    credential, key = await issue(store, application="mobile", environment="development")
    return credential, key.reveal()


def found(text: bytes, url: str = URL) -> Report:
    """A report of GitHub's."""
    return Report(text=text, source="content", url=url)


async def dealt_with(store: SqlStore, *reports: Report) -> list[bool]:
    """Reports, and deals with what is noted."""
    ours = await leaks.report(store, reports)
    while await leaks.settle(store):
        pass
    return ours


def mails(store: SqlStore) -> list[tuple[str, str]]:
    """Recipients and bodies of the mail that waits."""
    return rows_of(store.data_dir, "SELECT recipient, body FROM outbox")


@pytest.mark.every_database
async def test_by_default_the_owner_is_told_and_the_key_stays_good(store: SqlStore) -> None:
    """A found key is noted, its owner gets mail with where it is and no key in it, and webhooks and the trail are told."""
    credential, key = await a_key(store)
    await add_webhook(store, url="https://hooks.example.com/x", events=["key.leaked"])
    assert await dealt_with(store, found(key)) == [True]
    assert state_of((await show(store, credential.id)).credential, 1e9) == "active"
    [(recipient, body)] = mails(store)
    assert recipient == "mobile@example.com"
    assert URL in body
    assert "It still works" in body
    assert key.decode() not in body
    [record] = await audit.records(store, AuditFilter(action="key.leak"))
    assert (record.actor_kind, record.event.target) == ("system", credential.id)
    assert record.event.after == {"action": "notify", "kind": "api_key", "source": "content", "url": URL}
    [(payload,)] = rows_of(store.data_dir, "SELECT payload FROM webhook_deliveries")
    assert credential.id in payload
    assert key.decode() not in payload
    [leak] = await leaks.list_leaks(store, environment="development")
    assert (leak.credential, leak.action, leak.url) == (credential.id, "notify", URL)


async def test_revoking_at_once(store: SqlStore) -> None:
    """Where an environment says so, gateways refuse the key from now on."""
    credential, key = await a_key(store, leaks="revoke")
    await dealt_with(store, found(key))
    assert state_of((await show(store, credential.id)).credential, 0.0) == "revoked"
    digest = apikey.digest(key, store.master_key()).hex()
    assert feed_of(store.data_dir)[-1] == ("credential", digest)
    assert "revoked" in mails(store)[0][1]


async def test_rotating_gives_the_key_an_end(store: SqlStore) -> None:
    """With an overlap the key ends after it, or sooner if it was to; no other key is made."""
    credential, key = await a_key(store, leaks="rotate", leak_overlap=7200)
    now = credential.created_at
    await leaks.report(store, [found(key)], clock=lambda: now)
    await leaks.settle(store, clock=lambda: now)
    stored = (await show(store, credential.id)).credential
    assert (stored.expires_at, stored.replaced_by, stored.revoked_at) == (now + 7200, None, None)
    assert "ends in 2 hours" in mails(store)[0][1]
    soon, other = await issue(
        store, application="mobile", environment="development", expires_at=now + 60, clock=lambda: now
    )
    await leaks.report(store, [found(other.reveal())], clock=lambda: now)
    await leaks.settle(store, clock=lambda: now)
    assert (await show(store, soon.id)).credential.expires_at == now + 60


@pytest.mark.every_database
async def test_reporting_again_does_nothing_more(store: SqlStore) -> None:
    """The same report twice, or at once, is one; another place is noted and told of in the trail, without more mail."""
    credential, key = await a_key(store)
    both = await asyncio.gather(leaks.report(store, [found(key)] * 3), leaks.report(store, [found(key)]))
    assert list(both) == [[True] * 3, [True]]
    await asyncio.gather(*(leaks.settle(store) for _ in range(3)))
    await dealt_with(store, found(key), found(key, "https://example.com/elsewhere"))
    assert [each.action for each in await leaks.list_leaks(store)] == ["none", "notify"]
    assert len(mails(store)) == 1
    assert [each.event.target for each in await audit.records(store, AuditFilter(action="key.leak"))] == [
        credential.id
    ] * 2


async def test_what_is_over_is_ours_and_nothing_is_done(store: SqlStore) -> None:
    """A revoked key is told to be real, and its owner is left in peace."""
    credential, key = await a_key(store, leaks="revoke")
    await revoke(store, credential.id)
    assert await dealt_with(store, found(key)) == [True]
    assert [each.action for each in await leaks.list_leaks(store)] == ["none"]
    assert mails(store) == []


async def test_what_is_none_of_ours_is_not_noted(store: SqlStore) -> None:
    """Keys of other installations, noise and nothing leave no trace."""
    _, key = await a_key(store)
    other = apikey.generate("dev", secrets.token_bytes).encode()
    assert (
        await dealt_with(store, found(other), found(key[:-1]), found(b""), found(b"\xff" * 9)) == [False] * 4
    )
    assert await leaks.list_leaks(store) == []


async def test_an_operators_token_is_always_revoked(store: SqlStore) -> None:
    """What opens the control plane is shut at once, whatever environments say."""
    await add_service_account(store, name="ci")
    await grant(store, kind="service", name="ci", role="publisher")
    record, token = await issue_token(store, name="pipeline", service="ci")
    known = await leaks.identify(store, token.reveal())
    assert known is not None
    assert (known.kind, known.live) == ("admin_token", True)
    assert await dealt_with(store, found(token.reveal())) == [True]
    known = await leaks.identify(store, token.reveal())
    assert known is not None
    assert (known.credential, known.live) == (record.token.id, False)


async def test_places_are_bounded_and_hold_no_key(store: SqlStore) -> None:
    """Whoever reports one key a thousand times fills no disk, and a key in an address is not kept."""
    _, key = await a_key(store)
    reports = [found(key, f"https://example.com/{number}") for number in range(leaks.MOST_PLACES + 50)]
    await dealt_with(store, found(key, f"https://example.com/?key={key.decode()}"), *reports)
    listed = await leaks.list_leaks(store, limit=1000)
    assert len(listed) == leaks.MOST_PLACES
    assert all(key.decode() not in repr(each) for each in listed)
    first = listed[-1]
    assert first.url == "https://example.com/?key=[redacted]"
    assert [each.id for each in await leaks.list_leaks(store, before=listed[0].id, limit=1)] == [listed[1].id]


async def test_only_who_may_see_keys_sees_leaks(store: SqlStore) -> None:
    """Listing and identifying need the permission ``keys.view``."""
    with pytest.raises(ForbiddenError, match=r"keys\.view"):
        await leaks.list_leaks(store.acting(NOBODY))
    with pytest.raises(ForbiddenError):
        await leaks.identify(store.acting(NOBODY), b"x")
    allowed = replace(NOBODY, permissions=frozenset(("keys.view",)))
    assert await leaks.list_leaks(store.acting(allowed)) == []
    with pytest.raises(InvalidError, match="Ask for 1 to 1000"):
        await leaks.list_leaks(store, limit=0)
