"""Puts an archive in the place of what a database holds, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    MetaData,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from wardgate.storage.backend import explained
from wardgate.storage.backup.archive import Manifest, Reader, check, open_archive, read_manifest
from wardgate.storage.errors import NewerSchemaError, StoreError
from wardgate.storage.layout import SCHEMA, SCHEMAS, VERSION_TABLE, database_path
from wardgate.storage.migrate import migrate, open_newest_key, upgrade
from wardgate.storage.sqlite import alone, configure

_AT_A_TIME = 500
#: What every new database holds.
_SEEDED = frozenset(
    (VERSION_TABLE, "environments", "environment_settings", "signing_keys", "instance_keys", "audit_ends")
)


def restore(
    file: Path, data_dir: Path, database_url: str | None, *, master_key: bytes, force: bool
) -> Manifest:
    """Afterwards the database holds what the archive does, in this version's schema; or what it held before, if anything
    went wrong. Whoever follows the change feed reads everything anew.

    ``force`` lets it replace what is there. The database's master key must be the archive's.

    Raises:
        MasterKeyError: the archive was made with another master key, or was changed.
        NewerSchemaError: it has a schema this version does not know.
        StoreError: it is damaged, or the database holds something, or cannot be written.
    """
    with open_archive(file) as source:
        manifest, document = read_manifest(source, str(file))
        check(document, master_key, str(file))
        if manifest.schema not in SCHEMAS:
            raise NewerSchemaError(file, manifest.schema, SCHEMA)
        reader = Reader(source, manifest, str(file))
        with _writing(data_dir, database_url) as connection:
            if not force:
                _check_empty(connection)
            _replace(connection, reader, master_key)
    return manifest


def _check_empty(connection: Connection) -> None:
    """Raises StoreError when anybody has done anything with the database."""
    known = MetaData()
    known.reflect(connection)
    for table in known.sorted_tables:
        if table.name in _SEEDED:
            continue
        count = connection.scalar(select(func.count()).select_from(table))
        if count:
            raise StoreError(
                "store_not_empty",
                f"The database holds data already ({count} rows in {table.name})",
                "Back it up, then restore with --force, which replaces all of it",
            )


def _replace(connection: Connection, reader: Reader, master_key: bytes) -> None:
    newest = _newest_change(connection)
    held = MetaData()
    held.reflect(connection)
    held.drop_all(connection)
    upgrade(connection, reader.manifest.schema)
    tables = MetaData()
    tables.reflect(connection)
    missing = reader.manifest.tables.keys() - tables.tables.keys()
    if missing:
        raise StoreError(
            "backup_damaged",
            f"It holds a table {min(missing)!r}, which its schema has not",
            "Use another backup",
        )
    for table in tables.sorted_tables:
        if table.name != VERSION_TABLE:
            # Whatever a migration put there is in the archive, if it is to be there.
            connection.execute(table.delete())
    for table in tables.sorted_tables:
        if table.name in reader.manifest.tables:
            _fill(connection, table, reader)
    now = time.time()
    migrate(connection, now, master_key)
    open_newest_key(connection, "The backup", master_key)
    _announce(connection, newest, now)


def _fill(connection: Connection, table: Table, reader: Reader) -> None:
    columns = reader.manifest.tables[table.name].columns
    unknown = set(columns) - set(table.columns.keys())
    if unknown:
        raise StoreError(
            "backup_damaged",
            f"Its table {table.name!r} has a column {min(unknown)!r}, which its schema has not",
            "Use another backup",
        )
    booleans = [index for index, name in enumerate(columns) if isinstance(table.c[name].type, Boolean)]
    for rows in _batches(reader.rows(table.name)):
        for row in rows:
            for index in booleans:
                row[index] = None if row[index] is None else bool(row[index])
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    source = iter(rows)
    while batch := list(islice(source, _AT_A_TIME)):
        yield batch


def _newest_change(connection: Connection) -> int:
    if not inspect(connection).has_table("changes"):
        return 0
    return int(connection.scalar(text("SELECT max(seq) FROM changes")) or 0)


def _announce(connection: Connection, newest: int, now: float) -> None:
    """One change, later than any that a follower has seen: everything is another."""
    from wardgate.storage.tables import changes

    seq = max(newest, _newest_change(connection)) + 1
    connection.execute(changes.delete())
    connection.execute(insert(changes).values(seq=seq, kind="everything", key="restore", at=now))


@contextmanager
def _writing(data_dir: Path, database_url: str | None) -> Iterator[Connection]:
    if database_url is not None:
        from wardgate.storage import advisory
        from wardgate.storage.postgres import name_of, plain_engine

        with explained(name_of(database_url)), plain_engine(database_url).begin() as connection:
            connection.execute(advisory.HOLD, {"space": advisory.SPACE, "lock": advisory.SCHEMA})
            connection.execute(advisory.HOLD, {"space": advisory.SPACE, "lock": advisory.WRITE})
            yield connection
        return
    path = database_path(data_dir)
    engine = create_engine(
        URL.create("sqlite", database=str(path.absolute())), poolclass=NullPool, hide_parameters=True
    )
    configure(engine, writes=True)
    with (
        alone(data_dir),
        explained(f"The database in {data_dir}"),
        engine.connect() as connection,
        connection.begin(),
    ):
        # Checked at the commit: tables are emptied and filled one after the other.
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        yield connection
