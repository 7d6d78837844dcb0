"""Metrics added up over workers and their lives, in the text a scraper reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wardgate.telemetry import metrics as metrics_module
from wardgate.telemetry.metrics import Metrics
from wardgate.telemetry.outcome import Outcome
from wardgate.telemetry.recorder import Recorder, added
from wardgate.telemetry.rollups import unpack

DOCS = Path(__file__).resolve().parents[2] / "docs" / "observability.md"


def absorb(metrics: Metrics, worker: str, recorder: Recorder) -> None:
    """The recorder's next message arrives."""
    message = recorder.drain()
    assert message is not None
    metrics.absorb(worker, unpack(message["rows"]), message["metrics"])


def value(metrics: Metrics, sample: str, **labels: str) -> float | None:
    """The value a scraper reads for one series."""
    text = metrics.render()[0].decode()
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == sample and found.labels == labels:
                return float(found.value)
    return None


def test_requests_of_all_workers_are_added() -> None:
    """The same series of two workers is one figure."""
    metrics = Metrics()
    for worker in ("gateway-0", "gateway-1"):
        recorder = Recorder("development")
        recorder.record("orders/v1", "GET /items", "mobile", "k", "192.0.2.1", 200, "ok", 0, 9, 0.004)
        recorder.set("connections", 5)
        absorb(metrics, worker, recorder)
    labels = {
        "environment": "development",
        "api": "orders/v1",
        "resource": "GET /items",
        "status": "200",
        "reason": "ok",
    }
    assert value(metrics, "wardgate_requests_total", **labels) == 2
    assert value(metrics, "wardgate_connections") == 10
    bucket = {"environment": "development", "api": "orders/v1", "le": "0.005"}
    assert value(metrics, "wardgate_request_duration_seconds_bucket", **bucket) == 2
    place = {"environment": "development", "api": "orders/v1"}
    assert value(metrics, "wardgate_request_duration_seconds_sum", **place) == pytest.approx(0.008)


def test_environments_of_one_process_are_told_apart() -> None:
    """The same API in two environments is two series, while what the process holds is counted once."""
    metrics = Metrics()
    recorders = [Recorder("development"), Recorder("staging")]
    recorders[0].set("connections", 5)
    for recorder in recorders:
        recorder.record("orders/v1", "GET /items", "mobile", "k", "192.0.2.1", 200, "ok", 0, 9, 0.004)
        recorder.propagated(0.01)
        message = recorder.drain()
        assert message is not None
        figures = added([each.snapshot() for each in recorders])
        metrics.absorb("gateway-0", unpack(message["rows"]), figures)
    for environment in ("development", "staging"):
        labels = {"environment": environment, "api": "orders/v1", "resource": "GET /items", "status": "200"}
        assert value(metrics, "wardgate_requests_total", reason="ok", **labels) == 1
    assert value(metrics, "wardgate_connections") == 5
    assert value(metrics, "wardgate_propagation_seconds_count") == 2


def test_counters_survive_a_worker_and_gauges_do_not() -> None:
    """A worker that died took its connections along; what it had counted stays and the next one adds to it."""
    metrics = Metrics()
    first = Recorder("development")
    first.set("credential_cache_hits", 7)
    first.set("connections", 3)
    first.propagated(0.01)
    absorb(metrics, "gateway-0", first)
    metrics.worker_ended("gateway-0")
    metrics.worker_restarted("gateway-0")
    assert value(metrics, "wardgate_connections") == 0
    assert value(metrics, "wardgate_workers") == 0
    second = Recorder("development")
    second.set("credential_cache_hits", 2)
    second.propagated(0.02)
    absorb(metrics, "gateway-0", second)
    assert value(metrics, "wardgate_credential_cache_hits_total") == 9
    assert value(metrics, "wardgate_propagation_seconds_count") == 2
    assert value(metrics, "wardgate_worker_restarts_total", process="gateway-0") == 1


def test_staleness_is_that_of_the_worker_furthest_behind() -> None:
    """One worker cut off from the store is not averaged away."""
    metrics = Metrics()
    for worker, stale in (("gateway-0", 0.0), ("gateway-1", 12.5)):
        recorder = Recorder("development")
        recorder.set("store_staleness_seconds", stale)
        recorder.set("connections", 1)
        absorb(metrics, worker, recorder)
    assert value(metrics, "wardgate_store_staleness_seconds") == 12.5


@pytest.mark.parametrize(
    ("api", "resource", "reason", "counted"),
    [
        ("orders/v1", "", "resource_not_found", True),
        ("", "", "api_not_found", True),
        ("orders/v1", "", "ok", True),
        ("orders/v1", "GET /items", "ok", False),
        ("", "", "request_malformed", False),
    ],
)
def test_undeclared_paths_are_counted(api: str, resource: str, reason: str, counted: bool) -> None:
    """A path that no document declares counts, forwarded or refused; a malformed request has no path."""
    metrics = Metrics()
    recorder = Recorder("development")
    recorder.record(api, resource, "", "", "192.0.2.1", 404, reason, 0, 0, 0.001)
    absorb(metrics, "gateway-0", recorder)
    assert (value(metrics, "wardgate_undeclared_total", environment="development", api=api) == 1) is counted


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound resources share one series of their API."""
    monkeypatch.setattr(metrics_module, "MAX_SERIES", 2)
    metrics = Metrics()
    recorder = Recorder("development")
    for number in range(6):
        recorder.record("orders/v1", f"GET /{number}", "", "", "", 200, "ok", 0, 0, 0.001)
    absorb(metrics, "gateway-0", recorder)
    labels = {
        "environment": "development",
        "api": "orders/v1",
        "resource": "(other)",
        "status": "200",
        "reason": "ok",
    }
    assert value(metrics, "wardgate_requests_total", **labels) == 4


def test_a_hostile_label_is_escaped() -> None:
    """A quote or line break in a name cannot forge another series."""
    metrics = Metrics()
    recorder = Recorder("development")
    name = 'GET /"}\nwardgate_workers 99 \\'
    recorder.record("orders/v1", name, "", "", "", 200, "ok", 0, 0, 0.001)
    absorb(metrics, "gateway-0", recorder)
    labels = {
        "environment": "development",
        "api": "orders/v1",
        "resource": name,
        "status": "200",
        "reason": "ok",
    }
    assert value(metrics, "wardgate_requests_total", **labels) == 1
    assert value(metrics, "wardgate_workers") == 1


def test_openmetrics_is_spoken_when_asked_for() -> None:
    """The content type follows what the scraper accepts."""
    assert "openmetrics" in Metrics().render("application/openmetrics-text")[1]
    assert Metrics().render()[1].startswith("text/plain")


def test_every_metric_is_documented_and_no_other() -> None:
    """The table in the docs names exactly the metrics that exist, with their type and labels."""
    documented = {}
    for line in DOCS.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("| `wardgate_") and len(cells) == 6:
            documented[cells[1].strip("`")] = (cells[2], tuple(cells[3].replace("`", "").split(", ")))
    existing = {}
    for family in Metrics().collect():
        name = family.name + "_total" if family.type == "counter" else family.name
        existing[name] = (family.type, tuple(getattr(family, "_labelnames", ())) or ("",))
    assert documented == existing


def test_every_outcome_is_documented() -> None:
    """An operator finds each class of the access log in the docs."""
    text = DOCS.read_text()
    assert [outcome for outcome in Outcome if f"| `{outcome}` |" not in text] == []
