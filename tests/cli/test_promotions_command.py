"""`wardgate promote`, `promotions`, `rollback`, `withdraw`, `diff` and `drift`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.e2e.second import approve_pending

from wardgate.storage.layout import database_path

OPENAPI = """
openapi: 3.1.0
info: {title: Orders, version: "1"}
paths:
  /items: {get: {responses: {default: {description: any}}}}
"""
DOCUMENT = """
apis:
  - name: orders
    version: v1
    openapi: ./orders.openapi.yaml
    upstream: {targets: ["https://orders.internal"]}
    security: {schemes: [api_key]%s}
    plans: [free]
plans:
  - {name: free, limits: [{kind: rate, amount: 100, per: minute}]}
"""
CLOSED, OPENED = DOCUMENT % "", DOCUMENT % ', resources: {"GET /items": {security: "off"}}'


@pytest.fixture
def orders(run: Run, tmp_path: Path) -> Run:
    """The same, with a closed API in development."""
    (tmp_path / "orders.openapi.yaml").write_text(OPENAPI)
    apply(run, tmp_path, CLOSED)
    return run


def apply(run: Run, folder: Path, text: str) -> None:
    (folder / "wardgate.yaml").write_text(text)
    assert run("apply", "-f", folder / "wardgate.yaml").status == 0


def test_a_revision_is_promoted_and_rolled_back(orders: Run, tmp_path: Path) -> None:
    """At once where nothing is weaker; the statuses of diff and drift follow."""
    assert orders("diff", "development", "staging").status == 2
    done = orders("promote", "orders/v1", "--to", "staging", "--reason", "first")
    assert done.status == 0
    assert done.out.splitlines()[-1].endswith("orders/v1@1, staging: done")
    assert orders("diff", "development", "staging").status == 0
    apply(orders, tmp_path, CLOSED.replace("amount: 100", "amount: 50"))
    behind = orders("drift")
    assert behind.status == 0
    assert "behind (revision 2 is next)" in behind.out
    assert orders("promote", "orders/v1@2", "--to", "staging").status == 0
    compared = orders("diff", "orders/v1@2", "orders/v1@1", "--json")
    assert compared.status == 3
    assert [each["kind"] for each in compared.json()["differences"]] == ["limit_raised"]
    assert orders("diff", "orders/v1@1", "orders/v1@2").status == 2
    assert orders("diff", "orders/v1@2", "orders/v1@staging").status == 0
    back = orders("rollback", "orders/v1", "--in", "staging", "--reason", "too tight", "--json")
    assert (back.status, back.json()["promotion"]["revision"]) == (0, 1)
    gone = orders("withdraw", "orders/v1", "--from", "staging", "--reason", "moved")
    assert gone.status == 0
    assert orders("diff", "orders/v1@2", "orders/v1@staging").status == 1


def test_what_weakens_waits(orders: Run, tmp_path: Path) -> None:
    """The status is 3, and the list and the page of the promotion say why; another person approves."""
    apply(orders, tmp_path, OPENED)
    asked = orders("promote", "orders/v1", "--to", "staging")
    assert asked.status == 3
    assert "! orders/v1 GET /items: security is switched off" in asked.out
    assert "another person approves it" in asked.err
    (listed,) = orders("promotions", "list", "--status", "pending", "--json").json()["promotions"]
    identifier = listed["id"]
    shown = orders("promotions", "show", identifier)
    assert "pending" in shown.out
    assert "! orders/v1 GET /items" in shown.out
    own = orders("promotions", "approve", identifier, "--reason", "mine", "--json")
    assert (own.status, own.error()["code"]) == (1, "second_person")
    assert approve_pending(tmp_path / "data") == [identifier]
    assert "looked at" in orders("promotions", "show", identifier).out
    assert orders("promotions", "cancel", identifier).status == 1


def test_reject_and_cancel(orders: Run, tmp_path: Path) -> None:
    """Both close it; one takes a reason."""
    apply(orders, tmp_path, OPENED)
    for command in (("reject", "--reason", "no"), ("cancel",)):
        asked = orders("promote", "orders/v1", "--to", "staging", "--json").json()
        verb, *options = command
        done = orders("promotions", verb, asked["promotion"]["id"], *options, "--json")
        assert done.status == 0
        assert done.json()["promotion"]["status"] == {"reject": "rejected", "cancel": "cancelled"}[verb]
    assert orders("promotions", "list").status == 0


def test_a_time_has_an_offset(orders: Run) -> None:
    """A schedule says which time it means, and lies ahead."""
    assert orders("promote", "orders/v1", "--to", "staging", "--at", "2030-01-01").status == 2
    past = orders("promote", "orders/v1", "--to", "staging", "--at", "2020-01-01T00:00:00+00:00", "--json")
    assert past.error()["code"] == "schedule_invalid"
    assert orders("promote", "orders/v1@x", "--to", "staging", "--json").error()["code"] == "revision_invalid"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ahead = orders("promote", "orders/v1", "--to", "staging", "--at", tomorrow, "--json")
    assert (ahead.status, ahead.json()["promotion"]["status"]) == (0, "scheduled")


def test_drift_is_found(orders: Run, tmp_path: Path) -> None:
    """What was changed behind our back is named, and the status is 1."""
    assert orders("drift", "--environment", "development").status == 0
    with closing(sqlite3.connect(database_path(tmp_path / "data"))) as connection:
        (bound,) = connection.execute("SELECT bound FROM deployments").fetchone()
        opened = json.loads(bound)
        opened["resources"][0]["schemes"] = []
        connection.execute("UPDATE deployments SET bound = ?", (json.dumps(opened),))
        connection.execute("UPDATE revisions SET note = 'another'")
        connection.commit()
    found = orders("drift", "--json")
    assert found.status == 1
    (state,) = found.json()["deployments"]
    assert {each["kind"] for each in state["drifts"]} == {"signature", "stored", "binding"}
    assert "is not what this instance signed" in orders("drift").out


def test_what_is_not_there_is_said(orders: Run) -> None:
    """Names that are none lead to an error with a remedy."""
    for arguments in (
        ("diff", "moon", "staging"),
        ("diff", "orders/v1@9", "staging"),
        ("diff", "none/v1@1", "staging"),
        ("promote", "none/v1", "--to", "staging"),
        ("promote", "orders/v1", "--to", "moon"),
        ("promotions", "show", "promo_none"),
        ("drift", "--environment", "moon"),
    ):
        result = orders(*arguments, "--json")
        assert result.status == 1, arguments
        assert result.error()["code"].endswith("_not_found"), arguments
        assert result.error()["remedy"]
