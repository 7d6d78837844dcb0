"""Counts written by the supervisor: added up, all or nothing, read for ``top``, swept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import FREE, count, document
from tests.telemetry.rows import flat

from wardgate.control import applications, environments, keys
from wardgate.control.apply import apply_document
from wardgate.domain.environment import Retention
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.limits.window import window_at
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger, Swept
from wardgate.telemetry import rollups
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.recorder import Recorder
from wardgate.telemetry.rollups import Rollup
from wardgate.telemetry.uses import unpack

NOW = 1_700_000_000.0
MINUTE = int(NOW) // 60 * 60


@pytest.fixture
def ledger(store: SqlStore) -> Iterator[Ledger]:
    """A ledger on the store's database."""
    opened = Ledger(database_path(store.data_dir))
    yield opened
    opened.close()


def rollup(**changed: Any) -> Rollup:
    """One roll-up of a single request."""
    row: dict[str, Any] = {
        "minute": MINUTE,
        "environment": "development",
        "api": "orders/v1",
        "resource": "GET /items",
        "application": "app_1",
        "status": 200,
        "reason": "ok",
        "count": 1,
        "bytes_in": 10,
        "bytes_out": 100,
        "seconds": 0.25,
        "buckets": [1] + [0] * (BUCKETS - 1),
    }
    return flat(row | changed)


def test_rollups_of_one_cell_are_added(ledger: Ledger) -> None:
    """Counts, bytes, seconds and every bucket of the same cell add up over writes; other cells stay apart."""
    for _ in range(2):
        ledger.write(
            [rollup(), rollup(buckets=[0, 2] + [0] * (BUCKETS - 2), count=2), rollup(status=404)], [], []
        )
    rows = {row["status"]: row for row in ledger.recent(NOW - 60, "development")}
    assert (rows[200]["count"], rows[200]["bytes_in"], rows[200]["bytes_out"]) == (6, 40, 400)
    assert rows[200]["seconds"] == 1.0
    assert rows[200]["buckets"] == str([2, 4] + [0] * (BUCKETS - 2))
    assert rows[404]["count"] == 2


def test_a_ledger_goes_on_from_what_is_stored(store: SqlStore, ledger: Ledger) -> None:
    """After a restart, a failed write or many minutes nothing is forgotten: counts are added to those of before."""
    ledger.write([rollup()], [], [])
    with pytest.raises(StoreUnavailableError):
        ledger.write([rollup(), rollup(status=404, count=None)], [], [])
    ledger.write([rollup()], [], [])
    ledger.write([rollup(minute=MINUTE + 60 * number) for number in range(1, 6)], [], [])
    ledger.write([rollup(), rollup(environment="production")], [], [])
    again = Ledger(database_path(store.data_dir))
    again.write([rollup(), rollup(minute=MINUTE + 300)], [], [])
    again.close()
    rows = {row["minute"]: row for row in ledger.recent(NOW - 60, "development")}
    assert [rows[minute]["count"] for minute in sorted(rows)] == [4, 1, 1, 1, 1, 2]
    assert rows[MINUTE]["buckets"] == str([4] + [0] * (BUCKETS - 1))


@given(st.lists(st.lists(st.integers(0, 2**40), min_size=BUCKETS, max_size=BUCKETS), min_size=1, max_size=5))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_buckets_add_element_by_element(ledger: Ledger, written: list[list[int]]) -> None:
    """Whatever was written, each bucket holds the sum of its own counts."""
    with closing(sqlite3.connect(ledger._path)) as connection, connection:
        connection.execute("DELETE FROM rollups")
    ledger.close()
    for buckets in written:
        ledger.write([rollup(buckets=buckets)], [], [])
    (row,) = ledger.recent(0, "development")
    assert row["buckets"] == str([sum(column) for column in zip(*written, strict=True)])


