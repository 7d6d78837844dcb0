"""A store whose transactions are one that is open already: several use cases take effect together, or none does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wardgate.domain.actor import Actor

if TYPE_CHECKING:
    from wardgate.storage.transaction import SqlTransaction


class JoinedStore:
    """A view of a store within ``transaction``, which whoever opened it ends; its own blocks commit nothing.

    What a writing block did is undone when the block raises, whether or not somebody catches that.
    """

    def __init__(self, data_dir: Path, master_key: bytes, transaction: SqlTransaction) -> None:
        self._data_dir = data_dir
        self._master_key = master_key
        self._transaction = transaction

    @property
    def data_dir(self) -> Path:
        """The installation's directory."""
        return self._data_dir

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""
        return self._master_key

    def acting(self, actor: Actor) -> JoinedStore:
        """The same transaction, as ``actor``'s."""
        return JoinedStore(self._data_dir, self._master_key, self._transaction.acting(actor))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlTransaction]:
        """The transaction: what it wrote so far is seen."""
        yield self._transaction

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqlTransaction]:
        """The transaction, from a savepoint on."""
        async with self._transaction.savepoint():
            yield self._transaction
