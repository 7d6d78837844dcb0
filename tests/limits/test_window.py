"""Calendar windows."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.limits.window import window_at, window_end

PERIODS = ["second", "minute", "hour", "day", "week", "month", "year"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]


@pytest.mark.parametrize(
    ("per", "zone", "at", "identifier"),
    [
        (
            "minute",
            "UTC",
            "2026-11-21T10:20:30.5+00:00",
            "2026-11-21T10:20:00+00:00/2026-11-21T10:21:00+00:00",
        ),
        (
            "hour",
            "Asia/Kolkata",
            "2026-11-21T10:20:30+00:00",
            "2026-11-21T15:00:00+05:30/2026-11-21T16:00:00+05:30",
        ),
        (
            "day",
            "Europe/Berlin",
            "2026-03-29T12:00:00+00:00",
            "2026-03-29T00:00:00+01:00/2026-03-30T00:00:00+02:00",
        ),
        (
            "day",
            "Europe/Berlin",
            "2026-10-25T12:00:00+00:00",
            "2026-10-25T00:00:00+02:00/2026-10-26T00:00:00+01:00",
        ),
        ("week", "UTC", "2026-11-22T23:59:59+00:00", "2026-11-16T00:00:00+00:00/2026-11-23T00:00:00+00:00"),
        (
            "month",
            "Europe/Berlin",
            "2026-11-30T23:30:00+00:00",
            "2026-12-01T00:00:00+01:00/2027-01-01T00:00:00+01:00",
        ),
        ("year", "UTC", "2026-11-21T00:00:00+00:00", "2026-01-01T00:00:00+00:00/2027-01-01T00:00:00+00:00"),
    ],
)
def test_windows_follow_the_calendar_of_the_zone(per: str, zone: str, at: str, identifier: str) -> None:
    """Days have 23 or 25 hours when clocks change, weeks begin on Monday, months at local midnight."""
    assert window_at(per, zone, datetime.fromisoformat(at).timestamp()).id == identifier


@given(st.sampled_from(PERIODS), st.sampled_from(ZONES), st.floats(0, 4e9))
def test_windows_hold_their_instant_and_follow_each_other(per: str, zone: str, wall: float) -> None:
    """Every instant lies in its window, the next begins where it ends, and the id tells the end."""
    window = window_at(per, zone, wall)
    assert window.start <= wall < window.end
    assert window_at(per, zone, window.end).start == window.end
    assert window_at(per, zone, window.start) == window
    assert window_end(window.id) == window.end


def test_the_repeated_hour_is_two_windows() -> None:
    """When the clock goes back the two hours of the same name count apart."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    windows = [window_at("hour", "Europe/Berlin", first + 3600 * n) for n in range(3)]
    assert [datetime.fromtimestamp(w.start, ZoneInfo("Europe/Berlin")).hour for w in windows] == [2, 2, 3]
    assert all(a.end == b.start for a, b in itertools.pairwise(windows))


def test_unknown_names_are_refused_with_the_remedy() -> None:
    """A wrong zone or period is named."""
    with pytest.raises(ValueError, match="'Mars/Olympus' is not known; use an IANA name"):
        window_at("day", "Mars/Olympus", 0.0)
    with pytest.raises(ValueError, match="'fortnight' has no calendar window"):
        window_at("fortnight", "UTC", 0.0)
    assert window_end("nonsense") is None
