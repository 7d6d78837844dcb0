"""Roll-up rows by name, as tests read and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wardgate.telemetry.rollups import FIELDS, LATENCIES, Rollup, unpack


def named(columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The packed rows, each by name; ``buckets`` is the list of latency buckets."""
    return [named_row(row) for row in unpack(columns)]


def named_row(row: Rollup) -> dict[str, Any]:
    """One row by name."""
    return dict(zip(FIELDS, row, strict=False)) | {"buckets": list(row[LATENCIES:])}


def flat(row: Mapping[str, Any]) -> Rollup:
    """The row that was named."""
    return (*(row[name] for name in FIELDS), *row["buckets"])
