"""Active health checks: what they ask, what they take for an answer, and that nothing stops them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from tests.gateway.harness import Gateway, orders, serving

from wardgate.domain.limit import Plan
from wardgate.domain.upstream import HealthCheck
from wardgate.gateway.balance import TargetState
from wardgate.storage.database import SqlStore

CHECK = HealthCheck(path="/up", interval=0.03, timeout=0.2, healthy=1, unhealthy=2)


@dataclass
class Checked:
    """Answers each connection with ``answer`` and closes it unless told to stay silent."""

    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n"
    stays: bool = False
    asked: list[bytes] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Checked]:
        """Accepts while the block runs."""
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            try:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            writer.write(self.answer)
            if not self.stays:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base"
        try:
            yield self
        finally:
            server.close()
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0)


@asynccontextmanager
async def checking(store: SqlStore, checked: Checked) -> AsyncIterator[tuple[Gateway, TargetState]]:
    """A gateway that checks it."""
    async with serving(
        store, orders(checked.url, upstream_health=CHECK), plans=[Plan(name="free")]
    ) as gateway:
        yield gateway, gateway.worker.pools()[0].targets[0].state


async def test_a_check_asks_for_its_path_below_the_target(store: SqlStore) -> None:
    """With the target's name, and without keeping the connection."""
    async with Checked().listening() as checked, checking(store, checked) as (gateway, _):
        await gateway.until(lambda: checked.asked)
        host = checked.url.split("/")[2].encode()
        assert checked.asked[0] == (
            b"GET /base/up HTTP/1.1\r\nHost: " + host + b"\r\n"
            b"User-Agent: wardgate-health\r\nConnection: close\r\n\r\n"
        )


@pytest.mark.parametrize(
    "bad",
    [
        b"HTTP/1.1 503 No\r\n\r\n",
        b"HTTP/1.1 404 No\r\n\r\n",
        b"",
        b"nonsense\r\n",
        b"HTTP/1.1 200",
        b"x" * 200_000,
    ],
    ids=["503", "404", "silence", "nonsense", "half a line", "a line without end"],
)
async def test_a_target_goes_out_and_comes_back(store: SqlStore, bad: bytes) -> None:
    """Enough bad answers in a row take it out; good ones bring it back, whatever the bad ones were."""
    async with Checked().listening() as checked, checking(store, checked) as (gateway, state):
        await gateway.until(lambda: len(checked.asked) > 2)
        assert not state.out
        checked.answer = bad
        await gateway.until(lambda: state.out)
        answer = await gateway.call()
        assert (answer.status, answer.reason) == (503, "upstream_unavailable")
        checked.answer = b"HTTP/1.1 302 Found\r\n\r\n"
        await gateway.until(lambda: not state.out)


async def test_an_answer_counts_although_the_target_does_not_close(store: SqlStore) -> None:
    """The check does not wait for the other side's end of the connection."""
    async with Checked(stays=True).listening() as checked, checking(store, checked) as (gateway, state):
        await gateway.until(lambda: len(checked.asked) > 4)
        assert not state.out


async def test_a_target_that_says_nothing_goes_out(store: SqlStore) -> None:
    """A check ends in time."""
    silent = Checked(answer=b"", stays=True)
    async with silent.listening() as checked, checking(store, checked) as (gateway, state):
        await gateway.until(lambda: state.out)


async def test_checks_end_with_their_api(store: SqlStore) -> None:
    """What is withdrawn or moved is not asked any more."""
    async with Checked().listening() as checked, checking(store, checked) as (gateway, _):
        await gateway.until(lambda: checked.asked)
        await gateway.apply(orders("http://127.0.0.1:9"), plans=[Plan(name="free")])
        await gateway.until(lambda: not gateway.worker._health._tasks)
        asked = len(checked.asked)
        await asyncio.sleep(0.1)
        assert len(checked.asked) <= asked + 1
