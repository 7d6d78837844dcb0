"""The wake-up socket of the change feed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wardgate.control.feed import wake, wake_socket
from wardgate.supervisor.state import run_dir
from wardgate.supervisor.wake import WakeSocket


async def test_datagrams_that_wait_wake_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of waiting datagrams is one wake-up; the next one wakes again; nobody listens after close."""
    monkeypatch.chdir(tmp_path)
    data_dir = Path("data")
    woken: list[int] = []
    run_dir(data_dir)
    endpoint = WakeSocket(wake_socket(data_dir, "development"), lambda: woken.append(1))
    for _ in range(5):
        assert wake(data_dir)
    await asyncio.sleep(0.02)
    assert len(woken) == 1
    assert wake(data_dir)
    await asyncio.sleep(0.02)
    assert len(woken) == 2
    endpoint.close()
    assert not wake(data_dir)


async def test_a_long_path_is_bound_all_the_same(tmp_path: Path) -> None:
    """A data directory deeper than a socket's name may be long still gets its socket; a left-over one is replaced."""
    deep = tmp_path / ("d" * 100)
    for _ in range(2):
        run_dir(deep)
        endpoint = WakeSocket(wake_socket(deep, "development"), lambda: None)
        assert (deep / "run" / "wake-development.sock").is_socket()
        endpoint._socket.detach()
