"""The lines of the access log: their fields, their escaping, and what never stands in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardgate.domain import apikey, tokenform
from wardgate.telemetry.access_log import BATCH_LINES, AccessLog, query_names

WALL = 1_800_000_000.25
REQUEST: dict[str, Any] = {
    "request_id": "4f2a",
    "client": "192.0.2.1",
    "method": "GET",
    "host": "api.example.com",
    "path": "/orders/v1/items/7",
    "query": "",
    "api": "orders/v1",
    "resource": "GET /items/{id}",
    "application": "mobile",
    "credential": "cred-1",
    "status": 200,
    "reason": "ok",
    "bytes_in": 12,
    "bytes_out": 345,
    "seconds": 0.0125,
    "upstream": "http://127.0.0.1:9000",
    "upstream_seconds": 0.011,
    "retries": 1,
    "oauth_client": "client-1",
    "subject": "user-1",
}


def logged(path: Path, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """What the log at ``path`` holds after the given requests, each REQUEST with changes."""
    log = AccessLog(str(path), "development", lambda: WALL)
    for changes in requests:
        log.write(*{**REQUEST, **changes}.values())
    log.close()
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_a_line_holds_every_field(tmp_path: Path) -> None:
    """One request is one JSON line with all that is known of it."""
    assert logged(tmp_path / "access.log", {"query": "page=2&sort=name"}) == [
        {
            "time": "2027-01-15T08:00:00.250Z",
            "request_id": "4f2a",
            "client": "192.0.2.1",
            "host": "api.example.com",
            "path": "/orders/v1/items/7",
            "query": ["page", "sort"],
            "credential": "cred-1",
            "oauth_client": "client-1",
            "subject": "user-1",
            "environment": "development",
            "method": "GET",
            "api": "orders/v1",
            "resource": "GET /items/{id}",
            "application": "mobile",
            "status": 200,
            "reason": "ok",
            "outcome": "BACKEND_RESPONSE",
            "upstream": "http://127.0.0.1:9000",
            "bytes_in": 12,
            "bytes_out": 345,
            "duration_ms": 12.5,
            "upstream_ms": 11.0,
            "retries": 1,
        }
    ]


def test_lines_leave_when_a_batch_is_full(tmp_path: Path) -> None:
    """A full batch is written without waiting for the next flush."""
    path = tmp_path / "access.log"
    assert len(logged(path, *[{"status": 200 + number % 2} for number in range(BATCH_LINES * 2 + 5)])) == 325


#: Any text, and what undecodable bytes become (``surrogateescape``).
TEXT = st.text(
    st.characters(codec="utf-8") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=40
)
HOSTILE: tuple[str, ...] = (
    "request_id",
    "client",
    "method",
    "host",
    "path",
    "resource",
    "credential",
    "reason",
    "upstream",
)
HOSTILE += ("oauth_client", "subject")


@given(
    values=st.fixed_dictionaries(dict.fromkeys(HOSTILE, TEXT)),
    status=st.integers(100, 999),
    seconds=st.floats(0, 1e6),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_hostile_line_parses_back_and_equals(
    tmp_path: Path, values: dict[str, str], status: int, seconds: float
) -> None:
    """Whatever text a client, host or upstream sends, one line is one object with that text."""
    path = tmp_path / f"{secrets.token_hex(8)}.log"
    (line,) = logged(path, {**values, "status": status, "seconds": seconds})
    assert {name: line[name] for name in values} == values
    assert line["status"] == status
    assert line["duration_ms"] == pytest.approx(seconds * 1000, abs=0.001)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", '""'),
        ("a=secret&b=2", '"a","b"'),
        ("verbose", '"verbose"'),
        ("a%20b=1&c+d=2", '"a b","c d"'),
        ("a=1=wg_dev_x&a=2", '"a","a"'),
        ("ya29.a0AfH6SMBxxxxxxxxxxxxxxxxxxxxxxxx", '"ya29[redacted]"'),
        ("n" * 65 + "=1", '"nnnn[redacted]"'),
        ("%22quote=1", '"\\"quote"'),
    ],
)
def test_of_a_query_only_names_are_logged(query: str, names: str) -> None:
    """Values never stand in the log, and neither does a nameless parameter that may be a token."""
    assert query_names(query) == names


def test_a_long_query_is_cut() -> None:
    """A thousand parameters make no line of a thousand names."""
    assert len(json.loads(f"[{query_names('&'.join('abc' for _ in range(1000)))}]")) == 32


SECRETS: dict[str, Callable[[], str]] = {
    "key": lambda: apikey.generate("dev", secrets.token_bytes),
    "opaque token": lambda: tokenform.new_secret("at", secrets.token_bytes),
    "refresh token": lambda: tokenform.new_secret("rt", secrets.token_bytes),
    "signed token": lambda: f"eyJhbGciOiJFUzI1NiJ9.eyJ{secrets.token_hex(20)}.{secrets.token_hex(32)}",
}


@pytest.mark.parametrize(
    "place", ["path", "host", "query name", "query value", "encoded query name", "bare query"]
)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_key_never_stands_in_the_log(tmp_path: Path, place: str, kind: str) -> None:
    """Wherever a client puts a key or a token by mistake, the log shows what kind it is at most."""
    key = SECRETS[kind]()
    encoded = "".join(f"%{byte:02X}" for byte in key.encode())
    changes = {
        "path": {"path": f"/orders/v1/{key}/x"},
        "host": {"host": f"{key}.example.com"},
        "query name": {"query": f"{key}=1"},
        "query value": {"query": f"api_key={key}"},
        "encoded query name": {"query": f"{encoded}=1"},
        "bare query": {"query": key},
    }[place]
    path = tmp_path / "access.log"
    logged(path, changes)
    secret = key[key.index("_", 3) + 1 :] if kind != "signed token" else key[40:]
    assert secret[4:20] not in path.read_text()


def test_a_log_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A wrong path fails at start and names the file."""
    with pytest.raises(OSError, match=r"missing/access\.log"):
        AccessLog(str(tmp_path / "missing" / "access.log"))
