"""Roll-up cells, credential uses and figures of one worker."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.telemetry.rows import named

from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.recorder import OTHER, Recorder
from wardgate.telemetry.uses import Use, unpack


class Wall:
    """A wall clock a test sets."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def record(
    recorder: Recorder, resource: str = "GET /items", credential: str = "key-1", **changed: Any
) -> None:
    """One ordinary request, changed where a test says so."""
    given_: dict[str, Any] = {
        "api": "orders/v1",
        "application": "mobile",
        "address": "192.0.2.1",
        "status": 200,
        "reason": "ok",
        "bytes_in": 10,
        "bytes_out": 100,
        "seconds": 0.004,
        **changed,
    }
    recorder.record(
        given_["api"],
        resource,
        given_["application"],
        credential,
        given_["address"],
        given_["status"],
        given_["reason"],
        given_["bytes_in"],
        given_["bytes_out"],
        given_["seconds"],
    )


def everything(recorder: Recorder) -> tuple[list[dict[str, Any]], list[Use]]:
    """Drains until nothing is left."""
    rows: list[dict[str, Any]] = []
    uses: list[Use] = []
    while (message := recorder.drain()) is not None:
        rows += named(message["rows"])
        uses += unpack(message["uses"])
    return rows, uses


def test_requests_of_one_kind_share_a_row() -> None:
    """Equal requests are added up in one row of their minute, with their latency bucket."""
    recorder = Recorder("development", Wall(1_800_000_059.0))
    record(recorder)
    record(recorder, seconds=0.6, bytes_out=1)
    message = recorder.drain()
    assert message is not None
    assert json.loads(json.dumps(message)) == message
    assert message["kind"] == "telemetry"
    (row,) = named(message["rows"])
    buckets = row.pop("buckets")
    assert row == {
        "minute": 1_800_000_000,
        "environment": "development",
        "api": "orders/v1",
        "resource": "GET /items",
        "application": "mobile",
        "status": 200,
        "reason": "ok",
        "count": 2,
        "bytes_in": 20,
        "bytes_out": 101,
        "seconds": 0.604,
    }
    assert (len(buckets), buckets[2], buckets[9]) == (BUCKETS, 1, 1)


def test_a_credential_use_keeps_the_last_time_and_address() -> None:
    """Uses are counted per credential; the newest time and address stand."""
    wall = Wall()
    recorder = Recorder("development", wall)
    record(recorder)
    wall.now += 1.5
    recorder.tick()
    record(recorder, address="198.51.100.7")
    record(recorder, credential="")
    _, uses = everything(recorder)
    assert uses == [("key-1", 2, int(wall.now), "198.51.100.7")]


def test_a_drained_recorder_has_nothing_to_send() -> None:
    """Without new requests or figures there is no message."""
    recorder = Recorder("development", Wall())
    record(recorder)
    assert recorder.drain() is not None
    assert recorder.drain() is None


def test_a_changed_figure_alone_is_a_message() -> None:
    """Gauges reach the supervisor even when no request came."""
    recorder = Recorder("development", Wall())
    recorder.set("connections", 3)
    message = recorder.drain()
    assert message is not None
    assert (message["rows"], message["metrics"]["gauges"]["connections"]) == ([], 3)
    assert recorder.drain() is None


def test_an_unknown_figure_is_refused() -> None:
    """A misspelt figure fails by name instead of vanishing."""
    with pytest.raises(KeyError, match="conections"):
        Recorder("development", Wall()).set("conections", 1)


def test_a_request_counts_in_the_minute_it_came_in() -> None:
    """When the minute turns, what was counted before stays in the old one."""
    wall = Wall(1_800_000_059.9)
    recorder = Recorder("development", wall)
    record(recorder)
    wall.now += 0.2
    recorder.tick()
    record(recorder)
    rows, _ = everything(recorder)
    assert [(row["minute"], row["count"]) for row in rows] == [(1_800_000_000, 1), (1_800_000_060, 1)]


def test_cells_are_bounded() -> None:
    """Past the bound requests are counted under (other) of their API, and how many is told."""
    recorder = Recorder("development", Wall(), max_cells=3)
    for number in range(10):
        record(recorder, f"GET /items/{number}")
    rows, _ = everything(recorder)
    assert sum(row["count"] for row in rows) == 10
    assert {row["resource"]: row["count"] for row in rows}[OTHER] == 7
    assert len(rows) == 4
    assert recorder.snapshot()["counters"]["rollups_overflowed"] == 7


