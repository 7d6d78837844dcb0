"""``.ci/run`` and the Makefile's set-up, with the tools they call replaced so that no machine is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("git", "curl", "nginx", "haproxy", "wrk")


def script(path: Path, text: str) -> None:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def ci(tmp_path: Path, make: str, *, missing: str = "") -> subprocess.CompletedProcess[str]:
    """Runs ``.ci/run`` in a checkout of its own, where ``make`` is the script given and nobody is root."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        if name != missing:
            script(tools / name, "exit 0")
    script(tools / "make", f'[ "$CI" = true ] || exit 9\necho "made $1"\n{make}')
    script(tools / "id", "echo 1000")
    script(tools / "apt-get", "echo apt-get must not run; exit 100")
    (tmp_path / "checkout" / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / "checkout" / ".ci" / "run")
    path = f"{tools}:{os.environ['PATH']}"
    return subprocess.run(
        [str(tmp_path / "checkout" / ".ci" / "run")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_ci_lints_tests_and_tells_how_the_tests_ended(tmp_path: Path) -> None:
    """Both are made, nothing of their output is hidden, and pytest's closing line comes last."""
    done = ci(
        tmp_path, 'if [ "$1" = test ]; then echo "some detail"; echo "12 passed, 1 skipped in 3.21s"; fi'
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("made lint") < done.stdout.index("made test") < done.stdout.index("some detail")
    assert done.stdout.splitlines()[-1] == "--- tests: 12 passed, 1 skipped in 3.21s"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ('if [ "$1" = lint ]; then echo "E501"; exit 2; fi', "E501"),
        (
            'if [ "$1" = test ]; then echo "1 failed, 11 passed in 3s"; exit 1; fi',
            "tests: 1 failed, 11 passed in 3s",
        ),
        ('if [ "$1" = test ]; then echo "Killed"; exit 137; fi', "the tests did not run to their end"),
        ("exit 0", "the tests did not run to their end"),
    ],
)
def test_ci_fails_on_any_failure(tmp_path: Path, make: str, words: str) -> None:
    """A failure of lint or of a test, and tests that never ran, fail the run and say so."""
    done = ci(tmp_path, make)
    assert done.returncode != 0
    assert words in done.stdout


def test_ci_goes_on_without_what_it_cannot_install(tmp_path: Path) -> None:
    """A missing peer of the benchmark is named, and the rest is checked."""
    system = [Path(folder) / "wrk" for folder in os.environ["PATH"].split(":")]
    done = ci(tmp_path, 'echo "1 passed in 1s"', missing="wrk")
    assert done.returncode == 0, done.stdout + done.stderr
    if not any(path.exists() for path in system):
        assert "missing here: wrk" in done.stdout
    assert "apt-get must not run" not in done.stdout


def test_ci_names_no_registry() -> None:
    """Where packages come from is the machine's own business."""
    text = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "://" not in text


def test_a_python_that_cannot_make_environments_is_told_apart(tmp_path: Path) -> None:
    """Without ``ensurepip`` the set-up says what to install and leaves nothing half-made."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements").mkdir()
    for name in ("run.lock", "dev.lock"):
        (tmp_path / "requirements" / name).write_text("")
    script(tmp_path / "python", 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    done = subprocess.run(
        ["make", "venv", "PYTHON=./python"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "./python cannot make virtual environments" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    """The version check comes first."""
    text = (ROOT / "Makefile").read_text()
    check = next(line for line in text.splitlines() if "3, 11" in line)
    assert "Wardgate needs Python 3.11 or newer" in check
    assert text.index(check) < text.index("ensurepip")
