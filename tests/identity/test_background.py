"""Work that goes on after the answer: held on to, bounded, ended with the process."""

from __future__ import annotations

import asyncio

import pytest

from wardgate.identity import background
from wardgate.identity.background import Tasks


async def test_work_is_done_and_waited_for() -> None:
    """``settle`` returns when all that was begun is done, work begun by work too."""
    tasks, done = Tasks(), list[str]()

    async def inner() -> None:
        await asyncio.sleep(0)
        done.append("inner")

    async def outer() -> None:
        tasks.start("inner", inner)
        done.append("outer")

    assert tasks.start("outer", outer)
    await tasks.settle()
    assert done == ["outer", "inner"]


async def test_what_fails_is_named_and_said_no_more_of(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the kind of the error; its message may quote a token."""

    async def fail() -> None:
        raise ValueError("wgat_secret")

    tasks = Tasks()
    tasks.start("a letter", fail)
    await tasks.settle()
    assert "a letter failed: ValueError" in caplog.text
    assert "wgat_secret" not in caplog.text


async def test_there_is_room_for_so_much(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Past the bound work is dropped, and the log says so."""
    monkeypatch.setattr(background, "MOST", 1)
    tasks, gate = Tasks(), asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    assert tasks.start("first", wait)
    assert not tasks.start("second", wait)
    assert "second was dropped" in caplog.text
    gate.set()
    await tasks.settle()
    assert tasks.start("third", wait)
    await tasks.settle()


async def test_work_ends_with_the_process() -> None:
    """``close`` ends what is under way and waits until it has ended."""
    tasks, ended = Tasks(), list[bool]()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    tasks.start("for ever", for_ever)
    await asyncio.sleep(0)
    await tasks.close()
    assert ended == [True]