def test_a_drain_takes_a_bounded_part_oldest_first() -> None:
    """One message never holds more rows or uses than asked for; the next one goes on."""
    recorder = Recorder("development", Wall())
    for number in range(5):
        record(recorder, f"GET /{number}", f"key-{number}")
    message = recorder.drain(2)
    assert message is not None
    assert [row["resource"] for row in named(message["rows"])] == ["GET /0", "GET /1"]
    assert message["uses"]["ids"] == ["key-0", "key-1"]
    rows, uses = everything(recorder)
    assert (len(rows), len(uses)) == (3, 3)


def test_uses_past_the_bound_leave_with_the_next_drain() -> None:
    """Many different keys do not pile up: what exceeds the bound goes out at once, none is lost."""
    recorder = Recorder("development", Wall(), max_uses=10)
    for number in range(100):
        record(recorder, credential=f"key-{number}")
    message = recorder.drain(5)
    assert message is not None
    assert len(message["uses"]["ids"]) == 90
    assert len(everything(recorder)[1]) == 10


def test_propagation_is_a_histogram() -> None:
    """Each change acted on counts once in the bucket of its delay."""
    recorder = Recorder("development", Wall())
    recorder.propagated(0.004)
    recorder.propagated(99)
    propagation = recorder.snapshot()["propagation"]
    assert (propagation["buckets"][2], propagation["buckets"][-1]) == (1, 1)
    assert propagation["sum"] == pytest.approx(99.004)


def test_an_older_use_put_back_does_not_hide_a_newer_one() -> None:
    """Restoring adds the count and leaves the newer time and address."""
    wall = Wall()
    recorder = Recorder("development", wall)
    record(recorder)
    message = recorder.drain()
    wall.now += 2
    recorder.tick()
    record(recorder, address="203.0.113.9")
    assert message is not None
    recorder.restore(message)
    assert everything(recorder)[1] == [("key-1", 2, int(wall.now), "203.0.113.9")]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["k1", "k2", ""]), st.floats(0, 90)
            ),
            st.sampled_from(["send", "fail", "minute"]),
        ),
        max_size=60,
    )
)
def test_nothing_is_lost_or_counted_twice(steps: list[Any]) -> None:
    """Whatever is sent, fails and is put back, and however minutes turn: every request counts exactly once."""
    wall = Wall()
    recorder = Recorder("development", wall, max_cells=3, max_uses=1)
    sent: list[dict[str, Any]] = []
    expected: Counter[str] = Counter()
    requests = 0
    for step in steps:
        if step == "minute":
            wall.now += 60
        elif step in {"send", "fail"}:
            message = recorder.drain(1)
            if message is not None:
                if step == "send":
                    sent.append(message)
                else:
                    recorder.restore(message)
        else:
            resource, credential, seconds = step
            record(recorder, resource, credential, seconds=seconds)
            requests += 1
            if credential:
                expected[credential] += 1
    while (message := recorder.drain(1)) is not None:
        sent.append(message)
    rows = [row for message in sent for row in named(json.loads(json.dumps(message["rows"])))]
    assert sum(row["count"] for row in rows) == requests
    assert sum(sum(row["buckets"]) for row in rows) == requests
    assert sum(row["bytes_out"] for row in rows) == requests * 100
    uses: Counter[str] = Counter()
    for message in sent:
        for credential, count, _, _ in unpack(json.loads(json.dumps(message["uses"]))):
            uses[credential] += count
    assert uses == expected


def test_uses_of_many_credentials_leave_a_little_at_a_time() -> None:
    """Only when as many wait as one message takes; what is left goes with the next drain, each counted once."""
    recorder = Recorder("development", Wall())
    for number in range(5):
        recorder.record("a/v1", "GET /x", "app", f"key-{number}", "192.0.2.1", 200, "ok", 0, 0, 0.001)
    assert recorder.drain_uses(6) is None
    message = recorder.drain_uses(3, 3)
    assert message is not None
    assert (message["uses"]["ids"], message["rows"]) == (["key-0", "key-1", "key-2"], [])
    rows, uses = everything(recorder)
    assert ([use[0] for use in uses], len(rows)) == (["key-3", "key-4"], 1)


def test_many_uses_of_one_credential_are_no_reason_to_hurry() -> None:
    """What leaves early is counted in credentials, not in requests."""
    recorder = Recorder("development", Wall())
    for _ in range(10):
        record(recorder)
    assert recorder.drain_uses(2) is None
    assert everything(recorder)[1] == [("key-1", 10, 1_800_000_000, "192.0.2.1")]
