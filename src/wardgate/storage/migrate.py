"""Brings a database to this version's schema and gives a new one its environments and signing key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wardgate.storage.errors import MasterKeyError, NewerSchemaError, StoreError
from wardgate.storage.layout import BUSY_TIMEOUT_MS, SCHEMA, SCHEMAS, VERSION_TABLE
from wardgate.storage.vault import Vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: name, key tag, position in the order of promotion, production?
ENVIRONMENTS = (
    ("development", "dev", 1, False),
    ("staging", "stg", 2, False),
    ("production", "prod", 3, True),
)


def schema_of(database: Path) -> str | None:
    """The schema of ``database``; ``None`` for a file that is missing, empty or not migrated yet.

    Raises:
        StoreError: the file is no SQLite database, or cannot be read.
    """
    if not database.exists():
        return None
    with _read(database) as connection:
        known = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (VERSION_TABLE,)
        ).fetchone()
        if known is None:
            return None
        row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 a constant
    return None if row is None else str(row[0])


def is_current(database: Path) -> bool:
    """Whether ``database`` has exactly this version's schema.

    Raises:
        NewerSchemaError: its schema is one this version does not know.
    """
    found = schema_of(database)
    if found is not None and found not in SCHEMAS:
        raise NewerSchemaError(database, found, SCHEMA)
    return found == SCHEMA


def migrate(connection: Connection, now: float, master_key: bytes) -> None:
    """Afterwards the schema is this version's and, in a database that was empty, the first rows are there.

    All of it belongs to the caller's transaction.
    """
    from sqlalchemy import inspect

    had_trail = inspect(connection).has_table("audit_ends")
    had_keys = inspect(connection).has_table("instance_keys")
    upgrade(connection, "head")
    _seed(connection, now, master_key)
    if not had_keys:
        # Only now: a revision that is not signed later was tampered with.
        _begin_signing(connection, now, master_key)
    if not had_trail:
        # Only now: an end that is missing later was taken away.
        _begin_trail(connection, master_key)


def upgrade(connection: Connection, schema: str) -> None:
    """Afterwards the schema is ``schema`` or what it was, if that is later. It belongs to the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, schema)


def _begin_signing(connection: Connection, now: float, master_key: bytes) -> None:
    """Makes the instance's key, and vouches for the revisions of a version that signed none."""
    from sqlalchemy import insert, select, update

    from wardgate.domain.revision import signed_part
    from wardgate.storage.instance import new_instance_key, open_instance_key
    from wardgate.storage.tables_apis import apis, instance_keys, revisions

    vault = Vault(master_key)
    key_id, public, sealed = new_instance_key(vault)
    connection.execute(insert(instance_keys).values(id=key_id, public=public, sealed=sealed, created_at=now))
    key = open_instance_key(vault, key_id, sealed)
    columns = revisions.c
    rows = connection.execute(
        select(
            columns.id,
            columns.number,
            columns.hash,
            columns.created_at,
            columns.actor,
            columns.note,
            apis.c.name,
            apis.c.version,
        ).join(apis, apis.c.id == columns.api)
    ).all()
    for row in rows:
        signed = signed_part(
            api_id=f"{row.name}/{row.version}",
            number=row.number,
            content_hash=row.hash,
            created_at=row.created_at,
            actor=row.actor,
            note=row.note,
        )
        connection.execute(
            update(revisions).where(columns.id == row.id).values(key=key_id, signature=key.sign(signed))
        )


def _begin_trail(connection: Connection, master_key: bytes) -> None:
    from sqlalchemy import insert

    from wardgate.domain.chain import ORIGIN, Seal
    from wardgate.storage.tables_audit import audit_ends

    sealed = Seal(master_key).end("last", 0, ORIGIN)
    connection.execute(insert(audit_ends).values(end="last", seq=0, hash=ORIGIN, mac=sealed.mac))


def _seed(connection: Connection, now: float, master_key: bytes) -> None:
    from sqlalchemy import func, insert, select

    from wardgate.storage.signing import new_signing_key
    from wardgate.storage.tables import environments, signing_keys

    if connection.scalar(select(func.count()).select_from(environments)) == 0:
        columns = ("name", "tag", "position", "production")
        connection.execute(
            insert(environments), [dict(zip(columns, row, strict=True)) for row in ENVIRONMENTS]
        )
    if connection.scalar(select(func.count()).select_from(signing_keys)) == 0:
        kid, sealed = new_signing_key(Vault(master_key))
        connection.execute(
            insert(signing_keys).values(kid=kid, algorithm="ES256", encrypted_private=sealed, created_at=now)
        )


def open_newest_key(connection: Connection, database: str, master_key: bytes) -> None:
    """Returns when ``master_key`` is the one the database, called ``database`` in errors, was made with.

    Raises:
        MasterKeyError: it is not.
    """
    from sqlalchemy import select

    from wardgate.storage.tables import signing_keys

    row = connection.execute(
        select(signing_keys.c.kid, signing_keys.c.encrypted_private)
        .order_by(signing_keys.c.created_at.desc())
        .limit(1)
    ).first()
    _open(None if row is None else (row.kid, row.encrypted_private), database, master_key)


def check_master_key(database: Path, master_key: bytes) -> None:
    """Returns when ``master_key`` is the one ``database`` was made with.

    Raises:
        MasterKeyError: it is not.
        StoreError: the database cannot be read.
    """
    with _read(database) as connection:
        row = connection.execute(
            "SELECT kid, encrypted_private FROM signing_keys ORDER BY created_at DESC LIMIT 1"
        ).fetchone()
    _open(row, str(database), master_key)


def _open(row: tuple[str, bytes] | None, database: str, master_key: bytes) -> None:
    if row is None:
        raise MasterKeyError(
            f"{database} holds no signing key, so its master key cannot be checked",
            "Restore the database from a backup",
        )
    kid, sealed = row
    Vault(master_key).open(sealed, kid)


@contextmanager
def _read(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(
            sqlite3.connect(
                f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_MS / 1000
            )
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(
            "store_unreadable",
            f"{database} cannot be read as a Wardgate database ({error})",
            "Check that it is readable and on a local disk that is not full; else restore it from a backup",
        ) from error
