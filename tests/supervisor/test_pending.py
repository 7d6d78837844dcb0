"""Counts that wait to be written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.supervisor import pending
from wardgate.supervisor.pending import Pending
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.uses import PackedUses, pack


def row(resource: str = "GET /", count: int = 1, **other: Any) -> dict[str, Any]:
    """A roll-up row as a worker sends it."""
    return {
        "minute": 60,
        "environment": "development",
        "api": "orders/v1",
        "resource": resource,
        "application": "",
        "status": 200,
        "reason": "ok",
        "count": count,
        "bytes_in": 10 * count,
        "bytes_out": 20 * count,
        "seconds": 0.5 * count,
        "buckets": [count] + [0] * (BUCKETS - 1),
        **other,
    }


def use(key: str, count: int, last_at: float, address: str) -> PackedUses:
    """One use of a credential as a worker sends it."""
    return pack([key], [count], [last_at], [address])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans()), max_size=30))
def test_nothing_is_lost_or_doubled_whatever_fails(steps: list[tuple[str, int, bool]]) -> None:
    """Counts of rows and uses add up over any sequence of writes that fail or succeed."""
    waiting = Pending()
    written: dict[str, int] = {}
    used: dict[str, int] = {}
    for name, count, fails in [*steps, ("a", 1, False)]:
        waiting.add([row(name, count)], use(name, count, 1.0, "192.0.2.1"))
        batch = waiting.take()
        assert batch is not None
        if fails:
            waiting.put_back(batch)
            continue
        for item in batch.rollups:
            assert item["bytes_out"] == 20 * item["count"] == 20 * item["buckets"][0]
            written[item["resource"]] = written.get(item["resource"], 0) + item["count"]
        for credential, times, _, _ in batch.uses:
            used[credential] = used.get(credential, 0) + times
    wanted: dict[str, int] = {}
    for name, count, _ in [*steps, ("a", 1, False)]:
        wanted[name] = wanted.get(name, 0) + count
    assert written == used == wanted
    assert waiting.take() is None


def test_the_newest_use_and_quota_win() -> None:
    """A batch put back never overwrites a later address or a later count, within one second neither."""
    waiting = Pending()
    waiting.add([], use("k", 1, 5.0, "192.0.2.5"))
    waiting.set_quotas([("q", "w", 1), ("r", "w", 1)])
    batch = waiting.take()
    assert batch is not None
    waiting.add([], use("k", 1, 5.0, "192.0.2.7"))
    waiting.set_quotas([("q", "w", 2)])
    waiting.put_back(batch)
    again = waiting.take()
    assert again is not None
    assert again.uses == [("k", 2, 5.0, "192.0.2.7")]
    assert sorted(again.quotas) == [("q", "w", 2), ("r", "w", 1)]


def test_memory_is_bounded_and_what_is_given_up_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound known rows still count; new ones are given up, and their number is known."""
    monkeypatch.setattr(pending, "MAX_ROWS", 2)
    waiting = Pending()
    waiting.add([row("a"), row("b"), row("c"), row("a")], {})
    batch = waiting.take()
    assert batch is not None
    assert [(item["resource"], item["count"]) for item in batch.rollups] == [("a", 2), ("b", 1)]
    assert waiting.take_lost() == 1
    assert waiting.take_lost() == 0


def test_uses_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound known credentials still count, new ones are given up."""
    monkeypatch.setattr(pending, "MAX_USES", 2)
    waiting = Pending()
    waiting.add([], use("a", 1, 1, ""))
    waiting.add([], pack(["b", "c", "a"], [1, 1, 1], [2, 2, 2], ["", "", "192.0.2.1"]))
    batch = waiting.take()
    assert batch is not None
    assert batch.uses == [("a", 2, 2, "192.0.2.1"), ("b", 1, 2, "")]


@pytest.mark.parametrize(
    "wrong", [row(buckets=[1]), row(status="many"), {"minute": 1}, row(seconds=None), row(minute={})]
)
def test_a_row_of_another_form_is_refused_whole(wrong: dict[str, Any]) -> None:
    """A malformed message adds nothing, so it cannot keep later counts from being written."""
    waiting = Pending()
    with pytest.raises((KeyError, TypeError, ValueError)):
        waiting.add([row(), wrong], {})
    assert waiting.take() is None


def test_uses_of_another_form_are_refused_with_the_rows() -> None:
    """Neither part of such a message is added."""
    waiting = Pending()
    with pytest.raises(ValueError, match="2 uses have 3 counts"):
        waiting.add([row()], {"ids": ["a", "b"], "counts": [1, 2, 3], "times": [1], "addresses": [""]})
    assert waiting.take() is None
