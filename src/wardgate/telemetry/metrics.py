"""The Prometheus metrics of one installation: what its workers report, added up in the supervisor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wardgate.telemetry.latency import BOUNDS, BUCKETS
from wardgate.telemetry.recorder import COUNTERS, GAUGES, OTHER, PROPAGATION_BOUNDS
from wardgate.telemetry.rollups import FIELDS, Rollup

#: Label sets of one family at most; past that, resources are reported as ``(other)`` of their API.
MAX_SERIES = 20_000
_NOT_FOUND = frozenset({"resource_not_found", "api_not_found"})
_ENVIRONMENT, _API, _RESOURCE, _STATUS, _REASON, _COUNT, _SECONDS = map(
    FIELDS.index, ("environment", "api", "resource", "status", "reason", "count", "seconds")
)

_GAUGE_HELP = {
    "connections": ("wardgate_connections", "Client connections open now."),
    "in_flight": ("wardgate_in_flight", "Requests in progress now."),
    "credential_cache_entries": (
        "wardgate_credential_cache_entries",
        "Credentials held in the workers' caches.",
    ),
    "negative_cache_entries": ("wardgate_negative_cache_entries", "Refusals held in the workers' caches."),
    "upstream_connections": ("wardgate_upstream_connections", "Connections to upstreams open now."),
    "store_staleness_seconds": (
        "wardgate_store_staleness_seconds",
        "Seconds since the worker furthest behind could last read the store; 0 when all can.",
    ),
}
_COUNTER_HELP = {
    "credential_cache_hits": ("wardgate_credential_cache_hits", "Credential look-ups answered from a cache."),
    "credential_cache_misses": (
        "wardgate_credential_cache_misses",
        "Credential look-ups that read the store.",
    ),
    "limit_authority_away": (
        "wardgate_limit_authority_away",
        "Decisions taken while the authority of a limit could not be asked.",
    ),
    "access_log_dropped": ("wardgate_access_log_dropped", "Access log lines that could not be written."),
    "upstream_retries": ("wardgate_upstream_retries", "Requests sent to an upstream again."),
    "rollups_overflowed": (
        "wardgate_rollups_overflowed",
        "Requests counted as (other) because too many combinations were open at once.",
    ),
}


class Metrics(Collector):
    """Adds up what workers send; counters never go back when a worker ends, and gauges forget it.

    The number of series is bounded by what is configured, and by :data:`MAX_SERIES`.
    """

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str, int, str], int] = {}
        #: By environment and API: seconds, and requests by latency bucket.
        self._latency: dict[tuple[str, str], list[float]] = {}
        self._undeclared: dict[tuple[str, str], int] = {}
        self._alive: dict[str, Mapping[str, Any]] = {}
        self._ended: dict[str, float] = dict.fromkeys(COUNTERS, 0)
        self._propagation: list[float] = [0.0] * (len(PROPAGATION_BOUNDS) + 2)
        self._restarts: dict[str, int] = {}
        self._lost_rows = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def absorb(self, worker: str, rows: Iterable[Rollup], figures: Mapping[str, Any]) -> None:
        """Counts what the worker called ``worker`` sent: roll-ups, and its figures (see ``Recorder.drain``)."""
        latencies: dict[tuple[str, str], list[Sequence[float]]] = {}
        for row in rows:
            self._count(row)
            latencies.setdefault((row[_ENVIRONMENT], row[_API]), []).append(row[_SECONDS:])
        for place, counted in latencies.items():
            known = self._latency.get(place, [0.0] * (BUCKETS + 1))
            self._latency[place] = [sum(column) for column in zip(known, *counted, strict=True)]
        self._alive[worker] = figures

    def worker_ended(self, worker: str) -> None:
        """The worker's process ended: what it had counted stays, what it held is gone."""
        last = self._alive.pop(worker, None)
        if last is None:
            return
        for name in COUNTERS:
            self._ended[name] += last["counters"][name]
        self._propagation = _added(self._propagation, _propagation(last))

    def worker_restarted(self, worker: str) -> None:
        """A process was started again after it ended unasked."""
        self._restarts[worker] = self._restarts.get(worker, 0) + 1

    def telemetry_lost(self, rows: int) -> None:
        """``rows`` roll-up rows could not be stored and were given up."""
        self._lost_rows += rows

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The text for a scraper that sent ``accept``, and its content type (Prometheus or OpenMetrics)."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are fixed, so registration needs no look at the values."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every metric family as it stands now."""
        yield self._requests_family()
        yield self._latency_family()
        undeclared = CounterMetricFamily(
            "wardgate_undeclared",
            "Requests for paths no API declares; api is empty where no API has the base path.",
            labels=["environment", "api"],
        )
        for names, count in self._undeclared.items():
            undeclared.add_metric(names, count)
        yield undeclared
        yield from self._worker_families()
        restarts = CounterMetricFamily(
            "wardgate_worker_restarts",
            "Processes started again after they ended unasked.",
            labels=["process"],
        )
        for worker, count in self._restarts.items():
            restarts.add_metric([worker], count)
        yield restarts
        yield GaugeMetricFamily("wardgate_workers", "Gateway workers that report.", value=len(self._alive))
        yield CounterMetricFamily(
            "wardgate_rollup_rows_lost", "Roll-up rows that could not be stored.", value=self._lost_rows
        )

    def _count(self, row: Rollup) -> None:
        environment, api, resource, status, reason, count = (
            row[_ENVIRONMENT],
            row[_API],
            row[_RESOURCE],
            row[_STATUS],
            row[_REASON],
            row[_COUNT],
        )
        key = (environment, api, resource, status, reason)
        if key not in self._requests and len(self._requests) >= MAX_SERIES:
            key = (environment, api, OTHER, status, reason)
        self._requests[key] = self._requests.get(key, 0) + count
        if not resource and (api or reason in _NOT_FOUND):
            place = environment, api
            self._undeclared[place] = self._undeclared.get(place, 0) + count

    def _requests_family(self) -> Metric:
        family = CounterMetricFamily(
            "wardgate_requests",
            "Finished requests; reason is ok or why Wardgate refused.",
            labels=["environment", "api", "resource", "status", "reason"],
        )
        for (environment, api, resource, status, reason), count in self._requests.items():
            family.add_metric([environment, api, resource, str(status), reason], count)
        return family

    def _latency_family(self) -> Metric:
        family = HistogramMetricFamily(
            "wardgate_request_duration_seconds",
            "Time from a request's first byte to the end of its answer.",
            labels=["environment", "api"],
        )
        for names, counted in self._latency.items():
            family.add_metric(names, _cumulative(BOUNDS, counted[1:]), counted[0])
        return family

    def _worker_families(self) -> Iterator[Metric]:
        alive = list(self._alive.values())
        for name in GAUGES:
            values = [figures["gauges"][name] for figures in alive]
            metric, text = _GAUGE_HELP[name]
            value = max(values, default=0) if name == "store_staleness_seconds" else sum(values)
            yield GaugeMetricFamily(metric, text, value=value)
        for name in COUNTERS:
            metric, text = _COUNTER_HELP[name]
            total = self._ended[name] + sum(figures["counters"][name] for figures in alive)
            yield CounterMetricFamily(metric, text, value=total)
        propagation = self._propagation
        for figures in alive:
            propagation = _added(propagation, _propagation(figures))
        yield HistogramMetricFamily(
            "wardgate_propagation_seconds",
            "Time from the commit of a change to a worker acting on it.",
            buckets=_cumulative(PROPAGATION_BOUNDS, propagation[:-1]),
            sum_value=propagation[-1],
        )


def _propagation(figures: Mapping[str, Any]) -> list[float]:
    counted = figures["propagation"]
    return [*counted["buckets"], counted["sum"]]


def _added(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(left, right, strict=True)]


def _cumulative(bounds: Sequence[float], counts: Sequence[float]) -> list[tuple[str, float]]:
    """Prometheus' form of a histogram: each bucket holds everything up to its bound."""
    names = [*(repr(bound) for bound in bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
