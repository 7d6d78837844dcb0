"""The README's tour, run as it stands: the same commands in one shell, and output of the form it shows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.docs.console import ROOT, run_page

README = ROOT / "README.md"


def test_every_command_of_the_tour_does_what_the_readme_shows(tmp_path: Path) -> None:
    """The tour works from its first command to its last, with the output shown (``...`` is anything)."""
    assert run_page(README, tmp_path) > 20


def test_make_commands_exist() -> None:
    """Every make target that the README names is one of the Makefile's."""
    named = set(re.findall(r"\bmake ([a-z]+)", README.read_text(encoding="utf-8")))
    assert {"run", "test", "venv", "help"} <= named
    for target in named:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
