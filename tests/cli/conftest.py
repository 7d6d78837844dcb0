"""A command line that runs in this process, against a store of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wardgate.cli import main as cli

ORDERS = Path(__file__).parents[2] / "examples" / "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command line ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def error(self) -> Any:
        """The error on standard error as JSON."""
        return json.loads(self.err)["error"]


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line on the store of this test."""
    monkeypatch.setenv("WARDGATE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run_one(*arguments: object) -> Result:
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(status=status, out=captured.out, err=captured.err)

    return run_one


@pytest.fixture(scope="session")
def orders_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the orders example applied, to be copied: making one takes longer than most tests."""
    data_dir = tmp_path_factory.mktemp("orders") / "data"
    assert cli.main(["apply", "-f", str(ORDERS / "wardgate.yaml"), "--data-dir", str(data_dir)]) == 0
    return data_dir


@pytest.fixture
def applied(run: Run, orders_data_dir: Path, tmp_path: Path) -> Run:
    """The same, with the orders example applied."""
    shutil.copytree(orders_data_dir, tmp_path / "data")
    return run
