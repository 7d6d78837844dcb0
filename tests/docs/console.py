"""Runs a page's ``console`` blocks in one shell, as a reader would type them, and compares what they print."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.supervisor.serving import free_ports

ROOT = Path(__file__).parents[2]
#: How long one command may take.
SECONDS = 60.0
#: The ports pages use; each run has others.
PORTS = ("8080", "8081", "9000")


@dataclass
class Command:
    """One command of a ``console`` block: the page's line, its text, and the output shown below it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


def commands(page: Path) -> list[Command]:
    """Every command of the page's ``console`` blocks, in order."""
    found: list[Command] = []
    inside, here_document = False, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif here_document:
            found[-1].text += f"\n{line}"
            here_document = "" if line == here_document else here_document
        elif inside and line.startswith("$ "):
            found.append(Command(number, line[2:]))
            match = re.search(r"<<'(\w+)'", line)
            here_document = match[1] if match else ""
        elif inside and found[-1].text.endswith("\\"):
            found[-1].text += f"\n{line}"
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


def run_page(
    page: Path, folder: Path, person: Callable[[Shell, str], str] | None = None, *, before: str = "true"
) -> int:
    """Runs the page's commands in ``folder``, in which ``examples`` are the repository's; how many there were.

    ``before`` makes what the page takes for granted. Afterwards each printed what the page shows. A command that is a
    comment (``# ann ...``) is what a person does at a browser: ``person`` does it, and what it returns is run instead.
    """
    found = commands(page)
    ports = {port: str(free) for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True)}

    def here(text: str) -> str:
        return re.sub(rf"\b(?:{'|'.join(PORTS)})\b", lambda match: ports[match[0]], text)

    (folder / "examples").symlink_to(ROOT / "examples")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WARDGATE_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment |= {"COLUMNS": "120", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    shell = Shell(folder, environment)
    try:
        shell.run(before)
        for command in found:
            text, shown = here(command.text), [here(line) for line in command.shown]
            if text.startswith("# "):
                assert person is not None, f"{page.name}:{command.line}: nobody is there to do it"
                text = person(shell, text)
            output = shell.run(text)
            deadline = time.monotonic() + 20
            # Counts and log lines are written in batches: whoever types the commands is slower than that.
            while not matches(shown, output) and re.match(r"wardgate top|tail ", command.text):
                assert time.monotonic() < deadline, f"{page.name}:{command.line}: {command.text}\n{output}"
                output = shell.run(text)
            assert matches(shown, output), f"{page.name}:{command.line}: {command.text}\n{output}"
    finally:
        shell.close()
    return len(found)
