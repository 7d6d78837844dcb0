"""SQLite on the event loop itself, behind SQLAlchemy's asynchronous adapter.

A statement of ours takes microseconds, a way to a thread and back a hundred of them, and aiosqlite goes it four times a
statement. So statements run where they are; only what may wait does so in a thread: a commit (for the disk), a write
lock that another process holds, and statements over many rows.

The names are those of aiosqlite that the adapter uses.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self, TypeVar

T = TypeVar("T")

#: How a writing transaction begins.
BEGIN_WRITING = "BEGIN IMMEDIATE"
#: Rows of one ``executemany`` from which on it runs in a thread.
_MANY_ROWS = 50


class DirectConnection:
    """A connection of one task at a time. ``busy_ms`` is how long a statement waits for another connection's lock."""

    def __init__(self, path: str, busy_ms: int) -> None:
        self._connection: sqlite3.Connection | None = sqlite3.connect(
            path, timeout=busy_ms / 1000, isolation_level=None, check_same_thread=False
        )
        self._busy_ms = busy_ms
        self._thread: ThreadPoolExecutor | None = None
        #: Rows this connection had changed when its transaction began.
        self._changed = 0

    @property
    def isolation_level(self) -> None:
        """The driver controls no transactions."""
        return

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself. Raises ValueError, in aiosqlite's words, when it is closed."""
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    def cursor(self) -> DirectCursor:
        """A cursor; the adapter enters it."""
        return DirectCursor(self)

    async def begin_writing(self) -> None:
        """Takes the write lock, in a thread if another connection holds it."""
        self.raw.execute("PRAGMA busy_timeout=0")
        try:
            self.raw.execute(BEGIN_WRITING)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self.raw.execute(f"PRAGMA busy_timeout={self._busy_ms}")
            await self.in_thread(lambda: self.raw.execute(BEGIN_WRITING))
        else:
            self.raw.execute(f"PRAGMA busy_timeout={self._busy_ms}")
        self._changed = self.raw.total_changes

    async def commit(self) -> None:
        """What was written is on the disk."""
        connection = self.raw
        if connection.total_changes == self._changed:
            connection.commit()
        else:
            await self.in_thread(connection.commit)

    async def rollback(self) -> None:
        """What was written is gone."""
        self.raw.rollback()

    async def create_function(self, *arguments: Any, **named: Any) -> None:
        """Makes a Python function known to SQL."""
        self.raw.create_function(*arguments, **named)

    async def close(self) -> None:
        """Rolls back what was open. Closing again does nothing."""
        self.stop()

    def stop(self) -> None:
        """The same at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What ``work`` returns. It cannot be interrupted: whoever is cancelled meanwhile is so when it is done, because
        nobody else may use the connection before."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="wardgate-sqlite")
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((future,))
            future.exception()
            raise


class DirectCursor:
    """A cursor of a :class:`DirectConnection`."""

    __slots__ = ("_connection", "_cursor")

    def __init__(self, connection: DirectConnection) -> None:
        self._connection = connection
        self._cursor = connection.raw.cursor()

    @property
    def description(self) -> Any:
        """The columns of the result; ``None`` where there is none."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """Rows the last statement changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row number of the last INSERT."""
        return self._cursor.lastrowid

    @property
    def arraysize(self) -> int:
        """Rows of one ``fetchmany``."""
        return self._cursor.arraysize

    @arraysize.setter
    def arraysize(self, value: int) -> None:
        self._cursor.arraysize = value

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> Self:
        """Runs one statement."""
        if operation == BEGIN_WRITING:
            await self._connection.begin_writing()
        else:
            self._cursor.execute(operation, parameters)
        return self

    async def executemany(self, operation: str, rows: Iterable[Sequence[Any]]) -> Self:
        """Runs one statement for each row."""
        rows = list(rows)
        if len(rows) < _MANY_ROWS:
            self._cursor.executemany(operation, rows)
        else:
            await self._connection.in_thread(lambda: self._cursor.executemany(operation, rows))
        return self

    async def fetchone(self) -> Any:
        """The next row, or ``None``."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        return self._cursor.fetchmany(self.arraysize if size is None else size)

    async def fetchall(self) -> list[Any]:
        """Every row that is left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Ends the statement."""
        self._cursor.close()
