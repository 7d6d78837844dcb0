"""Accounts, roles, factors, sessions, throttles, mail and foreign providers as stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.identity.samples_identity import (
    FACTOR,
    NOW,
    PROVIDER,
    SESSION,
    USER,
    digest,
)
from tests.storage.samples import count

from wardgate.domain.people import Link, Mail, Role
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError

pytestmark = pytest.mark.every_database
MAIL = Mail(id="mail-1", to="ada@example.com", subject="Hello", body="A link", created_at=NOW)


async def test_a_user_comes_back_as_it_went_in(store: SqlStore) -> None:
    """By id and by name; replacing changes everything, the name included."""
    changed = replace(
        USER, name="lovelace", email="", email_verified=False, status="suspended", profile={}, claims_at=NOW
    )
    async with store.writing() as tx:
        await tx.users.add(USER)
        assert await tx.users.get("user-1") == USER
        assert await tx.users.named("ada") == USER
        await tx.users.replace(changed)
        assert await tx.users.get("user-1") == changed
        assert await tx.users.named("ada") is None
        assert await tx.users.named("lovelace") == changed
        await tx.users.remove("user-1")
        assert await tx.users.get("user-1") is None
        assert await tx.users.list() == []


async def test_addresses_are_compared_without_case(store: SqlStore) -> None:
    """Everybody with an address is found, oldest first; only ASCII letters have a case, and no address is nobody's."""
    second = replace(USER, id="user-2", name="ada2", email="ADA@EXAMPLE.COM", created_at=NOW - 1)
    kelvin = replace(USER, id="user-3", name="mike", email="mi\N{KELVIN SIGN}e@example.com")
    nobody = replace(USER, id="user-4", name="nobody", email="")
    async with store.writing() as tx:
        for user in (USER, second, kelvin, nobody):
            await tx.users.add(user)
        assert await tx.users.with_email("ada@EXAMPLE.com") == [second, USER]
        assert await tx.users.with_email("mike@example.com") == []
        assert await tx.users.with_email("") == []
        assert [user.id for user in await tx.users.list()] == ["user-2", "user-1", "user-3", "user-4"]


async def test_a_name_is_given_once(store: SqlStore) -> None:
    """A second account of one name is a conflict that quotes neither name nor address."""
    async with store.writing() as tx:
        await tx.users.add(USER)
    with pytest.raises(StoreError, match="contradicts") as caught:
        async with store.writing() as tx:
            await tx.users.add(replace(USER, id="user-2"))
    assert "ada" not in str(caught.value).lower().replace("the database", "")


async def test_roles_come_from_several_sources(store: SqlStore) -> None:
    """Setting the roles of one source leaves those of others; each is told once."""
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.providers.add(PROVIDER)
        assert await tx.users.roles("user-1") == ()
        await tx.users.set_roles("user-1", ["clerk", "admin"])
        await tx.users.set_roles("user-1", ["admin", "boss", "boss"], source="provider-1")
        assert await tx.users.roles("user-1") == ("admin", "boss", "clerk")
        await tx.users.set_roles("user-1", ["clerk"])
        assert await tx.users.roles("user-1") == ("admin", "boss", "clerk")
        await tx.users.set_roles("user-1", [], source="local")
        assert await tx.users.roles("user-1") == ("admin", "boss")
        await tx.providers.remove("provider-1")
        assert await tx.users.roles("user-1") == ()


async def test_roles_are_defined_and_removed(store: SqlStore) -> None:
    """A role is replaced by one of its name; a removed one is nobody's any more."""
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.roles.put(Role(name="clerk", scopes=("orders:read",), description="reads"))
        await tx.roles.put(Role(name="admin"))
        await tx.roles.put(Role(name="clerk", scopes=("orders:read", "orders:write")))
        assert await tx.roles.all() == [
            Role(name="admin"),
            Role(name="clerk", scopes=("orders:read", "orders:write")),
        ]
        await tx.users.set_roles("user-1", ["clerk", "admin"])
        await tx.roles.remove("clerk")
        assert await tx.roles.all() == [Role(name="admin")]
        assert await tx.users.roles("user-1") == ("admin",)


