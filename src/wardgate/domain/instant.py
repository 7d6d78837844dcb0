"""Points in time as documents say them: to the microsecond, in years of four digits."""

from __future__ import annotations

from datetime import UTC, datetime

#: The last second of the year 9999 (UTC).
LATEST = 253402300799.0


def sayable(at: float) -> float:
    """The point in time nearest to ``at`` (Unix seconds) that a document can say."""
    return datetime.fromtimestamp(min(at, LATEST), UTC).timestamp()
