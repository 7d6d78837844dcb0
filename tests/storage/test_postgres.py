"""The store on PostgreSQL: opening it fresh, again, at once, with the wrong key, newer, unreachable."""

from __future__ import annotations

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.conftest import Place
from tests.postgres import Postgres
from tests.storage.samples import count, digest_of, feed_of, rows_of

from wardgate.control.applications import add
from wardgate.control.keys import issue, list_keys
from wardgate.storage import tables_identity
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.digests import lookup_of
from wardgate.storage.errors import MasterKeyError, NewerSchemaError, StoreError
from wardgate.storage.layout import SCHEMA
from wardgate.storage.masterkey import create_master_key

pytestmark = [pytest.mark.only_postgresql, pytest.mark.spoils_database]


@pytest.fixture
def empty(place: Place, postgres: Postgres) -> Place:
    """A data directory and a database that do not know each other yet, both empty."""
    assert place.url is not None
    shutil.rmtree(place.data_dir)
    postgres.run(f"DROP DATABASE {_name(place)}")
    postgres.run(f"CREATE DATABASE {_name(place)}")
    return place


def _name(place: Place) -> str:
    assert place.url is not None
    return place.url.partition("@/")[2].partition("?")[0]


async def test_the_migrations_make_the_tables(store: SqlStore, place: Place) -> None:
    """The migrated schema is the one of the tables, and its name this version's."""
    assert place.url is not None
    engine = create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables_identity.metadata) == []
        assert context.get_current_revision() == SCHEMA
    engine.dispose()


async def test_a_fresh_database_is_seeded_and_opened_again(empty: Place) -> None:
    """The first opening makes the master key, tables and first rows; the next finds them."""
    async with await open_store(empty.data_dir, empty.url) as store:
        await add(store, name="mobile")
        credential, key = await issue(store, application="mobile", environment="development")
    assert (empty.data_dir / "master.key").stat().st_mode & 0o777 == 0o600
    async with await open_store(empty.data_dir, empty.url) as again:
        async with again.reading() as tx:
            assert [each.name for each in await tx.environments.all()] == [
                "development",
                "staging",
                "production",
            ]
            assert await tx.credentials.by_digest(digest_of(again, key)) == credential
        assert again.master_key() == store.master_key()


async def test_many_may_open_a_fresh_database_at_once(empty: Place) -> None:
    """Openings at the same time all succeed, with one key and one set of rows."""
    stores = await asyncio.gather(*(open_store(empty.data_dir, empty.url) for _ in range(4)))
    assert len({store.master_key() for store in stores}) == 1
    for store in stores:
        async with store.reading() as tx:
            assert len(await tx.environments.all()) == 3
        await store.close()


async def test_another_machine_needs_the_same_master_key(
    store: SqlStore, place: Place, tmp_path: Path
) -> None:
    """A machine without the key makes none, and one with another key is refused; with it both share the store."""
    other = tmp_path / "other"
    with pytest.raises(MasterKeyError, match="does not exist"):
        await open_store(other, place.url)
    assert not other.exists()
    other.mkdir(mode=0o700)
    create_master_key(other)
    with pytest.raises(MasterKeyError, match="not the one this database was made with"):
        await open_store(other, place.url)
    shutil.copy(place.data_dir / "master.key", other / "master.key")
    async with await open_store(other, place.url) as second:
        await add(second, name="mobile")
    async with store.reading() as tx:
        assert [each.name for each in await tx.applications.all()] == ["mobile"]


async def test_an_older_schema_without_its_key_is_not_migrated(store: SqlStore, place: Place) -> None:
    """Where a migration is due a missing master key is no reason to make a new one."""
    await store.close()
    _run(place, "UPDATE alembic_version SET version_num = 'v0002'")
    (place.data_dir / "master.key").unlink()
    with pytest.raises(MasterKeyError, match="is missing although The database 'test_"):
        await open_store(place.data_dir, place.url)
    assert not (place.data_dir / "master.key").exists()


