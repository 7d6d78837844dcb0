"""Opens the store: the data directory, the master key, the database and its transactions."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from wardgate.control import feed
from wardgate.identity import ports as identity
from wardgate.storage.errors import MasterKeyError, StoreError
from wardgate.storage.layout import BUSY_TIMEOUT_MS, LOCK, MASTER_KEY, database_path
from wardgate.storage.masterkey import create_master_key, load_master_key
from wardgate.storage.migrate import check_master_key, is_current, migrate
from wardgate.storage.transaction import SqlTransaction

#: Execution option of a connection whose transaction will write.
_WRITES = "wardgate_writes"


class SqlStore:
    """An open store; close it when done, or use it as an asynchronous context manager."""

    def __init__(self, data_dir: Path, engine: AsyncEngine, master_key: bytes) -> None:
        self._data_dir = data_dir
        self._engine = engine
        self._master_key = master_key

    @property
    def data_dir(self) -> Path:
        """The installation's directory."""
        return self._data_dir

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
        return self._master_key

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[identity.Transaction]:
        """A transaction that sees one consistent state and changes nothing.

        Raises:
            StoreError: the database cannot be read.
        """
        with _explained(self._data_dir):
            async with self._engine.connect() as connection:
                yield SqlTransaction(connection, writes=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[identity.Transaction]:
        """A transaction no other writer overlaps: committed when the block ends, rolled back when it raises.

        After a commit that appended to the change feed its followers are woken, once.

        Raises:
            StoreError: the database stayed locked for five seconds, or cannot be written.
        """
        with _explained(self._data_dir):
            async with self._engine.connect() as plain:
                connection: AsyncConnection = await plain.execution_options(**{_WRITES: True})
                transaction = SqlTransaction(connection, writes=True)
                async with connection.begin():
                    yield transaction
                    appended = await transaction.feed.flush()
        if appended:
            feed.wake(self._data_dir)

    async def close(self) -> None:
        """Afterwards no connection is open."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def open_store(data_dir: Path) -> SqlStore:
    """The store in ``data_dir``; what is missing of it is made first, and an older schema is migrated.

    Any number of processes may open the same directory at the same time, fresh or not.

    Raises:
        MasterKeyError: the master key is missing, unsafe, damaged, or not this database's.
        NewerSchemaError: a later version of Wardgate migrated the database.
        StoreError: the directory or the database cannot be used.
    """
    master_key = await asyncio.to_thread(_prepare, data_dir)
    url = URL.create("sqlite+aiosqlite", database=str(database_path(data_dir).absolute()))
    engine = create_async_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    _configure(engine.sync_engine)
    return SqlStore(data_dir, engine, master_key)


def _prepare(data_dir: Path) -> bytes:
    """Makes what is missing and returns the master key."""
    database = database_path(data_dir)
    try:
        if not is_current(database):
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(data_dir):
                if not is_current(database):
                    _create(data_dir)
    except OSError as error:
        raise StoreError(
            "store_unavailable",
            f"The data directory {data_dir} cannot be used ({error.strerror or error})",
            "Check that it is a directory on a local disk which this user owns, and that there is space on it",
        ) from error
    master_key = load_master_key(data_dir)
    check_master_key(database, master_key)
    return master_key


def _create(data_dir: Path) -> None:
    """Makes or migrates the database; no other process does so meanwhile."""
    database = database_path(data_dir)
    if not (data_dir / MASTER_KEY).exists():
        if database.exists() and database.stat().st_size > 0:
            raise MasterKeyError(
                f"{data_dir / MASTER_KEY} is missing although {database} exists",
                "Restore master.key from the backup made with this database; a new one would not fit it",
            )
        create_master_key(data_dir)
    master_key = load_master_key(data_dir)
    # SQLite gives its -wal and -shm files the mode of the database file.
    os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(URL.create("sqlite", database=str(database.absolute())), poolclass=NullPool)
    _configure(engine)
    with _explained(data_dir), engine.connect() as plain:
        connection = plain.execution_options(**{_WRITES: True})
        with connection.begin():
            migrate(connection, time.time(), master_key)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Holds the directory's lock: one process at a time creates or migrates."""
    descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _configure(engine: Engine) -> None:
    """Sets every connection up, and takes the write lock at the start of a writing transaction, not midway."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # No transaction control by the driver: it begins one only at the first INSERT, and too late for a lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    """Turns a failure of the database into an error that says what to do."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError(
            "store_conflict",
            f"The change contradicts what the database in {data_dir} holds ({error.orig})",
            "Look at the present state and try again: another change may have come first",
        ) from error
    except DBAPIError as error:
        raise StoreError(
            "store_unavailable",
            f"The database in {data_dir} refused the operation ({error.orig})",
            "If it is locked, another program holds it: try again; otherwise check the disk's space and permissions",
        ) from error
