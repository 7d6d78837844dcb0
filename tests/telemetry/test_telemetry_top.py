"""Roll-ups shaped into the lines of ``wardgate top``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.top import top_callers, top_resources


def row(**changed: Any) -> dict[str, Any]:
    """One row as the store holds it."""
    count = changed.get("count", 1)
    return {
        "minute": 1_800_000_000,
        "environment": "development",
        "api": "orders/v1",
        "resource": "GET /items",
        "application": "mobile",
        "status": 200,
        "reason": "ok",
        "count": 1,
        "bytes_in": 0,
        "bytes_out": 100,
        "seconds": 0.004,
        "buckets": json.dumps([0, 0, count] + [0] * (BUCKETS - 3)),
        **changed,
    }


def test_the_busiest_resource_comes_first() -> None:
    """Resources are ordered by requests, with their rate, errors and latency."""
    rows = [
        row(resource="GET /rare", count=1),
        row(resource="GET /busy", count=58),
        row(resource="GET /busy", count=2, status=503, reason="upstream_unavailable", minute=1_800_000_060),
    ]
    busy, rare = top_resources(rows, 120)
    assert (busy.name, busy.requests, busy.rate, busy.errors) == ("GET /busy", 60, 0.5, 2)
    assert busy.error_share == pytest.approx(2 / 60)
    assert busy.outcomes == (("NO_HEALTHY_BACKEND", 2),)
    assert busy.p95 == pytest.approx(0.00485)
    assert (rare.name, rare.outcomes) == ("GET /rare", ())


def test_an_error_of_the_backend_is_an_error() -> None:
    """A forwarded 500 counts as an error although Wardgate refused nothing."""
    (line,) = top_resources([row(status=500)], 60)
    assert (line.errors, line.outcomes) == (1, (("BACKEND_RESPONSE", 1),))


def test_callers_are_summed_over_apis() -> None:
    """An application's requests to all its APIs are one line; nobody known is (anonymous)."""
    lines = top_callers([row(api="a/v1"), row(api="b/v1"), row(application="")], 60)
    assert [(line.name, line.requests) for line in lines] == [("mobile", 2), ("(anonymous)", 1)]


def test_undeclared_paths_are_named_so() -> None:
    """What no document declares is one line of its API."""
    assert top_resources([row(resource="")], 60)[0].name == "(undeclared)"


def test_no_time_at_all_is_refused() -> None:
    """A rate needs a span."""
    with pytest.raises(ValueError, match="span"):
        top_resources([row()], 0)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 50)), max_size=40))
def test_requests_add_up_whatever_the_order(counts: list[tuple[str, int]]) -> None:
    """No request is shown twice or missing, and equal lines keep a stable order."""
    rows = [row(resource=name, count=count) for name, count in counts]
    lines = top_resources(rows, 60)
    assert sum(line.requests for line in lines) == sum(count for _, count in counts)
    assert lines == top_resources(list(reversed(rows)), 60)
