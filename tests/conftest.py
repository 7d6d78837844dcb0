"""What tests of several rooms share: a fresh store in a directory of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.storage.samples import source_of

from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.reader import SqliteSource


@pytest.fixture(scope="session")
def new_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory just made, to be copied: migrating takes longer than most tests."""
    data_dir = tmp_path_factory.mktemp("new") / "data"

    async def make() -> None:
        await (await open_store(data_dir)).close()

    asyncio.run(make())
    return data_dir


@pytest.fixture
async def store(tmp_path: Path, new_data_dir: Path) -> AsyncIterator[SqlStore]:
    """An open store in a data directory of its own."""
    data_dir = tmp_path / "data"
    shutil.copytree(new_data_dir, data_dir)
    async with await open_store(data_dir) as opened:
        yield opened


@pytest.fixture
def source(store: SqlStore) -> Iterator[SqliteSource]:
    """A reader of ``store`` for the development environment."""
    reader = source_of(store)
    yield reader
    reader.close()
