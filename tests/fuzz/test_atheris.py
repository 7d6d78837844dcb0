"""A short coverage-guided run of every target; `make fuzz` runs them for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 only")

_ROOT = Path(__file__).resolve().parents[2]


def test_no_target_finds_anything_in_a_few_seconds() -> None:
    """Requests, responses, chunked bodies and paths: no input breaks an invariant or crashes a parser."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "8"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("status 0") == 4
