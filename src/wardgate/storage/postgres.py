"""The store on PostgreSQL, shared by any number of machines; each has the same master key in its data directory.

Writing transactions run at READ COMMITTED, where what must happen once is one statement. A use case that reads and then
writes on what it read is kept alone by an advisory lock (``SqlStore.writing``); the authorization server's transactions
do without it (``SqlStore.overlapping``). Reading transactions are REPEATABLE READ: one state, and no lock.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from wardgate.storage import advisory
from wardgate.storage.backend import POOL_SECONDS, Backend, explained
from wardgate.storage.errors import MasterKeyError, NewerSchemaError, StoreError
from wardgate.storage.layout import BUSY_TIMEOUT_MS, MASTER_KEY, SCHEMA, SCHEMAS, VERSION_TABLE
from wardgate.storage.masterkey import create_master_key, load_master_key
from wardgate.storage.migrate import migrate, open_newest_key

#: Connections a process keeps, and opens besides while it needs them.
_POOL, _OVERFLOW = 10, 10
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


def open_postgres(database_url: str) -> Backend:
    """The prepared database at ``database_url``. Raises StoreError for a URL that is none."""
    url = _url(database_url)
    # As with SQLite, whoever waits longer for somebody else's lock is told so; options of the URL go before ours.
    options = f"-c lock_timeout={BUSY_TIMEOUT_MS} {url.query.get('options', '')}".strip()
    engine = create_async_engine(
        url.update_query_dict({"options": options}),
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
    )
    readers = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Backend(name=_name(url), readers=readers, writers=engine, overlapping=True)


def plain_engine(database_url: str) -> Engine:
    """A synchronous engine for work on the database as a whole. Raises StoreError for a URL that is none."""
    return create_engine(_url(database_url), poolclass=NullPool, hide_parameters=True)


def name_of(database_url: str) -> str:
    """What errors call the database: no secret of its URL. Raises StoreError for a URL that is none."""
    return _name(_url(database_url))


def prepare_postgres(data_dir: Path, database_url: str) -> bytes:
    """Makes what is missing, migrates an older schema, and returns the master key of ``data_dir``.

    Raises:
        MasterKeyError: the master key is missing, unsafe, damaged, or not this database's.
        NewerSchemaError: a later version of Wardgate migrated the database.
        StoreError: the directory or the database cannot be used.
    """
    url = _url(database_url)
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with explained(_name(url)), engine.connect() as connection, connection.begin():
        if not _is_current(connection, url):
            # Whoever waited here sees what the one before did.
            connection.execute(advisory.HOLD, {"space": advisory.SPACE, "lock": advisory.SCHEMA})
            if not _is_current(connection, url):
                _create(connection, data_dir, url)
        master_key = load_master_key(data_dir)
        open_newest_key(connection, _name(url), master_key)
    return master_key


def _create(connection: Connection, data_dir: Path, url: URL) -> None:
    if not (data_dir / MASTER_KEY).exists():
        if _schema(connection) is not None:
            raise MasterKeyError(
                f"{data_dir / MASTER_KEY} is missing although {_name(url)} is in use",
                "Copy master.key from another machine of this installation, or from the backup",
            )
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_master_key(data_dir)
        except OSError as error:
            raise StoreError(
                "store_unavailable",
                f"The data directory {data_dir} cannot be used ({error.strerror or error})",
                "Check that it is a directory which this user owns",
            ) from error
    migrate(connection, time.time(), load_master_key(data_dir))


def _is_current(connection: Connection, url: URL) -> bool:
    found = _schema(connection)
    if found is not None and found not in SCHEMAS:
        raise NewerSchemaError(_name(url), found, SCHEMA)
    return found == SCHEMA


def _schema(connection: Connection) -> str | None:
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": VERSION_TABLE}) is None:
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 a constant
    return found


def _url(database_url: str) -> URL:
    """The URL for the driver. Its errors name the scheme at most: the rest may hold a password."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise StoreError(
            "database_url_invalid",
            "The database URL cannot be read",
            "Write it as postgresql://user@host:5432/database, with special characters percent-encoded",
        ) from None
    if url.drivername not in _SCHEMES:
        raise StoreError(
            "database_url_invalid",
            f"The database URL has the scheme {url.drivername!r}, which no database of Wardgate has",
            "Write it as postgresql://user@host:5432/database, or leave it out for SQLite",
        )
    try:
        import psycopg  # noqa: F401 is it there?
    except ImportError:
        raise StoreError(
            "driver_missing",
            "PostgreSQL needs the driver psycopg, which is not installed",
            "Install it with `pip install 'wardgate[postgres]'`",
        ) from None
    return url.set(drivername="postgresql+psycopg")


def _name(url: URL) -> str:
    return (
        f"The database {url.database!r} at {url.host or _socket_directory(url.query) or 'the local socket'}"
    )


def _socket_directory(query: Any) -> str | None:
    host = query.get("host")
    return host if isinstance(host, str) else None
