"""``examples/ci``: the workflow's own steps, run against a real service by a service account's token."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.e2e.second import approve_pending
from tests.e2e.stack import command
from tests.supervisor.serving import Service

from wardgate.cli.main import main

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "examples" / "ci" / "deploy.yaml"
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
    openapi: ./specs/orders.openapi.yaml
    upstream: {targets: ["https://orders.internal"]}
    security: {schemes: [api_key]}
    plans: [free]
plans:
  - {name: free, limits: [{kind: rate, amount: 100, per: minute}]}
"""


@dataclass
class Runner:
    """Runs the workflow's steps as its runner does: bash, stopping at the first failure."""

    folder: Path
    server: str
    token: str

    def __post_init__(self) -> None:
        self.output = self.folder / "output"

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """One step; what it wrote to ``GITHUB_OUTPUT`` stays in ``output``."""
        workflow = yaml.safe_load(WORKFLOW.read_text())
        (text,) = [each["run"] for each in workflow["jobs"]["deploy"]["steps"] if each.get("name") == name]
        self.output.write_text("")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WARDGATE_")}
        environment |= {
            **{
                key: self.token if "secrets." in value else self.server
                for key, value in workflow["env"].items()
            },
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_SHA": "0123456789abcdef",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def runner(tmp_path: Path, data_dir: Path) -> Iterator[Runner]:
    """A checkout, a running service, and the token that the workflow's comment makes."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "orders.openapi.yaml").write_text(OPENAPI)
    (tmp_path / "wardgate.yaml").write_text(DOCUMENT)
    with Service(data_dir, workers=1) as service:
        lines = re.sub(r" \\\n#\s*", " ", WORKFLOW.read_text())
        made = ""
        for line in re.findall(r"^#   wardgate (.*)$", lines, re.MULTILINE):
            made = command(*shlex.split(line), "--data-dir", str(data_dir))
        token = made.strip().splitlines()[0]
        yield Runner(tmp_path, f"http://127.0.0.1:{service.control}", token)


def test_the_workflow_plans_applies_and_promotes(runner: Runner, data_dir: Path) -> None:
    """A change goes to development and on to staging; one that weakens is announced, and waits there."""
    plan = runner.step("Plan")
    assert (plan.returncode, runner.output.read_text()) == (0, "status=2\n"), plan.stderr
    assert "+ api orders/v1" in plan.stdout
    applied = runner.step("Apply")
    assert applied.returncode == 0, applied.stderr
    promoted = runner.step("Promote")
    assert promoted.returncode == 0, promoted.stderr
    assert "orders/v1@1, staging: done" in promoted.stdout
    assert runner.step("Plan").returncode == 0
    assert runner.output.read_text() == "status=0\n"

    (runner.folder / "wardgate.yaml").write_text(DOCUMENT.replace("amount: 100", "amount: 200"))
    weaker = runner.step("Plan")
    assert (weaker.returncode, runner.output.read_text()) == (0, "status=3\n")
    assert "::warning::" in weaker.stdout
    assert runner.step("Apply").returncode == 0
    waiting = runner.step("Promote")
    assert waiting.returncode == 0, waiting.stderr
    assert "orders/v1@2, staging: pending" in waiting.stdout
    (pending,) = re.findall(r"(promo_\w+): orders/v1@2", waiting.stdout)
    own = refusal("promotions", "approve", pending, "--reason", "mine", "--json", "--data-dir", str(data_dir))
    assert own["code"] == "second_person"
    assert "issued no access token" in own["remedy"]
    assert len(approve_pending(data_dir)) == 1
    found = json.loads(command("promotions", "list", "--json", "--data-dir", str(data_dir)))["promotions"]
    assert {each["requested_by"] for each in found} == {"service ci"}
    assert [each["status"] for each in found] == ["done", "done"]


def refusal(*arguments: str) -> dict[str, str]:
    """The error of a command here that is refused: whoever works here issued the token."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        assert main(list(arguments)) == 1
    error: dict[str, str] = json.loads(errors.getvalue())["error"]
    return error


def test_an_error_stops_the_workflow(runner: Runner) -> None:
    """A document that is wrong fails the plan, naming the line."""
    (runner.folder / "wardgate.yaml").write_text(DOCUMENT.replace("plans: [free]", "plans: [none]"))
    plan = runner.step("Plan")
    assert plan.returncode != 0
    assert "wardgate.yaml:8" in plan.stderr
