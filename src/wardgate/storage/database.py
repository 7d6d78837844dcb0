"""Opens the store: the data directory, the master key, the database and its transactions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control import feed
from wardgate.domain.actor import SYSTEM, Actor
from wardgate.identity import ports as identity
from wardgate.storage import advisory
from wardgate.storage.backend import Backend, explained
from wardgate.storage.joined import JoinedStore
from wardgate.storage.transaction import SqlTransaction


class SqlStore:
    """An open store; close it when done, or use it as an asynchronous context manager."""

    def __init__(
        self,
        data_dir: Path,
        backend: Backend,
        master_key: bytes,
        *,
        actor: Actor = SYSTEM,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._data_dir = data_dir
        self._backend = backend
        self._master_key = master_key
        self._actor = actor
        self._clock = clock

    @property
    def data_dir(self) -> Path:
        """The installation's directory."""
        return self._data_dir

    @property
    def overlapping(self) -> OverlappingStore:
        """The same store for use cases in which whatever must happen once is one statement: on PostgreSQL their writing
        transactions run side by side. The authorization server uses it."""
        return OverlappingStore(self)

    def acting(self, actor: Actor) -> SqlStore:
        """The same store, whose transactions are ``actor``'s. Only the first is closed."""
        return SqlStore(self._data_dir, self._backend, self._master_key, actor=actor, clock=self._clock)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[JoinedStore]:
        """A store for several use cases in one writing transaction: when the block ends all they did is committed, and
        when it raises nothing of it. Nobody else writes meanwhile: nothing in the block may use this store itself.

        Raises:
            StoreError: as :meth:`writing`.
        """
        async with self._writing(alone=True) as transaction:
            yield JoinedStore(self._data_dir, self._master_key, transaction)

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
        return self._master_key

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[identity.Transaction]:
        """A transaction that sees one consistent state and can change nothing.

        Raises:
            StoreError: the database cannot be read.
        """
        with explained(self._backend.name):
            async with self._backend.readers.connect() as connection:
                yield self._transaction(connection, writes=False)

    def writing(self) -> AbstractAsyncContextManager[identity.Transaction]:
        """A transaction that no other of these overlaps: committed when the block ends, rolled back when it raises.

        After a commit that appended to the change feed its followers are woken, once.

        Raises:
            StoreError: the database stayed locked for five seconds, or cannot be written.
        """
        return self._writing(alone=True)

    @asynccontextmanager
    async def _writing(self, *, alone: bool) -> AsyncIterator[SqlTransaction]:
        with explained(self._backend.name):
            async with self._backend.writers.begin() as connection:
                if alone and self._backend.overlapping:
                    await advisory.hold(connection, advisory.WRITE)
                transaction = self._transaction(connection, writes=True)
                yield transaction
                await transaction.flush()
                appended = await transaction.feed.flush()
        if appended:
            feed.wake(self._data_dir)

    def _transaction(self, connection: AsyncConnection, *, writes: bool) -> SqlTransaction:
        return SqlTransaction(
            connection, writes=writes, master_key=self._master_key, actor=self._actor, clock=self._clock
        )

    async def close(self) -> None:
        """Afterwards no connection is open."""
        await self._backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class OverlappingStore:
    """A view of a store whose writing transactions may overlap where the database can do that. It is not closed."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    @property
    def data_dir(self) -> Path:
        """The installation's directory."""
        return self._store.data_dir

    def acting(self, actor: Actor) -> OverlappingStore:
        """The same store, whose transactions are ``actor``'s."""
        return OverlappingStore(self._store.acting(actor))

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
        return self._store.master_key()

    def reading(self) -> AbstractAsyncContextManager[identity.Transaction]:
        """As :meth:`SqlStore.reading`."""
        return self._store.reading()

    def writing(self) -> AbstractAsyncContextManager[identity.Transaction]:
        """As :meth:`SqlStore.writing`, but not alone: on PostgreSQL a statement sees what others committed before it."""
        return self._store._writing(alone=False)  # noqa: SLF001 its other half


async def open_store(
    data_dir: Path, database_url: str | None = None, *, clock: Callable[[], float] = time.time
) -> SqlStore:
    """The store in ``data_dir``, or in the PostgreSQL database at ``database_url`` (``postgresql://...``) with its
    master key in ``data_dir``; what is missing is made first, and an older schema is migrated.

    Any number of processes may open the same store at the same time, fresh or not. ``clock`` gives the Unix seconds that
    the change feed notes where a caller does not.

    Raises:
        MasterKeyError: the master key is missing, unsafe, damaged, or not this database's.
        NewerSchemaError: a later version of Wardgate migrated the database.
        StoreError: the directory or the database cannot be used.
    """
    if database_url is None:
        from wardgate.storage.sqlite import open_sqlite, prepare_sqlite

        master_key = await asyncio.to_thread(prepare_sqlite, data_dir)
        return SqlStore(data_dir, open_sqlite(data_dir), master_key, clock=clock)
    from wardgate.storage.postgres import open_postgres, prepare_postgres

    master_key = await asyncio.to_thread(prepare_postgres, data_dir, database_url)
    return SqlStore(data_dir, open_postgres(database_url), master_key, clock=clock)
