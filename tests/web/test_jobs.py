"""Jobs of the control process: again and again, apart from each other, and gone when the process goes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from wardgate.web.jobs import Job, Jobs


async def test_a_job_is_done_again() -> None:
    """At once, then after its pause; at once again when it says that more waits."""
    done: list[float] = []
    loop = asyncio.get_running_loop()

    async def run() -> bool:
        done.append(loop.time())
        return len(done) == 1

    async with Jobs([Job(name="each", seconds=0.3, run=run)]):
        await asyncio.sleep(0.5)
    assert len(done) == 3
    assert done[1] - done[0] < 0.2
    assert done[2] - done[1] >= 0.3


async def test_a_failure_is_logged_by_kind_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The log says where, not what the error said; other jobs go on, and so does this one."""
    done = {"bad": 0, "good": 0}

    async def bad() -> bool:
        done["bad"] += 1
        raise RuntimeError("wgot_secret")

    async def good() -> bool:
        done["good"] += 1
        return False

    async with Jobs([Job(name="bad", seconds=0.01, run=bad), Job(name="good", seconds=0.01, run=good)]):
        await asyncio.sleep(0.3)
    assert done["good"] > done["bad"] > 1
    assert "bad failed, next try in" in caplog.text
    assert "RuntimeError in bad (test_jobs.py:" in caplog.text
    assert "wgot_secret" not in caplog.text


async def test_the_end_interrupts_what_runs(caplog: pytest.LogCaptureFixture) -> None:
    """A job under way is cancelled and waited for; that is no failure."""
    caplog.set_level(logging.INFO)
    ended: list[str] = []

    async def run() -> bool:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")
        return False

    async with Jobs([Job(name="long", seconds=1, run=run)]):
        await asyncio.sleep(0.01)
    assert ended == ["cancelled"]
    assert caplog.text == ""
