"""One server, and one gateway, for all rows: making them takes longer than most rows."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop
from tests.conformance.gate import Gate, gate_of
from tests.conformance.house import House, house_of

from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.database import open_store


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that control and gateway run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(new_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The authorization server."""
    data_dir = tmp_path_factory.mktemp("house") / "data"
    shutil.copytree(new_data_dir, data_dir)
    async with await open_store(data_dir) as store:
        made = house_of(store)
        yield made
        made.side.server.passwords.close()
        if isinstance(made.side.server.clients, SqliteClientReader):
            made.side.server.clients.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(new_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """The gateway."""
    data_dir = tmp_path_factory.mktemp("gate") / "data"
    shutil.copytree(new_data_dir, data_dir)
    async with await open_store(data_dir) as store, gate_of(store) as made:
        yield made
