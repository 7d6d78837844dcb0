"""Clients by id, fast and as new as the last commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.identity.samples_identity import APPLICATION, CLIENT, NOW, TOKEN, digest, fill, filled
from tests.storage.samples import FREE, application, document, entry

from wardgate.control import applications
from wardgate.control.apply import apply_document
from wardgate.domain.oauth import ClientSecret, Revocation
from wardgate.identity.ports import ClientReader, KnownClient, Transaction
from wardgate.storage import clientreader
from wardgate.storage.clientreader import SqliteClientReader, StoreClientReader
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path

SECRET = ClientSecret(client="client-1", digest=digest("secret"), created_at=NOW, expires_at=NOW + 60)


@pytest.fixture
def reader(store: SqlStore) -> Iterator[SqliteClientReader]:
    """A reader of ``store``."""
    opened = SqliteClientReader(database_path(store.data_dir))
    yield opened
    opened.close()


async def subscribed(store: SqlStore) -> str:
    """Stores the application ``mobile`` on ``orders/v1``, with a client; returns its id."""
    wanted = document([entry()], [FREE], [application("mobile", orders="free")])
    await apply_document(store, wanted, "development", "test", "")
    async with store.writing() as tx:
        found = await tx.applications.find("mobile")
        assert found is not None
        await tx.clients.add(replace(CLIENT, application=found.id))
        await tx.clients.add_secret(SECRET)
    return found.id


async def test_a_client_is_read_with_all_that_is_needed(store: SqlStore, reader: SqliteClientReader) -> None:
    """The client, its secrets, its application and the APIs of its environment, from one state; the same object while
    nothing changed."""
    application_id = await subscribed(store)
    async with store.writing() as tx:
        await tx.clients.add(replace(CLIENT, id="far", application=application_id, environment="staging"))
    known = await reader.known("client-1")
    assert known is not None
    assert known.client == replace(CLIENT, application=application_id)
    assert known.secrets == (SECRET,)
    assert (known.application.name, known.application.owner) == ("mobile", "mobile@example.com")
    assert known.apis == {"orders/v1"}
    assert await reader.known("client-1") is known
    far = await reader.known("far")
    assert far is not None
    assert (far.apis, far.secrets) == (frozenset(), ())
    assert await reader.known("none") is None


@pytest.mark.every_database
async def test_any_store_can_be_read_the_slow_way(store: SqlStore) -> None:
    """The reader for every database tells the same, from either."""
    application_id = await subscribed(store)
    slow: ClientReader = StoreClientReader(store)
    assert await slow.known("client-1") == KnownClient(
        client=replace(CLIENT, application=application_id),
        secrets=(SECRET,),
        application=replace(APPLICATION, id=application_id, owner="mobile@example.com"),
        apis=frozenset(("orders/v1",)),
    )
    assert await slow.known("none") is None


async def _suspend_client(tx: Transaction) -> None:
    await tx.clients.replace(replace(CLIENT, status="suspended"))


async def _end_secret(tx: Transaction) -> None:
    await tx.clients.end_secret("client-1", SECRET.digest, NOW)


async def _remove(tx: Transaction) -> None:
    await tx.clients.remove("client-1")


@pytest.mark.parametrize("change", [_suspend_client, _end_secret, _remove])
async def test_a_change_of_the_client_is_seen_at_once(
    store: SqlStore, reader: SqliteClientReader, change: Callable[[Transaction], Awaitable[None]]
) -> None:
    """The first call after a commit tells what was committed."""
    async with filled(store) as tx:
        await tx.clients.add_secret(SECRET)
    before = await reader.known("client-1")
    async with store.writing() as tx:
        await change(tx)
        assert await reader.known("client-1") is before
    after = await reader.known("client-1")
    assert after != before
    assert after == await StoreClientReader(store).known("client-1")


async def test_changes_of_the_application_are_seen_at_once(
    store: SqlStore, reader: SqliteClientReader
) -> None:
    """Suspending the application and subscribing it elsewhere show on the next call."""
    await subscribed(store)
    assert await reader.known("client-1") is not None
    await applications.suspend(store, "mobile")
    known = await reader.known("client-1")
    assert known is not None
    assert known.application.status == "suspended"
    wanted = document([entry(), entry("users")], [FREE], [application("mobile", orders="free", users="free")])
    await apply_document(store, wanted, "development", "test", "")
    known = await reader.known("client-1")
    assert known is not None
    assert known.apis == {"orders/v1", "users/v1"}


async def test_what_does_not_concern_clients_drops_none(store: SqlStore, reader: SqliteClientReader) -> None:
    """Tokens, failures and revocations are committed all the time; what is known stays known."""
    async with filled(store):
        pass
    known = await reader.known("client-1")
    for number in range(3):
        async with store.writing() as tx:
            await tx.access_tokens.add(digest(f"{number}"), replace(TOKEN, grant=""), "development")
            await tx.throttle.fail("ada", NOW, 60.0)
            await tx.revocations.add([Revocation(kind="jti", key="j", at_ms=1, until=NOW)], at=NOW)
        assert await reader.known("client-1") is known
    async with store.writing() as tx:
        await tx.clients.add(replace(CLIENT, id="client-2"))
    again = await reader.known("client-1")
    assert again == known
    assert again is not known


async def test_a_swept_feed_could_have_said_anything(store: SqlStore, reader: SqliteClientReader) -> None:
    """When changes were swept before the reader saw them it reads anew."""
    async with filled(store):
        pass
    known = await reader.known("client-1")
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("INSERT INTO changes (kind, key, at) VALUES ('client', 'client-1', 1)")
        connection.execute("INSERT INTO changes (kind, key, at) VALUES ('revocation', 'jti j', 1)")
        connection.execute("DELETE FROM changes WHERE kind = 'client'")
    assert await reader.known("client-1") is not known
    known = await reader.known("client-1")
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("INSERT INTO changes (kind, key, at) VALUES ('client', 'client-1', 1)")
        connection.execute("DELETE FROM changes")
    assert await reader.known("client-1") is not known


async def test_memory_is_bounded(
    store: SqlStore, reader: SqliteClientReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many clients are kept at most, and unknown ones not at all."""
    monkeypatch.setattr(clientreader, "MOST_CLIENTS", 3)
    async with store.writing() as tx:
        await fill(tx)
        for number in range(7):
            await tx.clients.add(replace(CLIENT, id=f"c{number}"))
    for number in range(7):
        known = await reader.known(f"c{number}")
        assert known is not None
        assert known.client.id == f"c{number}"
        assert await reader.known(f"none-{number}") is None
        assert len(reader._known) <= 3


