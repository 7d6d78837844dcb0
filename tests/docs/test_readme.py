"""The README's tour, run as it stands: the same commands in one shell, and output of the form it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.supervisor.serving import free_ports

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
#: How long one command may take.
SECONDS = 60.0


@dataclass
class Command:
    """One command of a ``console`` block: the README's line, its text, and the output shown below it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


def commands() -> list[Command]:
    """Every command of the README's ``console`` blocks, in order."""
    found: list[Command] = []
    inside, here_document = False, ""
    for number, line in enumerate(README.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif here_document:
            found[-1].text += f"\n{line}"
            here_document = "" if line == here_document else here_document
        elif inside and line.startswith("$ "):
            found.append(Command(number, line[2:]))
            match = re.search(r"<<'(\w+)'", line)
            here_document = match[1] if match else ""
        elif inside:
            found[-1].shown.append(line)
    return found


def matches(shown: list[str], output: str) -> bool:
    """Whether ``output`` reads like ``shown``, in which ``...`` stands for anything; empty lines do not count."""
    pattern = re.escape(_lines("\n".join(shown))).replace(r"\.\.\.", ".*")
    pattern = re.sub(r"(?:\\ )+", " +", pattern)
    return re.fullmatch(pattern, _lines(output), re.DOTALL) is not None


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r", "").split("\n") if line.strip())


class Shell:
    """One bash, fed a command at a time; what runs in its background ends with it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._output = folder / "output.txt"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._read = 0

    def run(self, command: str) -> str:
        """What ``command`` wrote to standard output and error."""
        assert self._process.stdin is not None
        self._process.stdin.write(f'{command}\nprintf "\\n=== $?\\n"\n'.encode())
        self._process.stdin.flush()
        deadline = time.monotonic() + SECONDS
        while True:
            text = self._output.read_text()[self._read :]
            done = re.search(r"^=== \d+\n", text, re.MULTILINE)
            if done:
                self._read += done.end()
                return text[: done.start()]
            assert self._process.poll() is None, f"the shell ended in {command!r}: {text}"
            assert time.monotonic() < deadline, f"{command!r} did not end within {SECONDS} s: {text}"
            time.sleep(0.02)

    def close(self) -> None:
        """Everything it started has ended."""
        os.killpg(self._process.pid, signal.SIGTERM)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory in which ``examples`` are what the repository's are."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def test_every_command_of_the_tour_does_what_the_readme_shows(folder: Path) -> None:
    """The tour works from its first command to its last, with the output shown (``...`` is anything)."""
    found = commands()
    assert len(found) > 20
    ports = {port: str(free) for port, free in zip(("8080", "8081", "9000"), free_ports(3), strict=True)}

    def here(text: str) -> str:
        return re.sub(r"\b(?:8080|8081|9000)\b", lambda match: ports[match[0]], text)

    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDGATE_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment |= {"COLUMNS": "120", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    shell = Shell(folder, environment)
    try:
        for command in found:
            shown = [here(line) for line in command.shown]
            output = shell.run(here(command.text))
            deadline = time.monotonic() + 20
            # Counts and log lines are written in batches: whoever types the commands is slower than that.
            while not matches(shown, output) and re.match(r"wardgate top|tail ", command.text):
                assert time.monotonic() < deadline, f"README.md:{command.line}: {command.text}\n{output}"
                output = shell.run(here(command.text))
            assert matches(shown, output), f"README.md:{command.line}: {command.text}\n{output}"
    finally:
        shell.close()


def test_make_commands_exist() -> None:
    """Every make target that the README names is one of the Makefile's."""
    named = set(re.findall(r"\bmake ([a-z]+)", README.read_text(encoding="utf-8")))
    assert {"run", "test", "venv", "help"} <= named
    for target in named:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