async def test_factors_are_kept_and_removed_once(store: SqlStore) -> None:
    """By user and kind, oldest first; removing tells whether it was there."""
    passkey = replace(FACTOR, id="factor-0", kind="passkey", created_at=NOW + 1)
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.factors.add(FACTOR)
        await tx.factors.add(passkey)
        assert await tx.factors.of_user("user-1") == [FACTOR, passkey]
        assert await tx.factors.of_user("user-1", "passkey") == [passkey]
        assert await tx.factors.of_user("user-2") == []
        changed = replace(passkey, label="key", data={"sign_count": 7}, used_at=NOW + 2)
        await tx.factors.replace(changed)
        assert await tx.factors.get("factor-0") == changed
        assert await tx.factors.remove("factor-0")
        assert not await tx.factors.remove("factor-0")
        assert await tx.factors.get("factor-0") is None


async def test_a_counter_only_advances(store: SqlStore) -> None:
    """A counter that was used, or one before it, is refused; replacing the factor does not reset it."""
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.factors.add(FACTOR)
        assert await tx.factors.advance("factor-1", 56_666_666, NOW)
        assert not await tx.factors.advance("factor-1", 56_666_666, NOW + 1)
        assert not await tx.factors.advance("factor-1", 56_666_665, NOW + 1)
        assert await tx.factors.get("factor-1") == replace(FACTOR, used_at=NOW)
        await tx.factors.replace(replace(FACTOR, label="new phone"))
        assert not await tx.factors.advance("factor-1", 56_666_666, NOW + 2)
        assert await tx.factors.advance("factor-1", 2**40, NOW + 3)
        assert not await tx.factors.advance("factor-9", 1, NOW)


async def test_sessions_are_found_by_their_secret(store: SqlStore) -> None:
    """A session is stored under a digest, which a sign-in changes."""
    changed = replace(SESSION, seen_at=NOW + 9, amr=("pwd", "otp"), acr="urn:wardgate:acr:2")
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.sessions.add(SESSION, digest("one"))
        assert await tx.sessions.get("session-1") == SESSION
        assert await tx.sessions.by_digest(digest("one")) == SESSION
        await tx.sessions.replace(changed, digest("two"))
        assert await tx.sessions.by_digest(digest("one")) is None
        assert await tx.sessions.by_digest(digest("two")) == changed
        await tx.sessions.replace(SESSION)
        assert await tx.sessions.by_digest(digest("two")) == SESSION


async def test_a_revoked_session_stays_revoked(store: SqlStore) -> None:
    """Whoever still holds an older view of a session and stores it does not bring it back."""
    other = replace(SESSION, id="session-2", seen_at=NOW + 1)
    over = replace(SESSION, id="session-3", expires_at=NOW)
    async with store.writing() as tx:
        await tx.users.add(USER)
        for session in (SESSION, other, over):
            await tx.sessions.add(session, digest(session.id))
        assert await tx.sessions.of_user("user-1", NOW) == [other, SESSION]
        await tx.sessions.revoke(["session-1"], NOW + 2)
        await tx.sessions.revoke(["session-1", "session-9"], NOW + 3)
        await tx.sessions.replace(replace(SESSION, seen_at=NOW + 4))
        assert await tx.sessions.get("session-1") == replace(SESSION, seen_at=NOW + 4, revoked_at=NOW + 2)
        assert await tx.sessions.of_user("user-1", NOW) == [other]
        await tx.users.remove("user-1")
    assert count(store.data_dir, "sessions") == 0