def test_a_recorder_and_a_ledger_fit(ledger: Ledger) -> None:
    """What a worker's recorder drains is what the ledger writes."""
    recorder = Recorder("development", lambda: NOW)
    recorder.record("orders/v1", "GET /items", "app_1", "key_1", "192.0.2.1", 200, "ok", 1, 2, 0.004)
    message = recorder.drain()
    assert message is not None
    ledger.write(rollups.unpack(message["rows"]), unpack(message["uses"]), [])
    (row,) = ledger.recent(NOW - 60, "development")
    assert (row["count"], row["minute"]) == (1, MINUTE)


async def test_uses_move_a_credentials_figures(store: SqlStore, ledger: Ledger) -> None:
    """Counts add up; the newest use wins, in whatever order uses arrive; unknown credentials are dropped."""
    await applications.add(store, name="mobile")
    credential, _ = await keys.issue(store, application="mobile", environment="development")
    other, _ = await keys.issue(store, application="mobile", environment="development")
    ledger.write([], [(credential.id, 2, 50.0, "192.0.2.2")], [])
    ledger.write(
        [],
        [
            (other.id, 7, 70.0, "192.0.2.7"),
            (credential.id, 3, 40.0, "192.0.2.1"),
            ("key_gone", 1, 60.0, "192.0.2.9"),
        ],
        [],
    )
    found = (await keys.show(store, credential.id)).credential
    assert (found.use_count, found.last_used_at, found.last_used_address) == (5, 50.0, "192.0.2.2")
    first = (await keys.show(store, other.id)).credential
    assert (first.use_count, first.last_used_at, first.last_used_address) == (7, 70.0, "192.0.2.7")


@pytest.mark.parametrize(
    ("rows", "uses", "error"),
    [
        ([rollup(), rollup(status=500, buckets=[1])], [], ValueError),
        ([rollup(), (60,)], [], ValueError),
        ([rollup()], [("key_1", 1)], StoreUnavailableError),
        ([rollup(), rollup(status=404, count=None)], [], StoreUnavailableError),
    ],
)
def test_a_write_is_all_or_nothing(
    ledger: Ledger, rows: list[Rollup], uses: list[Any], error: type[Exception]
) -> None:
    """One wrong row and nothing of the batch is stored; the next batch is."""
    with pytest.raises(error):
        ledger.write(rows, uses, [("quota", "w", 1)])
    assert ledger.recent(0, "development") == []
    assert ledger.load_quotas(0) == []
    ledger.write([rollup()], [], [])
    assert len(ledger.recent(0, "development")) == 1


def test_quotas_are_set_and_ended_ones_left_out(ledger: Ledger) -> None:
    """The last count of a window stands; only windows that still hold are loaded."""
    month, day = window_at("month", "Europe/Berlin", NOW), window_at("day", "UTC", NOW)
    ledger.write([], [], [("a", month.id, 5), ("b", day.id, 7)])
    ledger.write([], [], [("a", month.id, 4)])
    assert sorted(ledger.load_quotas(NOW)) == [("a", month.id, 4), ("b", day.id, 7)]
    assert ledger.load_quotas(day.end) == [("a", month.id, 4)]
    assert ledger.load_quotas(month.end) == []


async def test_a_sweep_deletes_only_what_is_over(store: SqlStore, ledger: Ledger) -> None:
    """Roll-ups past their days, windows and changes past one day go; the rest stays."""
    day, before = window_at("day", "UTC", NOW), window_at("day", "UTC", NOW - 3 * 86_400)
    ledger.write(
        [rollup(), rollup(minute=MINUTE - 89 * 86_400), rollup(minute=MINUTE - 91 * 86_400)],
        [],
        [("a", day.id, 1), ("a", before.id, 9)],
    )
    await applications.add(store, name="old", clock=lambda: NOW - 2 * 86_400)
    await applications.add(store, name="new", clock=lambda: NOW - 100)
    assert ledger.sweep(NOW) == Swept(rollups=1, windows=1, changes=1)
    assert ledger.sweep(NOW) == Swept(rollups=0, windows=0, changes=0)
    assert (count(store.data_dir, "rollups"), count(store.data_dir, "changes")) == (2, 1)
    assert ledger.load_quotas(NOW) == [("a", day.id, 1)]


