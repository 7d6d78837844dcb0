"""Calendar windows of quotas: minute, hour, day, week (from Monday), month and year in a time zone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_STEPS = {"day": timedelta(days=1), "week": timedelta(days=7)}
_LENGTHS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True, slots=True)
class Window:
    """One calendar window ``[start, end)`` in Unix seconds; ``id`` is its ISO 8601 interval with UTC offsets."""

    id: str
    start: float
    end: float


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone called ``name``.

    Raises:
        ValueError: no such zone is known to this machine.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"time zone {name!r} is not known; use an IANA name such as Europe/Berlin"
        ) from error


def window_at(per: str, timezone_name: str, wall: float) -> Window:
    """The window of length ``per`` that holds the instant ``wall``.

    Days and longer begin at local midnight, so a day may have 23 or 25 hours. Minutes and hours are cut in local
    wall time too, but always last 60 and 3600 seconds: an hour the clock repeats is two windows.

    Raises:
        ValueError: unknown time zone or period.
    """
    tz = zone(timezone_name)
    # Cut to seconds first: fromtimestamp rounds to microseconds and could step over the window's end.
    second = math.floor(wall)
    local = datetime.fromtimestamp(second, tz)
    length = _LENGTHS.get(per)
    if length is not None:
        into = local.minute * 60 + local.second if per == "hour" else local.second if per == "minute" else 0
        # Whole seconds by subtraction on the UTC time line: a wall time may exist twice, an instant cannot.
        start = float(second - into)
        return _window(start, start + length, tz)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if per == "day":
        first = midnight
    elif per == "week":
        first = midnight - timedelta(days=local.weekday())
    elif per == "month":
        first = midnight.replace(day=1)
    elif per == "year":
        first = midnight.replace(month=1, day=1)
    else:
        raise ValueError(
            f"period {per!r} has no calendar window; use one of second, minute, hour, day, week, month, year"
        )
    return _window(first.timestamp(), _next(first, per).timestamp(), tz)


def window_end(identifier: str) -> float | None:
    """When the window called ``identifier`` ends (Unix seconds); ``None`` if the text is no window id."""
    _, _, end = identifier.partition("/")
    try:
        return datetime.fromisoformat(end).timestamp()
    except ValueError:
        return None


def _next(first: datetime, per: str) -> datetime:
    if per == "month":
        return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    if per == "year":
        return first.replace(year=first.year + 1)
    return first + _STEPS[per]


def _window(start: float, end: float, tz: ZoneInfo) -> Window:
    return Window(f"{_iso(start, tz)}/{_iso(end, tz)}", start, end)


def _iso(instant: float, tz: ZoneInfo) -> str:
    local = datetime.fromtimestamp(instant, tz)
    offset = local.utcoffset() or timedelta()
    return local.replace(tzinfo=timezone(offset)).isoformat()
