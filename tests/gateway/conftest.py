"""What the tests of the request path share: an upstream played by hand, and a gateway before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop
from tests.gateway.harness import Gateway, Upstream, orders, serving

from wardgate.storage.database import SqlStore


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that gateway workers run on."""
    return {"uvloop": uvloop.new_event_loop}


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