async def test_failures_are_counted_in_windows(store: SqlStore) -> None:
    """Each failure prolongs the window; a window after the last one the count starts again."""
    async with store.writing() as tx:
        assert await tx.throttle.count("ada", NOW) == (0, 0.0)
        assert [await tx.throttle.fail("ada", NOW + at, 60.0) for at in (0, 30, 80)] == [1, 2, 3]
        assert await tx.throttle.count("ada", NOW + 139) == (3, NOW + 80)
        assert await tx.throttle.count("ada", NOW + 140) == (0, 0.0)
        assert await tx.throttle.fail("ada", NOW + 140, 60.0) == 1
        assert await tx.throttle.fail("other", NOW + 140, 60.0) == 1
        await tx.throttle.clear("ada")
        assert await tx.throttle.count("ada", NOW + 141) == (0, 0.0)


async def test_mail_in_hand_is_not_given_twice(store: SqlStore) -> None:
    """Due mail goes to one sender, in order; failed mail comes again at its time, sent mail never."""
    later = replace(MAIL, id="mail-2", not_before=NOW + 5)
    future = replace(MAIL, id="mail-3", not_before=NOW + 500)
    async with store.writing() as tx:
        for mail in (later, future, MAIL):
            await tx.outbox.add(mail)
    async with store.reading() as tx:
        assert await tx.outbox.due(NOW + 10, 5) == [MAIL, later]
    async with store.writing() as tx:
        assert await tx.outbox.due(NOW, 5) == [MAIL]
        assert await tx.outbox.due(NOW + 10, 1) == [later]
        assert await tx.outbox.due(NOW + 10, 5) == []
        await tx.outbox.sent("mail-1")
        await tx.outbox.failed("mail-2", NOW + 60)
        assert await tx.outbox.due(NOW + 59, 5) == []
        assert await tx.outbox.due(NOW + 60, 5) == [replace(later, attempts=1, not_before=NOW + 60)]
    assert count(store.data_dir, "outbox") == 2


async def test_providers_are_kept_per_environment(store: SqlStore) -> None:
    """A provider comes back with its sealed secret and settings; lists are by name."""
    staging = replace(PROVIDER, id="provider-2", environment="staging", name="Entra", preset="entra")
    async with store.writing() as tx:
        await tx.providers.add(PROVIDER)
        await tx.providers.add(staging)
        assert await tx.providers.get("provider-1") == PROVIDER
        assert await tx.providers.list() == [staging, PROVIDER]
        assert await tx.providers.list("staging") == [staging]
        changed = replace(PROVIDER, sealed_secret=b"", settings={}, status="suspended")
        await tx.providers.replace(changed)
        assert await tx.providers.get("provider-1") == changed
        await tx.providers.remove("provider-1")
        assert await tx.providers.get("provider-1") is None


async def test_links_join_accounts(store: SqlStore) -> None:
    """A foreign subject belongs to one user; links go with their provider and their user."""
    link = Link(provider="provider-1", subject="00u1", user="user-1", created_at=NOW)
    other = replace(link, subject="00u2", created_at=NOW + 1)
    async with store.writing() as tx:
        await tx.users.add(USER)
        await tx.providers.add(PROVIDER)
        await tx.providers.add_link(link)
        await tx.providers.add_link(other)
        assert await tx.providers.link("provider-1", "00u1") == link
        assert await tx.providers.link("provider-1", "00u9") is None
        assert await tx.providers.links_of("user-1") == [link, other]
        assert await tx.providers.links_at("provider-1") == [link, other]
        assert await tx.providers.links_at("provider-2") == []
        await tx.providers.remove_link("provider-1", "00u2")
        assert await tx.providers.links_of("user-1") == [link]
    with pytest.raises(StoreError, match="contradicts"):
        async with store.writing() as tx:
            await tx.providers.add_link(replace(link, created_at=NOW + 5))
    async with store.writing() as tx:
        await tx.users.remove("user-1")
        assert await tx.providers.link("provider-1", "00u1") is None