async def test_every_environment_keeps_its_figures_as_long_as_it_asks(
    store: SqlStore, ledger: Ledger
) -> None:
    """A sweep goes by each environment's own retention, also by one that was changed meanwhile; others' rows stay."""

    def minutes(environment: str) -> list[int]:
        return sorted((MINUTE - row["minute"]) // 86_400 for row in ledger.recent(0, environment))

    await environments.set_settings(store, "development", retention=Retention(rollups=7))
    await environments.set_settings(store, "production", retention=Retention(rollups=400))
    for environment in ("development", "staging", "production", "gone"):
        ages = (1, 8, 89, 91, 399, 401)
        ledger.write([rollup(minute=MINUTE - age * 86_400, environment=environment) for age in ages], [], [])
    assert ledger.sweep(NOW).rollups == 5 + 3 + 1 + 1
    assert [minutes(each) for each in ("development", "staging", "production")] == [
        [1],
        [1, 8, 89],
        [1, 8, 89, 91, 399],
    ]
    await environments.set_settings(store, "production", retention=Retention(rollups=30))
    assert ledger.sweep(NOW).rollups == 3 + 2
    assert [minutes(each) for each in ("development", "staging", "production")] == [[1], [1, 8, 89], [1, 8]]
    assert minutes("gone") == [1, 8, 89]
    assert ledger.sweep(NOW + 86_400).rollups == 2


async def test_a_sweep_leaves_no_hole_in_the_feed(store: SqlStore, ledger: Ledger) -> None:
    """An old time between newer ones (a clock set back) keeps its row."""
    times = iter([NOW, NOW - 5 * 86_400, NOW])
    for name in ("a", "b", "c"):
        await applications.add(store, name=name, clock=lambda: next(times))
    assert ledger.sweep(NOW).changes == 0


async def test_top_names_resources_and_applications(store: SqlStore, ledger: Ledger) -> None:
    """The busiest come first, applications by their name, of the environment and minutes asked for."""
    await apply_document(store, document(plans=[FREE]), "development", "test", "")
    mobile = await applications.add(store, name="mobile")
    ledger.write(
        [
            rollup(application=mobile.id, count=5),
            rollup(application=mobile.id, count=2, status=429, reason="rate_exceeded"),
            rollup(application="app_gone", count=3, resource="GET /slow"),
            rollup(minute=MINUTE - 600, count=99),
            rollup(environment="staging", count=77),
        ],
        [],
        [],
    )
    top = ledger.top(5, now=NOW, environment="development")
    assert [(line.name, line.requests, line.errors) for line in top.resources] == [
        ("GET /items", 7, 2),
        ("GET /slow", 3, 0),
    ]
    assert [(line.name, line.requests) for line in top.applications] == [("mobile", 7), ("app_gone", 3)]
    assert top.seconds == NOW - MINUTE + 240
    with pytest.raises(ValueError, match="one or more minutes"):
        ledger.top(0, now=NOW, environment="development")


def test_a_missing_database_is_unavailable(tmp_path: Path) -> None:
    """A ledger never creates a database, and says that it cannot write."""
    ledger = Ledger(tmp_path / "wardgate.db")
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        ledger.write([rollup()], [], [])
    assert not (tmp_path / "wardgate.db").exists()


async def test_counts_do_not_disturb_the_feed(store: SqlStore, ledger: Ledger) -> None:
    """Writing counts announces nothing."""
    ledger.write([rollup()], [], [("a", window_at("day", "UTC", NOW).id, 1)])
    assert count(store.data_dir, "changes") == 0
