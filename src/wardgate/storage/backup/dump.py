"""Writes what one snapshot of a database holds into an archive, while others go on writing the database."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, MetaData, create_engine, select, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

import wardgate
from wardgate.storage.backend import explained
from wardgate.storage.backup.archive import Manifest, Writer
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import BUSY_TIMEOUT_MS, VERSION_TABLE, database_path

#: Rows fetched at a time.
_AT_A_TIME = 1000


def dump(
    file: Path, data_dir: Path, database_url: str | None, *, master_key: bytes, created_at: float
) -> Manifest:
    """Afterwards ``file`` is an archive of the store as it was at one moment, readable by this user alone.

    It appears complete or not at all, and never replaces a file.

    Raises:
        StoreError: the database cannot be read, or ``file`` exists or cannot be written.
    """
    if file.exists():
        raise StoreError("backup_exists", f"{file} exists already", "Name a new file, or remove this one")
    with ExitStack() as stack:
        try:
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".wardgate-")
                )
            )
            draft = folder / "archive.zip"
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            connection = stack.enter_context(
                _sqlite(data_dir, folder) if database_url is None else _postgres(database_url)
            )
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
                manifest = write(connection, Writer(target), master_key=master_key, created_at=created_at)
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            os.link(draft, file)
        except FileExistsError as error:
            raise StoreError("backup_exists", f"{file} exists already", "Name a new file") from error
        except OSError as error:
            raise StoreError(
                "backup_unwritable",
                f"{file} cannot be written ({error.strerror or error})",
                "Name a file in a directory of yours with enough space",
            ) from error
    return manifest


def write(connection: Connection, writer: Writer, *, master_key: bytes, created_at: float) -> Manifest:
    """Writes every table of the database behind ``connection``, whatever its schema."""
    known = MetaData()
    known.reflect(connection)
    schema = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 a constant
    for table in known.sorted_tables:
        if table.name == VERSION_TABLE:
            continue
        query = select(*table.columns).order_by(*table.primary_key.columns)
        with connection.execution_options(yield_per=_AT_A_TIME).execute(query) as rows:
            writer.add(table.name, [column.name for column in table.columns], rows)
    return writer.finish(
        version=wardgate.__version__, schema=str(schema), created_at=created_at, master_key=master_key
    )


@contextmanager
def _sqlite(data_dir: Path, folder: Path) -> Iterator[Connection]:
    """A copy, page by page, in one step: writers wait for nothing, and the log does not grow for long."""
    copy = folder / "copy.db"
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    source = f"{database_path(data_dir).absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(source, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as opened,
            closing(sqlite3.connect(copy)) as target,
        ):
            opened.backup(target)
            # A copy of a database in WAL mode would be one too, and there is nobody to share it with.
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreError(
            "store_unreadable",
            f"The database in {data_dir} cannot be read ({error})",
            "Check that it is a Wardgate database, and that there is space for a copy beside the backup",
        ) from error
    engine = create_engine(
        URL.create("sqlite", database=str(copy.absolute())), poolclass=NullPool, hide_parameters=True
    )
    with explained(f"The copy of the database in {data_dir}"), engine.connect() as connection:
        yield connection


@contextmanager
def _postgres(database_url: str) -> Iterator[Connection]:
    """One snapshot, which holds no lock that a writer waits for."""
    from wardgate.storage.postgres import name_of, plain_engine

    engine = plain_engine(database_url).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    with explained(name_of(database_url)), engine.connect() as connection, connection.begin():
        yield connection
