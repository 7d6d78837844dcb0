"""Values as people type them on the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.cli.values import parse_address, parse_duration, parse_size, shown_duration
from wardgate.domain.settings import Listener


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("24h", 86400),
        ("30d", 2592000),
        ("1w", 604800),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("2.5", 2.5),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A duration is a number with a unit, several of them, or bare seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "1h 30m", "-5m", "5m3", "٣s", "1e3s", "nan"])
def test_no_durations(text: str) -> None:
    """Anything else is refused with an example of what would do."""
    with pytest.raises(ValueError, match=r"is no duration: write .* 15m, 24h or 30d"):
        parse_duration(text)


@given(st.text(max_size=8))
def test_a_duration_is_read_or_refused(text: str) -> None:
    """Whatever is typed gives a number from 0 or a ValueError."""
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        return


@pytest.mark.parametrize(
    ("text", "number"),
    [("4096", 4096), ("32k", 32768), ("10M", 10485760), ("1GiB", 1073741824), ("1 kb", 1024)],
)
def test_sizes(text: str, number: int) -> None:
    """Sizes are in bytes or powers of 1024."""
    assert parse_size(text) == number


def test_no_size() -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ValueError, match=r"'lots' is no size: write .* 32k or 10M"):
        parse_size("lots")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        ("10.0.0.1:80", "10.0.0.1", 80),
        ("[::1]:443", "::1", 443),
        (":80", "0.0.0.0", 80),
        ("localhost:0", "localhost", 0),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    """A bare port means loopback; every address must be asked for."""
    assert parse_address(text) == Listener(host=host, port=port)
    assert parse_address(text, tls=True).tls


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("::1:80", "brackets"),
        ("host", "write HOST:PORT"),
        ("host:70000", "65535"),
        ("host:-1", "write HOST:PORT"),
        ("", "HOST:PORT"),
    ],
)
def test_no_addresses(text: str, said: str) -> None:
    """What is no address is refused with the form that is."""
    with pytest.raises(ValueError, match=said):
        parse_address(text)


def test_durations_are_shown_in_a_unit_that_reads_well() -> None:
    """Ages in lists are short."""
    assert [shown_duration(s) for s in (5, 300, 7200, 259200)] == ["5 s", "5 m", "2 h", "3 d"]
