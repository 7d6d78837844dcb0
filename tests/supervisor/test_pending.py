"""Counts that wait to be written."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.telemetry.rows import flat, named_row

from wardgate.supervisor import pending
from wardgate.supervisor.pending import Pending, ranges
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.rollups import Rollup
from wardgate.telemetry.uses import PackedUses, pack


def row(resource: str = "GET /", count: int = 1) -> Rollup:
    """A roll-up row."""
    named = {
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
    }
    return flat(named)


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
        for item in map(named_row, batch.rollups):
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
    found = [named_row(item) for item in batch.rollups]
    assert [(item["resource"], item["count"]) for item in found] == [("a", 2), ("b", 1)]
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


def test_uses_of_another_form_are_refused_with_the_rows() -> None:
    """Neither part of such a message is added."""
    waiting = Pending()
    with pytest.raises(ValueError, match="2 uses have 3 counts"):
        waiting.add([row()], {"ids": ["a", "b"], "counts": [1, 2, 3], "times": [1], "addresses": [""]})
    assert waiting.take() is None


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True),
            st.integers(1, 2),
            st.integers(1, 9),
            st.sampled_from(["take", "fail", "wait"]),
        ),
        max_size=20,
    )
)
def test_uses_in_turns_are_counted_once_and_end_with_the_newest(
    steps: list[tuple[list[str], int, int, str]],
) -> None:
    """However uses come, wait their turn and are put back: counts add up, and the last time of each is the newest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pending, "USES_A_BATCH", 2)
        waiting = Pending()
        wanted: Counter[str] = Counter()
        newest: dict[str, int] = {}
        written: Counter[str] = Counter()
        last: dict[str, float] = {}

        def note(batch: pending.Batch | None) -> None:
            for credential, count, last_at, address in batch.uses if batch is not None else ():
                assert address == f"192.0.2.{last_at}"
                written[credential] += count
                last[credential] = max(last_at, last.get(credential, 0))

        for ids, count, at, then in steps:
            size = len(ids)
            waiting.add([], pack(ids, [count] * size, [at] * size, [f"192.0.2.{at}"] * size))
            wanted.update(dict.fromkeys(ids, count))
            newest.update({name: max(at, newest.get(name, 0)) for name in ids})
            if then == "wait":
                continue
            crowd = waiting.crowd()
            if crowd is not None:
                waiting.take_turns(ranges(crowd))
            batch = waiting.take()
            if then == "fail" and batch is not None:
                waiting.put_back(batch)
            else:
                note(batch)
        note(waiting.take(everything=True))
        assert waiting.take() is None
        assert (written, last) == (wanted, newest)


def test_every_credential_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a crowd each batch takes a range of ids, all of them in as many batches as there are turns."""
    monkeypatch.setattr(pending, "USES_A_BATCH", 100)
    waiting = Pending()
    ids = [f"key-{number * 7919 % 1000:04}" for number in range(1000)]
    waiting.add([], pack(ids, [1] * 1000, [5] * 1000, [""] * 1000))
    crowd = waiting.crowd()
    assert crowd is not None
    turns = ranges(crowd)
    assert [identity for turn in turns[::-1] for identity in sorted(turn)] == sorted(ids)
    assert max(map(len, turns)) < 200
    waiting.take_turns(turns)
    for turn in turns[::-1]:
        batch = waiting.take()
        assert batch is not None
        assert sorted(use[0] for use in batch.uses) == sorted(turn)
    assert waiting.take() is None
