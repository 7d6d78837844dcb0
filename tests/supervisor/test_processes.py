"""The life of a child process, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from wardgate.gateway.hub import Message
from wardgate.supervisor.processes import Child, ChildSpec, Patience, describe

CHILDREN = Path(__file__).parent / "children"


class Watched:
    """A child with everything it said and every way it ended."""

    def __init__(self, deed: str, patience: Patience | None = None) -> None:
        self.said: list[Message] = []
        self.ended: list[int] = []
        spec = ChildSpec(
            name="child-0",
            module="hub_child",
            stdin=deed.encode(),
            env={"PYTHONPATH": str(CHILDREN)},
        )
        self.child = Child(
            spec,
            lambda child, message: self.said.append(message),
            lambda child, status: self.ended.append(status),
            patience or Patience(),
        )
        self.child.start()

    async def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    def kinds(self) -> list[str]:
        return [message["kind"] for message in self.said]


async def test_messages_go_both_ways_and_drain_ends_the_process() -> None:
    """A ready child answers on the hub, and a drain lets it end by itself with status 0."""
    watched = Watched("serve")
    await watched.until(lambda: watched.child.state == "ready")
    assert watched.child.send({"kind": "question", "value": "é\n☃"})
    await watched.until(lambda: "answer" in watched.kinds())
    await watched.child.drain(10)
    assert watched.said[1]["of"] == "é\n☃"
    assert watched.kinds()[-1] == "drained"
    assert watched.ended == [0]
    assert watched.child.state == "stopped"


async def test_a_killed_child_is_started_again_at_once() -> None:
    """SIGKILL is noticed, reported with its signal, and answered by a new process."""
    watched = Watched("serve")
    await watched.until(lambda: watched.child.state == "ready")
    first = watched.child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await watched.until(lambda: watched.kinds().count("ready") == 2)
    assert watched.child.pid not in (None, first)
    assert watched.ended == [-signal.SIGKILL]
    assert describe(watched.ended[0]) == "signal SIGKILL"
    await watched.child.drain(10)


async def test_a_crash_loop_is_slowed_down() -> None:
    """The first restart is at once, later ones wait as the back-off says."""
    watched = Watched("crash", Patience(delays=(0.0, 0.0, 30.0)))
    await watched.until(lambda: len(watched.ended) == 3 and watched.child.state == "waiting")
    assert watched.ended == [3, 3, 3]
    await asyncio.sleep(0.1)
    assert watched.child.pid is None
    await watched.child.drain(5)
    assert len(watched.ended) == 3


async def test_a_hung_child_is_killed_and_replaced() -> None:
    """A process whose loop does not turn sends no heartbeat and is killed after the time it may be silent."""
    watched = Watched("hang", Patience(silence=1.0))
    await watched.until(lambda: watched.ended)
    assert watched.ended[0] == -signal.SIGKILL
    watched.child.kill()


async def test_wrong_settings_are_not_tried_again() -> None:
    """A child that ends with EX_CONFIG before it was ready fails for good."""
    watched = Watched("config")
    await asyncio.wait_for(watched.child.failed.wait(), 15)
    assert watched.ended == [78]
    assert watched.child.restarts == 0


async def test_malformed_lines_do_not_end_the_link() -> None:
    """Lines that are no JSON object are skipped; what follows is heard."""
    watched = Watched("garbage")
    await watched.until(lambda: watched.child.state == "ready")
    assert watched.child.send({"kind": "question", "value": 1})
    await watched.until(lambda: "answer" in watched.kinds())
    await watched.child.drain(10)
    assert watched.ended == [0]


async def test_a_child_that_will_not_drain_is_killed() -> None:
    """Draining is bounded: past its timeout the process is killed."""
    watched = Watched("stubborn")
    await watched.until(lambda: watched.child.state == "ready")
    await watched.child.drain(0.3)
    assert watched.ended == [-signal.SIGKILL]
