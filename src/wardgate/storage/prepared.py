"""Statements that are made once and run often.

SQLAlchemy builds, keys, looks up and wraps a statement anew each time, which costs ten times what SQLite needs to run
one. A prepared one is compiled once and handed to SQLite as it is, within the transaction that SQLAlchemy began.
On PostgreSQL, where the way to the server is most of the cost, it goes through SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Executable
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.storage.direct import DirectConnection


class Prepared:
    """A statement whose values are all named (``bindparam``, ``:name``, or the columns of an ``insert``).

    Values and columns go as they are: text, numbers, bytes and ``None``. For SQLite a boolean is a number, and there is
    no list.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._sql = ""
        self._names: tuple[str, ...] = ()
        self._constants: dict[str, Any] = {}
        self._row: Callable[[Sequence[Any]], Any] | None = None

    async def first(self, connection: AsyncConnection, **values: Any) -> Any:
        """The first row, whose columns are attributes, or ``None``. Raises DBAPIError, and KeyError for a value less."""
        direct = await _direct(connection)
        if direct is None:
            return (await connection.execute(self._statement, values)).first()
        rows, cursor = self._run(direct, values)
        return None if not rows else self._rows(cursor)(rows[0])

    async def all(self, connection: AsyncConnection, **values: Any) -> Sequence[Any]:
        """Every row. Raises as :meth:`first`."""
        direct = await _direct(connection)
        if direct is None:
            return (await connection.execute(self._statement, values)).all()
        rows, cursor = self._run(direct, values)
        return [self._rows(cursor)(row) for row in rows]

    async def run(self, connection: AsyncConnection, **values: Any) -> int:
        """How many rows an UPDATE or DELETE changed. Raises as :meth:`first`."""
        direct = await _direct(connection)
        if direct is None:
            return (await connection.execute(self._statement, values)).rowcount
        return self._run(direct, values)[1].rowcount

    def _run(self, direct: DirectConnection, values: dict[str, Any]) -> tuple[list[Any], sqlite3.Cursor]:
        if not self._sql:
            self._compile()
        if self._constants:
            values = self._constants | values
        try:
            cursor = direct.raw.execute(self._sql, [values[name] for name in self._names])
            # To the end, as a statement that is not over would be in the way of the commit.
            return cursor.fetchall(), cursor
        except sqlite3.Error as error:
            raise refusal(self._sql, error) from error

    def _rows(self, cursor: sqlite3.Cursor) -> Callable[[Sequence[Any]], Any]:
        if self._row is None:
            make: Any = namedtuple  # noqa: PYI024 the names are not known before
            self._row = make("Row", [column[0] for column in cursor.description])._make
        return self._row

    def _compile(self) -> None:
        if not isinstance(self._statement, ClauseElement):
            raise TypeError(f"{self._statement!r} cannot be compiled")
        compiled: Any = self._statement.compile(dialect=dialect())
        self._names = tuple(compiled.positiontup or ())
        self._constants = {
            name: bind.effective_value
            for name, bind in compiled.binds.items()
            if name in self._names and not bind.required
        }
        self._sql = str(compiled)


def refusal(statement: str, error: sqlite3.Error) -> BaseException:
    """SQLAlchemy's word for an error of SQLite, without the values."""
    return DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True)


async def _direct(connection: AsyncConnection) -> DirectConnection | None:
    """SQLite's connection, in a transaction; ``None``: it is another database's."""
    sync = connection.sync_connection
    if sync is None:
        return None
    driver = sync.connection.driver_connection
    if not isinstance(driver, DirectConnection):
        return None
    if not sync.in_transaction():
        await connection.begin()
    return driver