async def test_a_newer_schema_is_refused(store: SqlStore, place: Place) -> None:
    """A database that a later version migrated is refused by name, not touched."""
    _run(place, "UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(NewerSchemaError, match="v9999") as caught:
        await open_store(place.data_dir, place.url)
    assert caught.value.code == "store_newer"


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("mysql://u:hunter2@h/d", "database_url_invalid", "the scheme 'mysql'"),
        ("postgresql+asyncpg://u:hunter2@h/d", "database_url_invalid", "the scheme 'postgresql\\+asyncpg'"),
        ("hunter2", "database_url_invalid", "cannot be read"),
        ("postgresql://u:hunter2@h:port/d", "database_url_invalid", "cannot be read"),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "store_unavailable", "'d' at 127.0.0.1 refused"),
        ("postgresql://u@/d?host=/nowhere&password=hunter2", "store_unavailable", "'d' at /nowhere refused"),
    ],
)
async def test_a_database_that_cannot_be_used_is_an_error_without_its_password(
    tmp_path: Path, url: str, code: str, says: str
) -> None:
    """The error names what is wrong, and neither it nor what led to it holds a password."""
    with pytest.raises(StoreError, match=says) as caught:
        await open_store(tmp_path / "data", url)
    assert caught.value.code == code
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__
    assert not (tmp_path / "data").exists()


async def test_a_driver_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the error says how to install it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="not installed") as caught:
        await open_store(tmp_path, "postgresql://localhost/d")
    assert "wardgate[postgres]" in caught.value.remedy


async def test_reading_sees_one_state(store: SqlStore) -> None:
    """What is committed meanwhile is not seen by a reading transaction, and by the next it is."""
    async with store.reading() as before:
        assert await before.applications.all() == []
        await add(store, name="mobile")
        assert await before.applications.all() == []
        async with store.reading() as after:
            assert [each.name for each in await after.applications.all()] == ["mobile"]


async def test_keys_at_the_ends_of_the_numbers_are_found(store: SqlStore) -> None:
    """Digests whose row numbers are the least and the greatest there are keep their rows."""
    await add(store, name="mobile")
    credential, _ = await issue(store, application="mobile", environment="development")
    digests = [b"\x80" + bytes(31), b"\x7f" + b"\xff" * 31]
    async with store.writing() as tx:
        for number, digest in enumerate(digests):
            await tx.credentials.add(replace(credential, id=f"key_{number}"), digest)
    async with store.reading() as tx:
        for number, digest in enumerate(digests):
            found = await tx.credentials.by_digest(digest)
            assert found is not None
            assert found.id == f"key_{number}"
    rows = {row[0] for row in rows_of(store.data_dir, "SELECT lookup FROM credentials")}
    assert {lookup_of(digest) for digest in digests} == {-(2**63), 2**63 - 1} <= rows


async def test_a_value_that_cannot_be_stored_is_an_error(store: SqlStore) -> None:
    """PostgreSQL has no NUL in texts: what holds one is refused, without being quoted."""
    with pytest.raises(StoreError, match="NUL") as caught:
        async with store.writing() as tx:
            await tx.throttle.fail("ada\0", 1.0, 60.0)
    assert caught.value.code == "store_value_refused"
    assert "ada" not in str(caught.value)


async def test_concurrent_use_cases_lose_nothing(store: SqlStore, place: Place) -> None:
    """Keys that many issue at the same time on two machines are all there, and all announced in order."""
    await add(store, name="mobile")
    async with await open_store(place.data_dir, place.url) as other:
        await asyncio.gather(
            *(
                issue(each, application="mobile", environment="development", name=f"{who}-{number}")
                for number in range(10)
                for who, each in (("left", store), ("right", other))
            )
        )
    names = [record.credential.name for record in await list_keys(store)]
    assert sorted(names) == sorted(f"{who}-{n}" for who in ("left", "right") for n in range(10))
    assert len({key for kind, key in feed_of(store.data_dir) if kind == "credential"}) == 20


async def test_a_lock_that_is_held_too_long_is_an_error(store: SqlStore, place: Place) -> None:
    """Whoever waits for another's lock longer than the bound is told, and changed nothing."""
    assert place.url is not None
    hasty = place.url + "&options=-c%20lock_timeout%3D200"
    async with await open_store(place.data_dir, hasty) as other, store.writing():
        with pytest.raises(StoreError, match="lock timeout") as caught:
            await add(other, name="mobile")
    assert caught.value.code == "store_unavailable"
    assert count(store.data_dir, "applications") == 0


def _run(place: Place, statement: str) -> None:
    import psycopg

    assert place.url is not None
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(statement.encode())
