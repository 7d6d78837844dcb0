"""The store on SQLite: a file in the data directory."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from wardgate.storage.backend import POOL_SECONDS, Backend, explained
from wardgate.storage.direct import BEGIN_WRITING, DirectConnection
from wardgate.storage.errors import MasterKeyError, StoreError
from wardgate.storage.layout import BUSY_TIMEOUT_MS, LOCK, MASTER_KEY, database_path
from wardgate.storage.masterkey import create_master_key, load_master_key
from wardgate.storage.migrate import check_master_key, is_current, migrate
from wardgate.storage.prepared import refusal


def open_sqlite(data_dir: Path) -> Backend:
    """The database of a prepared ``data_dir``.

    Writers of this process wait in a queue for its one writing connection, in the order they came; SQLite itself lets
    processes wait for each other by trying again. Reading connections cannot write, not even by mistake.
    """
    path = str(database_path(data_dir).absolute())

    async def connect(*arguments: Any, **named: Any) -> DirectConnection:
        return DirectConnection(path, BUSY_TIMEOUT_MS)

    url = URL.create("sqlite+aiosqlite", database=path)
    connect_args = {"async_creator_fn": connect}
    readers = create_async_engine(url, connect_args=connect_args, hide_parameters=True)
    writers = create_async_engine(
        url,
        connect_args=connect_args,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
    )
    configure(readers.sync_engine, writes=False)
    configure(writers.sync_engine, writes=True)
    return Backend(name=_name(data_dir), readers=readers, writers=writers, overlapping=False)


def prepare_sqlite(data_dir: Path) -> bytes:
    """Makes what is missing in ``data_dir``, migrates an older schema, and returns the master key.

    Raises:
        MasterKeyError: the master key is missing, unsafe, damaged, or not this database's.
        NewerSchemaError: a later version of Wardgate migrated the database.
        StoreError: the directory or the database cannot be used.
    """
    database = database_path(data_dir)
    try:
        if not is_current(database):
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with alone(data_dir):
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
    url = URL.create("sqlite", database=str(database.absolute()))
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    configure(engine, writes=True)
    with explained(_name(data_dir)), engine.connect() as connection, connection.begin():
        migrate(connection, time.time(), master_key)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Holds the directory's lock: one process at a time creates or migrates."""
    descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def configure(engine: Engine, *, writes: bool) -> None:
    """Sets every connection up; a writing transaction takes the write lock at its start, not midway."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # No transaction control by the driver: it begins one only at the first INSERT, and too late for a lock.
        if connection.isolation_level is not None:
            connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = BEGIN_WRITING if writes else "BEGIN"
        driver = connection.connection.driver_connection
        if not isinstance(driver, DirectConnection):
            connection.exec_driver_sql(statement)
            return
        try:
            if writes:
                await_only(driver.begin_writing())
            else:
                driver.raw.execute(statement)
        except sqlite3.Error as error:
            raise refusal(statement, error) from error


def _name(data_dir: Path) -> str:
    return f"The database in {data_dir}"
