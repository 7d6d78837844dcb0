"""Prepared statements: the same answers as SQLAlchemy's, on both databases, in the transaction they are given."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from wardgate.storage.database import SqlStore
from wardgate.storage.direct import DirectConnection
from wardgate.storage.prepared import Prepared
from wardgate.storage.tables_identity import roles

_ADD = Prepared(insert(roles))
_ONE = Prepared(
    select(roles).where(roles.c.name == bindparam("name"), roles.c.description != "hidden").limit(1)
)
_ALL = Prepared(select(roles.c.name).order_by(roles.c.name))
_RENAME = Prepared(text("UPDATE roles SET description = :name WHERE name = :name RETURNING description"))
_DELETE = Prepared(text("DELETE FROM roles WHERE name >= :name"))


@pytest.mark.every_database
async def test_rows_are_those_of_the_statement(store: SqlStore) -> None:
    """Rows have the columns as attributes, values that stand twice are given once, counts are counted."""
    async with store._backend.writers.begin() as connection:
        for name in ("a", "b", "c"):
            await _ADD.run(connection, name=name, scopes="[]", description="")
        row = await _ONE.first(connection, name="b")
        assert (row.name, row.scopes, row._asdict()["description"]) == ("b", "[]", "")
        assert await _ONE.first(connection, name="nobody") is None
        assert (await _RENAME.first(connection, name="a")).description == "a"
        assert [row.name for row in await _ALL.all(connection)] == ["a", "b", "c"]
        assert await _DELETE.run(connection, name="b") == 2
    async with store._backend.readers.connect() as connection:
        assert [row.name for row in await _ALL.all(connection)] == ["a"]


@pytest.mark.every_database
async def test_reading_sees_one_state(store: SqlStore) -> None:
    """Two statements of one reading transaction see the same, whatever is committed between them."""
    async with store._backend.readers.connect() as connection:
        assert await _ALL.all(connection) == []
        async with store._backend.writers.begin() as writer:
            await _ADD.run(writer, name="a", scopes="[]", description="")
        assert await _ALL.all(connection) == []
        assert list(await connection.execute(select(roles.c.name))) == []


@pytest.mark.every_database
async def test_what_fails_is_rolled_back(store: SqlStore) -> None:
    """A transaction that fails after a prepared statement leaves nothing of it."""
    with pytest.raises(IntegrityError):
        async with store._backend.writers.begin() as connection:
            await _ADD.run(connection, name="a", scopes="[]", description="")
            await _ADD.run(connection, name="a", scopes="[]", description="")
    async with store._backend.readers.connect() as connection:
        assert await _ALL.all(connection) == []


async def test_errors_name_no_value(store: SqlStore) -> None:
    """SQLite's errors become SQLAlchemy's, without what was to be stored; a value that is missing is told by name."""
    with pytest.raises(OperationalError, match="readonly") as refused:
        async with store._backend.readers.connect() as connection:
            await _ADD.run(connection, name="secret", scopes="[]", description="")
    assert "secret" not in str(refused.value)
    async with store._backend.readers.connect() as connection:
        with pytest.raises(KeyError, match="name"):
            await _ONE.first(connection)


async def test_a_lock_that_stays_is_an_error_of_sqlalchemy(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A transaction that cannot begin fails like a statement does."""

    async def begin_writing(self: DirectConnection) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(DirectConnection, "begin_writing", begin_writing)
    with pytest.raises(OperationalError, match="locked"):
        async with store._backend.writers.begin():
            pass


def test_only_statements_are_prepared() -> None:
    """What cannot be compiled is refused with its name."""
    with pytest.raises(TypeError, match="cannot be compiled"):
        Prepared("SELECT 1")._compile()  # type: ignore[arg-type]
