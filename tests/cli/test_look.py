"""``wardgate explain``, ``top``, ``version`` and the command line as a whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.telemetry.rows import flat

from wardgate.storage.layout import database_path
from wardgate.storage.ledger import Ledger
from wardgate.telemetry.latency import BUCKETS
from wardgate.telemetry.rollups import Rollup


def test_explain_shows_the_steps_and_the_verdict(applied: Run) -> None:
    """A request that would be forwarded has status 0, one that would be refused 1 with its reason; no key is shown."""
    key = applied("keys", "issue", "mobile").out.strip()
    good = applied("explain", "--method", "GET", "--path", "/orders/v1/items/7", "--key", key)
    assert good.status == 0
    assert good.out.splitlines()[-1] == "forwarded to http://127.0.0.1:9000/items/7"
    assert [line.split()[1] for line in good.out.splitlines()[1:-2]] == [
        "parse",
        "match",
        "credentials",
        "tls_required",
        "api_key",
        "subscription",
        "limits",
    ]
    assert key not in good.out
    bare = applied("explain", "--path", "/orders/v1/items/7")
    assert (bare.status, bare.out.splitlines()[-1]) == (1, "refused with 401: credential_missing")
    plain = applied(
        "explain",
        "--path",
        "/orders/v1/items/7",
        "--header",
        f"X-API-Key: {key}",
        "--plain",
        "--address",
        "192.0.2.1",
    )
    assert plain.out.splitlines()[-1] == "refused with 403: credential_over_plain_http"


def test_explain_knows_what_the_gateway_serves_itself(applied: Run, tmp_path: Path) -> None:
    """Paths of the authorization server are nobody's API, and a token endpoint elsewhere is named without its query."""
    found = applied("explain", "--method", "POST", "--path", "/oauth2/token", "--json").json()
    assert (found["verdict"], found["api"]) == ("forwarded", "wardgate:oauth2/v1")
    assert found["upstream"] == "the authorization server of this installation"
    file = tmp_path / "server.yaml"
    file.write_text('authorization_server: { token_endpoint: "https://id.example.com/token?p=secret" }\n')
    applied("apply", "-f", str(file))
    found = applied("explain", "--method", "POST", "--path", "/oauth2/token", "--json").json()
    assert (found["api"], found["upstream"]) == ("wardgate:token/v1", "https://id.example.com/token")


def test_explain_as_json(applied: Run) -> None:
    """The shape is stable: the verdict and the steps that led to it."""
    found = applied("explain", "--path", "/orders/v1/nothing", "--json").json()
    assert set(found) == {
        "verdict",
        "status",
        "reason",
        "api",
        "resource",
        "application",
        "upstream",
        "steps",
    }
    assert (found["verdict"], found["status"], found["reason"], found["api"]) == (
        "refused",
        404,
        "resource_not_found",
        "orders/v1",
    )
    assert [set(step) for step in found["steps"]] == [{"phase", "step", "outcome", "why"}] * 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--header", "nothing"], "header_invalid"),
        (["--address", "somewhere"], "address_invalid"),
        (["--environment", "moon"], "environment_not_found"),
    ],
)
def test_explain_refuses_what_is_no_request(applied: Run, options: list[str], code: str) -> None:
    """Options that make no sense are refused by name."""
    result = applied("explain", "--path", "/", "--json", *options)
    assert (result.status, result.error()["code"]) == (1, code)


def test_top_shows_resources_and_callers(applied: Run, tmp_path: Path) -> None:
    """What carried most requests comes first; an idle installation shows none."""
    assert applied("top", "--json").json()["resources"] == []
    application = applied("apps", "list", "--json").json()["applications"][0]["id"]
    ledger = Ledger(database_path(tmp_path / "data"))
    minute = int(time.time()) // 60 * 60
    rows = [
        _row(minute, "GET /items", application, 200, "ok", 90),
        _row(minute, "GET /items", "", 401, "key_unknown", 10),
    ]
    ledger.write([*rows, _row(minute, "GET /health", "", 200, "ok", 5)], [], [])
    ledger.close()
    found = applied("top", "--json").json()
    assert set(found) == {"environment", "seconds", "resources", "applications"}
    assert [(line["name"], line["requests"], line["errors"]) for line in found["resources"]] == [
        ("GET /items", 100, 10),
        ("GET /health", 5, 0),
    ]
    assert [(line["name"], line["requests"]) for line in found["applications"]] == [
        ("mobile", 90),
        ("(anonymous)", 15),
    ]
    shown = applied("top", "--once").out
    assert "orders/v1 GET /items" in shown
    assert "mobile" in shown
    assert applied("top", "--minutes", "0").status == 1
    assert "There is no environment" in applied("top", "--once", "--environment", "moon").err


def _row(minute: int, resource: str, application: str, status: int, reason: str, count: int) -> Rollup:
    named = {
        "minute": minute,
        "environment": "development",
        "api": "orders/v1",
        "resource": resource,
        "application": application,
        "status": status,
        "reason": reason,
        "count": count,
        "bytes_in": 0,
        "bytes_out": 100 * count,
        "seconds": 0.001 * count,
        "buckets": [count] + [0] * (BUCKETS - 1),
    }
    return flat(named)


def test_version(run: Run) -> None:
    """The version is told, for people and for programs."""
    assert run("version").out.startswith("wardgate 0.")
    assert set(run("version", "--json").json()) == {"version", "python"}


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    """`wardgate --help` stays quick: no SQLAlchemy, Starlette or cryptography is imported for it."""
    script = (
        "import sys\nfrom wardgate.cli.main import main\nstatus = main(['--help'])\n"
        "heavy = {'sqlalchemy', 'starlette', 'uvicorn', 'uvloop', 'cryptography', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("serve", "apply", "export", "import", "keys", "apps", "explain", "top", "version"):
        assert f" {command} " in done.stdout


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    """Status 2 and the name that was not understood."""
    result = run("sreve")
    assert result.status == 2
    assert "sreve" in result.err
