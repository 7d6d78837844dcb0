"""Shapes stored roll-ups into what ``wardgate top`` shows: the most trafficked resources and the heaviest callers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wardgate.telemetry.latency import BUCKETS, percentile
from wardgate.telemetry.outcome import OK, outcome_of

#: Shown for requests of nobody known: no valid credential, or an open resource.
ANONYMOUS = "(anonymous)"
UNDECLARED = "(undeclared)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLine:
    """One line of the table. ``rate`` is per second; ``errors`` counts refusals and answers of 400 and above;
    ``p50`` and ``p95`` are seconds; ``outcomes`` counts errors by class, most frequent first."""

    api: str
    name: str
    requests: int
    rate: float
    errors: int
    p50: float | None
    p95: float | None
    bytes_in: int
    bytes_out: int
    outcomes: tuple[tuple[str, int], ...]

    @property
    def error_share(self) -> float:
        """Errors of all requests, 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0


class _Sum:
    """What is being added up for one line."""

    __slots__ = ("buckets", "bytes_in", "bytes_out", "errors", "outcomes", "requests")

    def __init__(self) -> None:
        self.requests = self.errors = self.bytes_in = self.bytes_out = 0
        self.buckets = [0] * BUCKETS
        self.outcomes: dict[str, int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        count = row["count"]
        self.requests += count
        self.bytes_in += row["bytes_in"]
        self.bytes_out += row["bytes_out"]
        stored = row["buckets"]
        buckets = json.loads(stored) if isinstance(stored, str) else stored
        self.buckets = [a + b for a, b in zip(self.buckets, buckets, strict=True)]
        if row["reason"] != OK or row["status"] >= 400:
            self.errors += count
            outcome = outcome_of("", row["reason"], "upstream").value
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count


def top_resources(rows: Iterable[Mapping[str, Any]], seconds: float, limit: int = 10) -> list[TopLine]:
    """The ``limit`` resources with most requests in ``rows`` of the ``rollups`` table, which span ``seconds``."""
    return _top(rows, seconds, limit, lambda row: (row["api"], row["resource"] or UNDECLARED))


def top_callers(rows: Iterable[Mapping[str, Any]], seconds: float, limit: int = 10) -> list[TopLine]:
    """The ``limit`` applications with most requests, over all their APIs (``api`` is ``""``)."""
    return _top(rows, seconds, limit, lambda row: ("", row["application"] or ANONYMOUS))


def _top(
    rows: Iterable[Mapping[str, Any]],
    seconds: float,
    limit: int,
    line_of: Callable[[Mapping[str, Any]], tuple[str, str]],
) -> list[TopLine]:
    if seconds <= 0:
        raise ValueError(f"roll-ups span some seconds, not {seconds}")
    sums: dict[tuple[str, str], _Sum] = {}
    for row in rows:
        sums.setdefault(line_of(row), _Sum()).add(row)
    first = sorted(sums.items(), key=lambda item: (-item[1].requests, item[0]))[:limit]
    return [_line(api, name, total, seconds) for (api, name), total in first]


def _line(api: str, name: str, total: _Sum, seconds: float) -> TopLine:
    return TopLine(
        api=api,
        name=name,
        requests=total.requests,
        rate=total.requests / seconds,
        errors=total.errors,
        p50=percentile(total.buckets, 0.5),
        p95=percentile(total.buckets, 0.95),
        bytes_in=total.bytes_in,
        bytes_out=total.bytes_out,
        outcomes=tuple(sorted(total.outcomes.items(), key=lambda item: (-item[1], item[0]))),
    )
