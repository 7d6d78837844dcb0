"""The example policies, installed as a third party's package into a folder of its own and run by the real gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from examples.policies.src.wardgate_policy_examples.business_hours import DAYS, BusinessHours, Hours
from examples.policies.src.wardgate_policy_examples.require_header import RequireHeader
from hypothesis import given
from hypothesis import strategies as st
from tests.supervisor.serving import Service

from wardgate.control.document import load
from wardgate.policy.registry import PolicyConfigError, PolicyRegistry

ROOT = Path(__file__).parents[2]
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        path: {"get": {"responses": {"200": {"description": "ok"}}}}
        for path in ("/items", "/closed", "/free")
    },
}


class Upstream(BaseHTTPRequestHandler):
    """Answers 200 to every GET."""

    def do_GET(self) -> None:
        """An empty answer."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the test's output is not the place."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has built and installed the package, without the network."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--no-cache-dir", "--target", str(target)]
    done = subprocess.run(
        [*command, str(ROOT / "examples" / "policies")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def upstream() -> Iterator[str]:
    """The address of a running upstream."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def document(upstream: str, header: str, hours: str) -> str:
    """Settings with both policies in use."""
    return f"""
apis:
  - name: orders
    version: v1
    openapi: ./api.json
    upstream: {{ targets: ["{upstream}"] }}
    security:
      schemes: [api_key]
      resources:
        GET /items:
          security: off
          policies: [{{ use: example.require_header, {header} }}]
        GET /closed:
          security: off
          policies: [{{ use: example.business_hours, {hours} }}]
        GET /free: {{ security: off }}
"""


def closed_today() -> str:
    """Opening hours of the day before yesterday only, whenever the test runs."""
    day = (datetime.now(UTC) - timedelta(days=2)).weekday()
    return f'days: [{DAYS[day]}], from: "08:00", to: "09:00"'


def wardgate(folder: Path, installed: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with the package importable, or without it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if installed is not None:
        environment["PYTHONPATH"] = str(installed)
    command = [sys.executable, "-m", "wardgate.cli.main", *arguments, "--data-dir", str(folder / "data")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def written(folder: Path, text: str) -> str:
    """The name of a settings file beside its OpenAPI document."""
    (folder / "api.json").write_text(json.dumps(OPENAPI))
    (folder / "wardgate.yaml").write_text(text)
    return "wardgate.yaml"


def ask(url: str, headers: dict[str, str]) -> tuple[int, str, str | None]:
    """Status, public reason and Retry-After of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, "", None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["reason"], error.headers["Retry-After"]


def test_an_installed_policy_refuses_with_its_own_reason(
    tmp_path: Path, installed: Path, upstream: str
) -> None:
    """A package found through its entry points decides requests, and its reasons reach client, explain and log."""
    name = written(tmp_path, document(upstream, "name: X-Tenant, values: [north]", closed_today()))
    applied = wardgate(tmp_path, installed, "apply", "-f", name)
    assert applied.returncode == 0, applied.stderr
    environment = {"PYTHONPATH": str(installed)}
    with Service(tmp_path / "data", workers=1, environment=environment) as service:
        base = f"http://127.0.0.1:{service.port}/orders/v1"
        assert ask(f"{base}/items", {"X-Tenant": "north"})[0] == 200
        for headers in ({}, {"X-Tenant": "south"}):
            assert ask(f"{base}/items", headers)[:2] == (400, "example_header_missing")
        status, reason, retry = ask(f"{base}/closed", {})
        assert (status, reason) == (403, "example_closed")
        assert retry is not None
        assert 0 < int(retry) <= 7 * 86400
        assert ask(f"{base}/free", {})[0] == 200
    explained = wardgate(tmp_path, installed, "explain", "--path", "/orders/v1/items")
    assert "example_header_missing" in explained.stdout
    lines = [json.loads(line) for line in (tmp_path / "data" / "access.log").read_text().splitlines()]
    assert [(line["reason"], line["outcome"]) for line in lines[1:]] == [
        ("example_header_missing", "REQUEST_REFUSED"),
        ("example_header_missing", "REQUEST_REFUSED"),
        ("example_closed", "AUTH_FAILURE"),
        ("ok", "BACKEND_RESPONSE"),
    ]


@pytest.mark.parametrize(
    ("header", "hours", "words"),
    [
        ("nam: X", 'from: "08:00", to: "09:00"', "policies[0].nam: unknown setting 'nam'. Known settings:"),
        ("name: X", "from: 8, to: 9", "policies[0].from: 'from' must be a time of day. Write `from:"),
        (
            "name: X",
            'from: "08:00", to: "09:00", timezone: Mars',
            "policies[0].timezone: this is no time zone of the IANA database. Use a name such as",
        ),
    ],
)
def test_wrong_settings_are_refused_when_applied(
    tmp_path: Path, installed: Path, header: str, hours: str, words: str
) -> None:
    """Settings the policy objects to change nothing, and the error names file, line, place and remedy."""
    name = written(tmp_path, document("http://127.0.0.1:9", header, hours))
    applied = wardgate(tmp_path, installed, "apply", "-f", name)
    assert applied.returncode == 1
    line = 12 if header.startswith("nam:") else 15
    assert f"wardgate.yaml:{line}: apis[0].security.resources" in applied.stderr
    assert words in applied.stderr
    assert "nothing was changed" in applied.stderr
    assert not (tmp_path / "data" / "wardgate.db").exists()


def test_a_policy_that_is_not_installed_is_refused(tmp_path: Path) -> None:
    """Without the package its policy's name is an error that says what to install."""
    name = written(tmp_path, document("http://127.0.0.1:9", "name: X", closed_today()))
    applied = wardgate(tmp_path, None, "apply", "-f", name)
    assert applied.returncode == 1
    assert "unknown policy 'example.require_header'. Install the package that brings it" in applied.stderr


def test_the_package_s_own_page_shows_settings_that_load(tmp_path: Path) -> None:
    """The settings in its README are taken, each policy where it is switched on."""
    text = (ROOT / "examples" / "policies" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "wardgate.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    shutil.copy(ROOT / "examples" / "orders" / "orders.openapi.yaml", tmp_path)
    registry = PolicyRegistry([BusinessHours(), RequireHeader()])
    (entry,) = load(tmp_path / "wardgate.yaml", registry).apis
    assert [use.name for use in entry.api.policies] == ["example.require_header"]
    assert {resource.name: [use.name for use in resource.policies] for resource in entry.api.resources}[
        "POST /items"
    ] == ["example.business_hours"]


def broken(folder: Path, value: str) -> Path:
    """An installed package whose entry point leads to ``value``."""
    site = folder / "site"
    (site / "broken-1.dist-info").mkdir(parents=True)
    (site / "broken-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (site / "broken-1.dist-info" / "entry_points.txt").write_text(f"[wardgate.policies]\nbroken = {value}\n")
    return site


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("no_such_module:Policy", "No module named 'no_such_module'"),
        ("json:NoSuchPolicy", "has no attribute 'NoSuchPolicy'"),
        ("collections:OrderedDict", "it is not a Wardgate policy"),
    ],
)
def test_a_broken_package_is_named(tmp_path: Path, value: str, words: str) -> None:
    """A package that cannot be loaded is an error that names its entry point, for apply and for serve."""
    name = written(tmp_path, document("http://127.0.0.1:9", "name: X", closed_today()))
    site = broken(tmp_path, value)
    applied = wardgate(tmp_path, site, "apply", "-f", name)
    assert applied.returncode == 1
    assert f"the installed policy 'broken' ({value}) cannot be used" in applied.stderr
    assert words in applied.stderr
    assert "Traceback" not in applied.stderr
    served = wardgate(tmp_path, site, "serve", "--listen", "0", "--control", "0", "--workers", "1")
    assert served.returncode == 1
    assert f"the installed policy 'broken' ({value}) cannot be used" in served.stderr
    assert "Traceback" not in served.stderr


hours = st.builds(
    lambda days, begin, end, zone: {"days": days, "from": begin, "to": end, "timezone": zone},
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    st.times().map(lambda time: f"{time:%H:%M}"),
    st.times().map(lambda time: f"{time:%H:%M}"),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)


@given(hours, st.integers(1_600_000_000, 1_900_000_000))
def test_a_span_is_certain_until_its_end(config: dict[str, object], now: int) -> None:
    """What the policy says of a moment stays true until the end it names, which lies ahead within eight days."""
    BusinessHours().validate(config)
    spans = Hours(config)
    opened, until = spans.at(now)
    assert now < until <= now + 8 * 86400 + 3600
    assert spans.at((now + until) / 2)[0] == opened
    local = datetime.fromtimestamp(now, ZoneInfo(str(config["timezone"])))
    today = DAYS[local.weekday()] in config["days"]  # type: ignore[operator]
    if str(config["from"]) < str(config["to"]):
        assert opened == (today and str(config["from"]) <= f"{local:%H:%M}" < str(config["to"]))


@pytest.mark.parametrize("days", [[], "mon", ["monday"], [["mon"]], [{}]])
def test_days_that_are_none_are_refused(days: object) -> None:
    """Anything but a list of days is named as the setting at fault."""
    with pytest.raises(PolicyConfigError) as caught:
        BusinessHours().validate({"from": "08:00", "to": "09:00", "days": days})
    assert caught.value.path == "days"


def test_an_answer_is_computed_once_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step looks at the calendar once and again only when the span is over."""
    looked: list[float] = []
    plain = Hours.at

    def counted(self: Hours, now: float) -> tuple[bool, float]:
        looked.append(now)
        return plain(self, now)

    monkeypatch.setattr(Hours, "at", counted)
    step = BusinessHours().compile({"from": "00:00", "to": "00:00"}, None)  # type: ignore[arg-type]
    clock = Clock(time.time())
    for _ in range(3):
        assert step(clock) is None  # type: ignore[arg-type]
    assert len(looked) == 1
    clock.now += 2 * 86400
    assert step(clock) is None  # type: ignore[arg-type]
    assert len(looked) == 2


class Clock:
    """An exchange as far as the step looks at it: the wall clock."""

    def __init__(self, now: float) -> None:
        self.now = now

    @property
    def directory(self) -> Clock:
        """Where the step finds the clock."""
        return self

    def wall(self) -> float:
        """Unix seconds."""
        return self.now