async def test_a_missing_database_is_an_error_until_it_is_there(tmp_path: Path, store: SqlStore) -> None:
    """The reader makes no file; once there is one it reads; a damaged row is named."""
    reader = SqliteClientReader(tmp_path / "wardgate.db")
    with pytest.raises(StoreError, match=r"wardgate\.db cannot be read") as caught:
        await reader.known("client-1")
    assert caught.value.code == "store_unavailable"
    assert not (tmp_path / "wardgate.db").exists()
    reader.close()
    reader = SqliteClientReader(database_path(store.data_dir))
    async with filled(store):
        pass
    assert await reader.known("client-1") is not None
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE clients SET document = '{}'")
        connection.execute("INSERT INTO changes (kind, key, at) VALUES ('client', 'client-1', 1)")
    with pytest.raises(StoreError, match="the client client-1") as caught:
        await reader.known("client-1")
    assert caught.value.code == "store_damaged"
    reader.close()


async def test_a_hit_is_cheap(store: SqlStore, reader: SqliteClientReader) -> None:
    """A known client costs some microseconds: the bound leaves room for a busy machine."""
    async with filled(store):
        pass
    await reader.known("client-1")
    best = float("inf")
    for _ in range(20):
        started = time.process_time()
        for _ in range(200):
            await reader.known("client-1")
        best = min(best, (time.process_time() - started) / 200)
    assert best < 15e-6
