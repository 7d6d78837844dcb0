"""SQLite on the event loop: what runs there, what in a thread, and what cancelling leaves behind."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.storage.identity.samples_identity import NOW
from tests.storage.samples import count

from wardgate.control.applications import add
from wardgate.storage.database import SqlStore
from wardgate.storage.direct import DirectConnection
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    return path


async def test_statements_run_where_they_are(path: Path) -> None:
    """Statements never suspend; what a cursor tells is what SQLite's own does."""
    connection = DirectConnection(str(path), 1000)
    cursor = connection.cursor()
    async with asyncio.timeout(5):
        step = cursor.execute("INSERT INTO numbers VALUES (?), (?)", (7, 8))
        with pytest.raises(StopIteration):
            step.send(None)
        assert (cursor.rowcount, cursor.lastrowid) == (2, 8)
        await cursor.execute("SELECT number FROM numbers ORDER BY number")
        assert cursor.description[0][0] == "number"
        assert await cursor.fetchone() == (7,)
        assert await cursor.fetchmany() == [(8,)]
        assert await cursor.fetchall() == []
    await cursor.close()
    await connection.close()
    await connection.close()
    with pytest.raises(ValueError, match="no active connection"):
        connection.cursor()


async def test_many_rows_and_commits_run_in_a_thread(path: Path) -> None:
    """The loop goes on while much is written and while the disk is waited for; an empty commit needs no thread."""
    connection = DirectConnection(str(path), 1000)
    threads: set[str] = set()

    def noted(value: int) -> int:
        threads.add(threading.current_thread().name)
        return value

    await connection.create_function("noted", 1, noted)
    cursor = connection.cursor()
    await connection.begin_writing()
    await connection.commit()
    assert connection._thread is None
    await connection.begin_writing()
    await cursor.executemany("INSERT INTO numbers VALUES (noted(?))", [(number,) for number in range(10)])
    assert threads == {threading.current_thread().name}
    await cursor.executemany(
        "INSERT INTO numbers VALUES (noted(?))", [(number,) for number in range(10, 500)]
    )
    assert any(name.startswith("wardgate-sqlite") for name in threads)
    await connection.commit()
    assert not connection.raw.in_transaction
    await connection.begin_writing()
    await cursor.execute("DELETE FROM numbers")
    await connection.rollback()
    await cursor.execute("SELECT count(*) FROM numbers")
    assert await cursor.fetchone() == (500,)
    connection.stop()


async def test_a_lock_of_another_process_is_waited_for_in_a_thread(path: Path) -> None:
    """While another connection holds the write lock the loop goes on; then it is this one's turn."""
    connection = DirectConnection(str(path), 5000)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        beginning = asyncio.create_task(connection.begin_writing())
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert not beginning.done()
        other.execute("ROLLBACK")
        await beginning
        assert connection.raw.in_transaction
    connection.stop()


async def test_a_lock_that_stays_is_an_error(path: Path) -> None:
    """After its time the wait ends with SQLite's own error, and the next try can succeed."""
    connection = DirectConnection(str(path), 50)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await connection.begin_writing()
    await connection.begin_writing()
    connection.stop()
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE numbers")
    broken = DirectConnection(str(path), 50)
    await broken.begin_writing()
    with pytest.raises(sqlite3.OperationalError, match="transaction within a transaction"):
        await broken.begin_writing()
    broken.stop()


async def test_who_is_cancelled_waits_for_the_thread(path: Path) -> None:
    """A statement in a thread is over before its task ends, cancelled as often as may be."""
    connection = DirectConnection(str(path), 1000)
    release, over = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(10)
        over.set()

    task = asyncio.create_task(connection.in_thread(work))
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over.is_set()
    connection.stop()


async def test_a_cancelled_writer_leaves_the_store_usable(store: SqlStore) -> None:
    """Whoever is cancelled while waiting for the lock, or within its transaction, changes nothing and blocks nobody."""

    async def write(inside: asyncio.Event) -> None:
        async with store.writing() as tx:
            await tx.throttle.fail("ada", NOW, 60.0)
            inside.set()
            await asyncio.sleep(60)

    inside = asyncio.Event()
    task = asyncio.create_task(write(inside))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with closing(sqlite3.connect(database_path(store.data_dir), isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(write(asyncio.Event()))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        holder.execute("ROLLBACK")
        with pytest.raises(asyncio.CancelledError):
            await task
    await add(store, name="mobile")
    assert count(store.data_dir, "throttle") == 0
    assert count(store.data_dir, "applications") == 1


async def test_reading_changes_nothing(store: SqlStore) -> None:
    """A reading transaction that tries to write is refused."""
    with pytest.raises(StoreError, match="readonly") as caught:
        async with store.reading() as tx:
            await tx.throttle.fail("ada", NOW, 60.0)
    assert caught.value.code == "store_unavailable"
    assert count(store.data_dir, "throttle") == 0


async def test_writers_take_turns_in_the_order_they_came(store: SqlStore) -> None:
    """A hundred writers of one process wait in a queue, and none is turned away."""
    order: list[int] = []

    async def write(number: int) -> None:
        async with store.writing() as tx:
            await tx.throttle.fail("ada", NOW, 60.0)
            order.append(number)

    await asyncio.gather(*(write(number) for number in range(100)))
    assert order == list(range(100))


async def test_no_turn_in_time_is_an_error(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long for this process's other writers is told so."""
    monkeypatch.setattr(store._backend.writers.pool, "_timeout", 0.05)
    async with store.writing():
        with pytest.raises(StoreError, match=r"No connection to The database in .* was free") as caught:
            await add(store, name="mobile")
    assert caught.value.code == "store_unavailable"
