"""What a running service tells of itself: uses of keys, and decisions taken without the limits authority."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream

_PLANS = {"lenient": [{"kind": "rate", "amount": 1000, "per": "minute", "when_away": "allow"}]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two workers, a plan without limits and one that admits when nobody counts."""
    with Upstream() as upstream:
        content = document([api("raw", [upstream.url], plans=["open", "lenient"])], _PLANS)
        with Stack(tmp_path_factory.mktemp("figures"), upstream, content, workers=2) as running:
            yield running


def listed(stack: Stack) -> dict[str, dict[str, Any]]:
    """`wardgate keys list`, by id."""
    told = json.loads(command("keys", "list", "--json", "--data-dir", str(stack.data_dir)))
    return {key["id"]: key for key in told["keys"]}


def rotated(stack: Stack, key_id: str) -> dict[str, Any]:
    """The successor of a key that stays valid."""
    told = command("keys", "rotate", key_id, "--overlap", "60", "--json", "--data-dir", str(stack.data_dir))
    return dict(json.loads(told))


def test_each_secret_tells_its_own_uses_within_three_seconds(stack: Stack) -> None:
    """A key in use, one rotated out, its successor, and a revoked one: count, time and address of what was accepted."""
    idle, old, gone = (stack.issued("open") for _ in range(3))
    began = time.time()
    uses = {old["id"]: 4, gone["id"]: 2, idle["id"]: 0}
    assert [stack.ask("/raw/v1/echo", key=old["key"]).status for _ in range(3)] == [200] * 3
    new = rotated(stack, old["id"])
    uses[new["id"]] = 5
    assert [stack.ask("/raw/v1/echo", key=new["key"]).status for _ in range(5)] == [200] * 5
    assert [stack.ask("/raw/v1/echo", key=gone["key"]).status for _ in range(2)] == [200] * 2
    stack.revoke(gone["id"])
    time.sleep(0.3)
    assert [stack.ask("/raw/v1/echo", key=gone["key"]).status for _ in range(2)] == [401] * 2
    assert stack.ask("/raw/v1/echo", key=old["key"]).status == 200
    ended = time.time()
    keys = listed(stack)
    while {key_id: keys[key_id]["use_count"] for key_id in uses} != uses:
        assert time.time() - ended < 3.0, {key_id: keys[key_id]["use_count"] for key_id in uses}
        time.sleep(0.1)
        keys = listed(stack)
    states = [keys[key["id"]]["state"] for key in (idle, old, new, gone)]
    assert states == ["active", "rotating", "active", "revoked"]
    assert (keys[idle["id"]]["last_used_at"], keys[idle["id"]]["last_used_address"]) == (None, None)
    for key in (old, new, gone):
        assert keys[key["id"]]["last_used_address"] == "127.0.0.1"
        assert began - 1 <= keys[key["id"]]["last_used_at"] <= ended + 1
    assert keys[old["id"]]["last_used_at"] >= keys[new["id"]]["last_used_at"]
    shown = command("keys", "list", "--data-dir", str(stack.data_dir))
    (line,) = (line for line in shown.splitlines() if line.startswith(new["id"]))
    assert "from 127.0.0.1" in line
    assert line.split()[-1] == "5"


def test_decisions_without_the_authority_are_counted_and_readers_are_not_stale(stack: Stack) -> None:
    """While the supervisor stands still a limit admits as it was told to, and the metric says so afterwards; the store
    could be read all the time."""
    name = "wardgate_limit_authority_away_total"
    assert stack.service.metric(name) == 0
    os.kill(stack.service.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert stack.ask("/raw/v1/echo", key=stack.keys["lenient"]).status == 200
        assert time.monotonic() - began >= 1.5
    finally:
        os.kill(stack.service.process.pid, signal.SIGCONT)
    stack.service.until(lambda: stack.service.metric(name) == 1, 5.0)
    for _ in range(5):
        assert stack.service.metric("wardgate_store_staleness_seconds") == 0
        time.sleep(0.1)
