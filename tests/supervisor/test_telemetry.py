"""The telemetry desk: what it keeps while the store cannot be written."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest
from tests.supervisor.test_pending import row, use

from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger
from wardgate.supervisor import telemetry
from wardgate.supervisor.hub import Hub
from wardgate.supervisor.prepare import prepare_store
from wardgate.supervisor.processes import Child, ChildSpec, Patience
from wardgate.supervisor.telemetry import TelemetryDesk
from wardgate.telemetry.rollups import pack


def worker() -> Child:
    """A worker that was never started: enough to speak in its name."""
    spec = ChildSpec(name="gateway-0", module="none", stdin=b"")
    return Child(spec, lambda child, message: None, lambda child, status: None, Patience())


async def test_counts_are_kept_and_written_once_the_store_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While another process locks the database nothing is lost or doubled; the failure and its end are logged once."""
    monkeypatch.setattr(telemetry, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr("wardgate.storage.ledger.BUSY_TIMEOUT_MS", 10)
    caplog.set_level(logging.INFO)
    await asyncio.to_thread(prepare_store, tmp_path)
    hub, child = Hub(), worker()
    desk = TelemetryDesk(Ledger(database_path(tmp_path)), lambda: [("q", "w", 3)])
    await desk.open(hub)
    other = sqlite3.connect(database_path(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    message = {
        "kind": "telemetry",
        "rows": pack([row()]),
        "uses": use("k", 1, 1.0, ""),
        "metrics": _figures(),
    }
    hub.receive(child, message)
    await asyncio.sleep(0.3)
    hub.receive(child, message)
    other.execute("ROLLBACK")
    await desk.close()
    assert other.execute("SELECT count, bytes_out FROM rollups").fetchall() == [(2, 40)]
    assert other.execute("SELECT key, window, used FROM quota_windows").fetchall() == [("q", "w", 3)]
    other.close()
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if "cannot be written and are kept" in line] == said[:1]
    assert said[-1] == "counts are written again"


def _figures() -> dict[str, object]:
    from wardgate.telemetry.recorder import Recorder

    return Recorder("development").snapshot()
