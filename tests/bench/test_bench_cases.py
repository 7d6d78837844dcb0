"""Warming: a server has met every request that a case rotates through before anything is measured."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bench.cases import Case, warm
from bench.load import CONNECTIONS, Shot
from bench.servers import BenchError, Server, cores, free_port
from tests.bench.test_bench_servers import needs

from bench import cases

pytestmark = [
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the benchmark needs two cores"),
    needs("wrk", "taskset"),
]
#: Seconds the server below takes for each answer, so that the first second of load cannot suffice for ``MANY`` keys.
SLOW = 0.2
MANY = int(1.5 * CONNECTIONS / SLOW)
#: Answers slowly, and writes down each key that it is shown.
SOURCE = f"""
import asyncio, sys
met = open(sys.argv[2], "w", buffering=1)
async def serve(reader, writer):
    while head := await reader.readuntil(b"\\r\\n\\r\\n"):
        for line in head.decode().splitlines():
            if line.lower().startswith("x-api-key: "):
                met.write(line[11:] + "\\n")
        await asyncio.sleep({SLOW})
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def quiet(reader, writer):
    try:
        await serve(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    async with await asyncio.start_server(quiet, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """A server that takes its time, and what it was asked."""

    server: Server
    port: int
    met: Path
    folder: Path

    def case(self, keys: int) -> Case:
        """One that rotates through as many keys."""
        file = self.folder / "keys"
        file.write_text("".join(f"key-{number}\n" for number in range(keys)))
        shot = Shot(path="/", script="keys.lua", env={"BENCH_KEYS": str(file)})
        return Case(system="slow", name="keys", server=self.server, port=self.port, shot=shot, rotates=keys)

    def keys(self) -> list[str]:
        """Every key it was shown so far, in order."""
        return self.met.read_text().splitlines()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    """It serves."""
    port, met = free_port(), tmp_path / "met"
    server = Server("slow", [sys.executable, "-c", SOURCE, str(port), str(met)], cores()[0], tmp_path)
    server.start()
    try:
        server.wait_for(port, "/")
        yield Slow(server=server, port=port, met=met, folder=tmp_path)
    finally:
        server.stop()


def test_a_case_is_warmed_until_each_of_its_requests_was_sent_once(slow: Slow) -> None:
    """Each volley begins with the same key: one that lasts long enough for all follows those that did not."""
    warm(slow.case(MANY), cores()[1])
    met = slow.keys()
    assert set(met) == {f"key-{number}" for number in range(MANY)}
    assert met.count(met[0]) >= 2, "the first second was enough, and nothing was put to the test"


def test_a_case_of_few_requests_is_warmed_for_a_second(slow: Slow) -> None:
    """Where the first volley meets them all there is no second one."""
    warm(slow.case(3), cores()[1])
    most = int(CONNECTIONS / SLOW) + CONNECTIONS
    assert 3 <= len(slow.keys()) <= most
    assert set(slow.keys()) == {"key-0", "key-1", "key-2"}


def test_a_case_that_takes_too_long_to_warm_is_an_error(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be measured partly cold: the figures would be of another case."""
    monkeypatch.setattr(cases, "_LONGEST_WARM", 1)
    wanted = replace(slow.case(MANY), name="all of them")
    with pytest.raises(BenchError, match=f"^slow all of them: {MANY} requests take over 1 seconds$"):
        warm(wanted, cores()[1])
