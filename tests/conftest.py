"""What tests of several rooms share: a fresh store in a directory of its own, on SQLite or on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from tests import postgres as postgres_server
from tests.postgres import URL_FILE, Postgres
from tests.storage.samples import source_of

from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.reader import SqliteSource

DATABASES = ("sqlite", "postgresql")
#: The PostgreSQL database that is made once and copied for each test.
_TEMPLATE = "wardgate_new"
_NUMBERS = count(1)
#: Copies that tests left as they were, once emptied.
_FREE: list[str] = []
_EMPTY = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('alembic_version', 'environments', 'signing_keys', 'instance_keys')
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    INSERT INTO audit_ends SELECT * FROM kept.audit_ends;
END $$
"""


def pytest_configure(config: pytest.Config) -> None:
    """Registers the markers below."""
    config.addinivalue_line("markers", "every_database: runs with a store on SQLite and on PostgreSQL")
    config.addinivalue_line("markers", "only_postgresql: runs with a store on PostgreSQL alone")
    config.addinivalue_line(
        "markers", "takes_long: begins first, so that the others need not wait for its end"
    )
    config.addinivalue_line("markers", "spoils_database: leaves a PostgreSQL database nobody else can use")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    items.sort(key=lambda item: item.get_closest_marker("takes_long") is None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run once with each kind of store that their marker asks for."""
    if "place" in metafunc.fixturenames:
        if metafunc.definition.get_closest_marker("only_postgresql"):
            metafunc.parametrize("place", ["postgresql"], indirect=True)
        elif metafunc.definition.get_closest_marker("every_database"):
            metafunc.parametrize("place", DATABASES, indirect=True)


@pytest.fixture(scope="session")
def new_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory just made, to be copied: migrating takes longer than most tests."""
    data_dir = tmp_path_factory.mktemp("new") / "data"

    async def make() -> None:
        await (await open_store(data_dir)).close()

    asyncio.run(make())
    return data_dir


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server; where there is none the test is skipped and says why."""
    reason = postgres_server.missing()
    if reason:
        pytest.skip(reason)
    with postgres_server.running() as server:
        yield server


@pytest.fixture(scope="session")
def new_postgres_data_dir(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that belongs to the database which is copied for each test."""
    data_dir = tmp_path_factory.mktemp("new-postgres") / "data"
    postgres.run(f"CREATE DATABASE {_TEMPLATE}")

    async def make() -> None:
        await (await open_store(data_dir, postgres.url(_TEMPLATE))).close()

    asyncio.run(make())
    postgres.run(
        "CREATE SCHEMA kept; CREATE TABLE kept.audit_ends AS SELECT * FROM audit_ends", database=_TEMPLATE
    )
    return data_dir


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is: its data directory and, on PostgreSQL, its database."""

    data_dir: Path
    url: str | None


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A fresh store, not open: SQLite's, unless the test is marked ``every_database``."""
    data_dir = tmp_path / "data"
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copytree(request.getfixturevalue("new_data_dir"), data_dir)
        yield Place(data_dir, None)
        return
    server: Postgres = request.getfixturevalue("postgres")
    shutil.copytree(request.getfixturevalue("new_postgres_data_dir"), data_dir)
    database = _FREE.pop() if _FREE else _copy(server)
    (data_dir / URL_FILE).write_text(server.url(database))
    yield Place(data_dir, server.url(database))
    if request.node.get_closest_marker("spoils_database") or not _emptied(server, database):
        server.run(f"DROP DATABASE {database} WITH (FORCE)")
    else:
        _FREE.append(database)


def _copy(server: Postgres) -> str:
    database = f"test_{next(_NUMBERS)}"
    server.run(f"CREATE DATABASE {database} TEMPLATE {_TEMPLATE}")
    return database


def _emptied(server: Postgres, database: str) -> bool:
    """Whether the database is as new: a failed test may have left a transaction open, which is not waited for."""
    import psycopg

    try:
        with psycopg.connect(server.url(database), options="-c lock_timeout=500") as connection:
            connection.execute(_EMPTY)
    except psycopg.Error:
        return False
    return True


@pytest.fixture
async def store(place: Place) -> AsyncIterator[SqlStore]:
    """An open store in a data directory of its own."""
    async with await open_store(place.data_dir, place.url) as opened:
        yield opened


@pytest.fixture
def source(store: SqlStore) -> Iterator[SqliteSource]:
    """A reader of ``store`` for the development environment."""
    reader = source_of(store)
    yield reader
    reader.close()
