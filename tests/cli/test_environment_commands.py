"""``wardgate environments``, ``apis`` and ``revisions``: what the page in docs does not show."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e.stack import OPENAPI, api, command, document

from wardgate.cli.main import main
from wardgate.storage.layout import database_path


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An installation with the API ``raw/v1`` in development."""
    (tmp_path / "items.openapi.yaml").write_text(json.dumps(OPENAPI))
    (tmp_path / "wardgate.yaml").write_text(json.dumps(document([api("raw", ["http://127.0.0.1:9"])])))
    command("apply", "-f", str(tmp_path / "wardgate.yaml"), "--data-dir", str(tmp_path / "data"))
    return tmp_path / "data"


def run(data_dir: Path, *words: str) -> dict[str, object]:
    """What a command prints with --json."""
    found: dict[str, object] = json.loads(command(*words, "--data-dir", str(data_dir), "--json"))
    return found


def test_the_list_of_environments_is_kept(data_dir: Path) -> None:
    """Added, ordered, marked, set and removed."""
    run(data_dir, "environments", "add", "quality", "--tag", "qa")
    run(data_dir, "environments", "order", "development", "quality", "staging", "production")
    assert (
        run(data_dir, "environments", "set", "quality", "--host", "qa.example.com", "--leaks", "revoke")[
            "leaks"
        ]
        == "revoke"
    )
    assert run(data_dir, "environments", "show", "quality")["hosts"] == ["qa.example.com"]
    assert "qa.example.com" in command("environments", "show", "quality", "--data-dir", str(data_dir))
    assert run(data_dir, "environments", "production", "staging")["production"] is True
    run(data_dir, "environments", "remove", "quality")
    shown = command("environments", "list", "--data-dir", str(data_dir))
    assert [line.split()[0] for line in shown.splitlines()] == [
        "NAME",
        "development",
        "staging",
        "production",
    ]


def test_variables_are_set_and_unset(data_dir: Path) -> None:
    """A value may begin with a hyphen."""
    assert run(data_dir, "environments", "variable", "set", "staging", "X", "-1")["value"] == "-1"
    assert run(data_dir, "environments", "variable", "set", "staging", "X", "2")["value"] == "2"
    run(data_dir, "environments", "variable", "unset", "staging", "X")
    assert run(data_dir, "environments", "show", "staging")["variables"] == {}


def test_apis_are_described_and_ended(data_dir: Path) -> None:
    """Tags and contact; published again, retired by force."""
    found = run(data_dir, "apis", "describe", "raw/v1", "--tag", "a", "--tag", "b", "--contact", "ops")
    assert (found["tags"], found["contact"]) == (["a", "b"], "ops")
    assert run(data_dir, "apis", "retire", "raw/v1", "--force")["lifecycle"] == "retired"
    assert run(data_dir, "apis", "publish", "raw/v1", "--force")["lifecycle"] == "published"
    assert "development 1" in command("apis", "list", "--data-dir", str(data_dir))
    assert "raw/v1" in command("revisions", "show", "raw/v1", "1", "--data-dir", str(data_dir))


def test_a_revision_that_was_tampered_with_ends_with_status_1(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verifying says which, and what of it."""
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.execute("UPDATE revisions SET note = 'nothing'")
    assert main(["revisions", "verify", "--data-dir", str(data_dir)]) == 1
    assert "raw/v1 1: its signature is not what it was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("apis", "show", "raw"), "'raw' is no API"),
        (("apis", "deprecate", "raw/v1", "--sunset", "soon"), "'soon' is no time"),
        (("apis", "describe", "raw/v1", "--visibility", "all"), "'all' is nobody"),
        (("environments", "set", "staging", "--leaks", "ignore"), "'ignore' is no such policy"),
        (("environments", "remove", "development"), "holds 1 deployment"),
    ],
)
def test_what_cannot_be_is_told(
    data_dir: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    """The error names what is wrong."""
    assert main([*words, "--data-dir", str(data_dir)]) == 1
    assert says in capsys.readouterr().err


def test_limits_and_retention_of_an_environment_are_set_by_command(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not named stays; `default` gives a plan its own limits back; what cannot be is told."""

    def run(*words: str) -> int:
        return main(["environments", *words, "--data-dir", str(data_dir)])

    assert run("set", "development", "--plan", "free=rate 9/hour", "--plan", "free=concurrency 2") == 0
    assert run("set", "development", "--plan", "gold=none", "--retain-audit", "400") == 0
    capsys.readouterr()
    assert run("show", "development") == 0
    shown = capsys.readouterr().out
    assert "free: rate 9/hour; concurrency 2, gold: -" in shown
    assert "90 days of figures, 400 of the trail" in shown
    assert run("set", "development", "--plan", "free=default") == 0
    capsys.readouterr()
    assert run("show", "development") == 0
    assert "free" not in capsys.readouterr().out
    for wrong, says in (
        (("--plan", "free"), "'free' names no plan with limits"),
        (("--plan", "free=fast"), "'fast' is no limit"),
        (("--plan", "free=none", "--plan", "free=rate 1/day"), "free is given none and rate 1/day"),
    ):
        assert run("set", "development", *wrong) == 1
        assert says in capsys.readouterr().err
