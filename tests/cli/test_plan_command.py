"""`wardgate plan` and `apply --dry-run`: what would change, by meaning, and the exit status."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import ORDERS, Run

from wardgate.storage.layout import database_path

SAME = (ORDERS / "wardgate.yaml").read_text()


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The orders document with texts replaced."""
    text = SAME
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "orders.openapi.yaml").write_text((ORDERS / "orders.openapi.yaml").read_text())
    file = tmp_path / "edited.yaml"
    file.write_text(text)
    return file


WEAKER = ("amount: 5000, per: minute, burst: 500", "amount: 6000, per: minute, burst: 500")
STRICTER = ("amount: 5000, per: minute, burst: 500", "amount: 4000, per: minute, burst: 500")
HARMLESS = ("owner: dev@example.com", "owner: ops@example.com")


@pytest.mark.parametrize(
    ("change", "status"),
    [((), 0), ((HARMLESS,), 2), ((STRICTER,), 2), ((WEAKER,), 3), ((WEAKER, HARMLESS), 3)],
)
def test_the_status_tells_what_would_change(
    applied: Run, tmp_path: Path, change: tuple[tuple[str, str], ...], status: int
) -> None:
    """0 for nothing, 2 for a change, 3 where something is weaker; nothing is changed by asking. A dry run shows the same,
    and is done when it has."""
    file = edited(tmp_path, *change)
    result = applied("plan", "-f", file, "--json")
    assert result.status == status
    assert any(each["weakens"] for each in result.json()["differences"]) is (status == 3)
    dry = applied("apply", "--dry-run", "-f", file, "--json")
    assert (dry.status, dry.json()) == (0, result.json())
    assert applied("plan", "-f", file).status == status
    assert applied("plan", "-f", ORDERS / "wardgate.yaml").status == 0


def test_what_weakens_stands_out(applied: Run, tmp_path: Path) -> None:
    """For people, what is weaker is said in a sentence behind an exclamation mark."""
    result = applied("plan", "-f", edited(tmp_path, WEAKER))
    assert [line for line in result.out.splitlines() if line.startswith("!")] == [
        "! orders/v1 plan gold: the rate of 5000 per minute (burst 500) becomes the rate of 6000 per minute (burst 500)"
    ]
    assert "weakening security" in result.err


def test_an_error_is_1_and_no_store_is_made(run: Run, tmp_path: Path) -> None:
    """Where nothing is yet, a plan shows all of it and makes nothing; a wrong document is an error."""
    assert run("plan", "-f", ORDERS).status == 3  # GET /health is open
    assert not database_path(tmp_path / "data").exists()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("plans: 3")
    assert run("plan", "-f", wrong).status == 1
    assert run("plan", "-f", tmp_path / "none.yaml").status == 1


def test_what_another_environment_would_lose_is_seen(applied: Run, tmp_path: Path) -> None:
    """Settings of other environments in the document are compared for what they do to what is deployed there."""
    file = tmp_path / "environments.yaml"
    file.write_text("environments: [{name: staging, leaks: revoke, retention: {audit: 900}}]")
    assert applied("plan", "-f", file).status == 2
    assert applied("apply", "-f", file).status == 0
    file.write_text("environments: [{name: staging, leaks: notify}]")
    asked = applied("plan", "-f", file)
    assert asked.status == 3
    assert "a leaked key is answered by notify" in asked.out
    waiting = applied("apply", "-f", file)
    assert waiting.status == 3
    assert "waits for another person" in waiting.err
    again = applied("apply", "-f", file, "--json")
    assert (again.status, len(again.json()["waiting"])) == (3, 1)
    assert applied("plan", "-f", file).status == 3
