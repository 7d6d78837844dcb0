"""Clients, their secrets, grants and consents as stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.storage.identity.samples_identity import (
    APPLICATION,
    CLIENT,
    GRANT,
    NOW,
    REFRESH,
    TOKEN,
    USER,
    digest,
    fill,
    filled,
)
from tests.storage.samples import count, feed_of, rows_of

from wardgate.domain.oauth import Client, ClientSecret
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError

pytestmark = pytest.mark.every_database


async def test_a_client_comes_back_as_it_went_in(store: SqlStore) -> None:
    """Every setting of a client is stored, in another transaction too; an unknown one is nothing."""
    async with filled(store) as tx:
        assert await tx.clients.get("client-1") == CLIENT
    async with store.reading() as tx:
        assert await tx.clients.get("client-1") == CLIENT
        assert await tx.clients.get("client-2") is None


async def test_clients_are_listed_oldest_first(store: SqlStore) -> None:
    """A list is of what was asked for, by environment and application."""
    other = replace(APPLICATION, id="app_2", name="other")
    wanted = [
        CLIENT,
        replace(CLIENT, id="b", environment="staging", created_at=NOW + 2),
        replace(CLIENT, id="a", application="app_2", created_at=NOW + 1),
    ]
    async with filled(store) as tx:
        await tx.applications.add([other], at=NOW)
        for client in wanted[1:]:
            await tx.clients.add(client)
        assert await tx.clients.list() == [wanted[0], wanted[2], wanted[1]]
        assert await tx.clients.list(environment="development") == [wanted[0], wanted[2]]
        assert await tx.clients.list(application="app_1") == [wanted[0], wanted[1]]
        assert await tx.clients.list(environment="staging", application="app_2") == []


async def test_a_client_is_replaced_whole(store: SqlStore) -> None:
    """What is stored of a client afterwards is what it was replaced with, columns and document."""
    changed = Client(
        id="client-1",
        application="app_1",
        environment="staging",
        name="Other",
        status="suspended",
        created_at=NOW + 1,
    )
    async with filled(store) as tx:
        await tx.clients.replace(changed)
        assert await tx.clients.get("client-1") == changed


async def test_secrets_overlap_and_end(store: SqlStore) -> None:
    """A client has several secrets, oldest first, each ended by itself."""
    secrets = [
        ClientSecret(client="client-1", digest=digest(name), created_at=NOW + number)
        for number, name in enumerate(("one", "two"))
    ]
    async with filled(store) as tx:
        for secret in secrets:
            await tx.clients.add_secret(secret)
        assert await tx.clients.secrets("client-1") == secrets
        await tx.clients.end_secret("client-1", digest("one"), NOW + 60)
        assert await tx.clients.secrets("client-1") == [replace(secrets[0], expires_at=NOW + 60), secrets[1]]
        assert await tx.clients.secrets("client-2") == []


async def test_every_change_of_a_client_is_announced(store: SqlStore) -> None:
    """Adding, replacing, removing a client and changing its secrets append ``client`` to the feed."""
    secret = ClientSecret(client="client-1", digest=digest("one"), created_at=NOW)
    async with filled(store) as tx:
        await tx.clients.replace(CLIENT)
        await tx.clients.add_secret(secret)
        await tx.clients.end_secret("client-1", secret.digest, NOW)
        await tx.clients.remove("client-1")
    assert feed_of(store.data_dir) == [("client", "client-1")] * 5
    assert rows_of(store.data_dir, "SELECT min(seq), max(seq) FROM changes") == [(1, 5)]


@pytest.mark.parametrize("of_application", [False, True])
async def test_a_removed_client_takes_everything_along(store: SqlStore, of_application: bool) -> None:
    """Secrets, grants, tokens and consents go with their client, and a client with its application."""
    async with filled(store) as tx:
        await tx.clients.add_secret(ClientSecret(client="client-1", digest=digest("s"), created_at=NOW))
        await tx.refresh_tokens.add(REFRESH)
        await tx.access_tokens.add(digest("at"), TOKEN, "development")
        await tx.consents.put("user-1", "client-1", ("openid",), NOW)
    async with store.writing() as tx:
        if of_application:
            await tx.applications.remove("app_1")
        else:
            await tx.clients.remove("client-1")
    tables = (
        "clients", "client_secrets", "grants", "refresh_families", "refresh_tokens", "access_tokens", "consents",
    )  # fmt: skip
    assert {table: count(store.data_dir, table) for table in tables} == dict.fromkeys(tables, 0)


async def test_a_client_id_is_given_once(store: SqlStore) -> None:
    """A second client of one id is a conflict, whose error shows no row."""
    async with filled(store):
        pass
    with pytest.raises(StoreError, match="contradicts") as caught:
        async with store.writing() as tx:
            await tx.clients.add(replace(CLIENT, name="secret name"))
    assert caught.value.code == "store_conflict"
    assert "client-1" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_grant_comes_back_as_it_went_in(store: SqlStore) -> None:
    """Everything a grant says is stored; an unknown one is nothing."""
    bare = replace(GRANT, id="grant-2", claims={}, auth_time=None, session="", expires_at=NOW + 0.25)
    async with filled(store) as tx:
        await tx.grants.add(bare)
        assert await tx.grants.get("grant-1") == GRANT
        assert await tx.grants.get("grant-2") == bare
        assert await tx.grants.get("grant-3") is None


async def test_grants_are_found_by_what_is_given(store: SqlStore) -> None:
    """All conditions must hold; the newest comes first; ended ones are left out unless asked for."""
    later = replace(GRANT, id="grant-2", session="session-2", created_at=NOW + 1, expires_at=NOW + 100)
    staging = replace(GRANT, id="grant-3", environment="staging", subject="user-2", created_at=NOW + 2)
    async with filled(store) as tx:
        await tx.grants.add(later)
        await tx.grants.add(staging)

        async def found(now: float = NOW, **wanted: object) -> list[str]:
            return [grant.id for grant in await tx.grants.find(**wanted, now=now)]  # type: ignore[arg-type]

        assert await found() == ["grant-3", "grant-2", "grant-1"]
        assert await found(subject="user-1") == ["grant-2", "grant-1"]
        assert await found(client="client-1", environment="staging") == ["grant-3"]
        assert await found(session="session-2", subject="user-1") == ["grant-2"]
        assert await found(client="client-2") == []
        assert await found(now=NOW + 100, subject="user-1") == ["grant-1"]
        await tx.grants.revoke(["grant-1"], NOW + 7)
        assert await found(subject="user-1") == ["grant-2"]
        assert await found(subject="user-1", live=False) == ["grant-2", "grant-1"]
        # By the clock of the system: all of this is long ago.
        assert [grant.id for grant in await tx.grants.find(subject="user-1")] == []


async def test_a_grant_is_revoked_once(store: SqlStore) -> None:
    """The time of the first revocation stays; many, unknown and repeated ids are fine."""
    async with filled(store) as tx:
        await tx.grants.revoke(["grant-1", "grant-1", *(f"none-{number}" for number in range(1200))], NOW + 1)
        await tx.grants.revoke(["grant-1"], NOW + 2)
        await tx.grants.revoke([], NOW + 3)
        grant = await tx.grants.get("grant-1")
    assert grant == replace(GRANT, revoked_at=NOW + 1)


async def test_consents_are_kept_per_client(store: SqlStore) -> None:
    """A consent replaces the one before; removing one leaves others."""
    async with store.writing() as tx:
        await fill(tx)
        await tx.clients.add(replace(CLIENT, id="client-2"))
        assert await tx.consents.get("user-1", "client-1") == ()
        await tx.consents.put("user-1", "client-1", ("openid",), NOW)
        await tx.consents.put("user-1", "client-2", (), NOW + 1)
        await tx.consents.put("user-1", "client-1", ("openid", "email"), NOW + 2)
        assert await tx.consents.get("user-1", "client-1") == ("openid", "email")
        assert await tx.consents.of_user("user-1") == [
            ("client-2", (), NOW + 1),
            ("client-1", ("openid", "email"), NOW + 2),
        ]
        await tx.consents.remove("user-1", "client-2")
        assert [client for client, _, _ in await tx.consents.of_user("user-1")] == ["client-1"]
        await tx.users.remove(USER.id)
        assert await tx.consents.of_user("user-1") == []
