"""The demo's status line: what the gateway did in the last second, from its own metrics."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The counters at one time: requests by class of status, latency by bucket's upper bound, workers that report."""

    at: float
    by_class: dict[str, float] = field(default_factory=dict)
    buckets: dict[float, float] = field(default_factory=dict)
    workers: int = 0


def read_figures(url: str) -> Figures | None:
    """The figures of the metrics at ``url``, or ``None`` while they cannot be had."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return None
    return parse_figures(text, time.monotonic())


def parse_figures(text: str, at: float) -> Figures:
    """The figures in Prometheus' text form."""
    by_class: dict[str, float] = {}
    buckets: dict[float, float] = {}
    workers = 0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "wardgate_requests_total":
                status = f"{sample.labels['status'][:1]}xx"
                by_class[status] = by_class.get(status, 0.0) + sample.value
            elif sample.name == "wardgate_request_duration_seconds_bucket":
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
            elif sample.name == "wardgate_workers":
                workers = int(sample.value)
    return Figures(at=at, by_class=by_class, buckets=buckets, workers=workers)


def status_line(before: Figures, now: Figures) -> str:
    """What happened between two looks, in one line."""
    seconds = max(now.at - before.at, 0.001)
    done = {name: count - before.by_class.get(name, 0.0) for name, count in now.by_class.items()}
    counts = "  ".join(f"{name} {done.get(name, 0.0):>5.0f}" for name in ("2xx", "4xx", "5xx"))
    bound = p95((bound, count - before.buckets.get(bound, 0.0)) for bound, count in now.buckets.items())
    latency = "     -" if bound is None else f"{bound * 1000:>4.0f} ms"
    return f"{sum(done.values()) / seconds:>7.1f} requests/s  {counts}  p95 {latency}  workers {now.workers}"


def p95(cumulative: Iterable[tuple[float, float]]) -> float | None:
    """The upper bound in seconds of the bucket the 95th of 100 requests falls in; ``None`` without any."""
    ordered = sorted(cumulative)
    total = ordered[-1][1] if ordered else 0.0
    if total <= 0:
        return None
    finite = [bound for bound, _ in ordered if bound != float("inf")]
    for bound, count in ordered:
        if count >= 0.95 * total and bound != float("inf"):
            return bound
    return finite[-1]


class StatusPrinter:
    """Shows a line a second: in place on a terminal, one after the other elsewhere."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()

    def show(self, line: str) -> None:
        """Shows ``line`` as the present state."""
        if self._in_place:
            sys.stdout.write(f"\r\x1b[2K{line}")
        else:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def note(self, line: str) -> None:
        """Prints ``line`` to stay."""
        sys.stdout.write(f"\r\x1b[2K{line}\n" if self._in_place else f"{line}\n")
        sys.stdout.flush()
