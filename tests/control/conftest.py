"""A fresh store in a directory of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.storage.samples import source_of

from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.reader import SqliteSource


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An open store in a new data directory."""
    async with await open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def source(store: SqlStore) -> Iterator[SqliteSource]:
    """A reader of ``store`` for the development environment."""
    reader = source_of(store)
    yield reader
    reader.close()
