"""What the tests of the request path share: a store, an upstream played by hand, a gateway between."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from tests.gateway.harness import Gateway, Upstream, orders, serving

from wardgate.storage.database import SqlStore, open_store


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that gateway workers run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new data directory, made once; tests work on copies."""

    async def make(path: Path) -> None:
        store = await open_store(path)
        await store.close()

    path = tmp_path_factory.mktemp("store") / "data"
    asyncio.run(make(path))
    return path


@pytest.fixture
async def store(fresh_store: Path, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An open store of the test's own."""
    data = tmp_path / "data"
    shutil.copytree(fresh_store, data)
    async with await open_store(data) as opened:
        yield opened


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """An upstream the test plays."""
    async with Upstream().listening() as played:
        yield played


@pytest.fixture
async def gateway(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A gateway with ``orders/v1`` at ``upstream``."""
    async with serving(store, orders(upstream.url)) as running:
        yield running
