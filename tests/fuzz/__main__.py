"""``python -m tests.fuzz [seconds]``: coverage-guided fuzzing of the request path's parsers with atheris.

The seconds (default 300) are shared among the targets, each of which runs in a process of its own, as libFuzzer never
returns. A finding ends the run with status 1 and prints the input that reproduces it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import SEEDS, TARGETS


def main(arguments: list[str]) -> int:
    """Runs every target; the exit status."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("seconds", nargs="?", type=float, default=300.0)
    options.add_argument("--target", choices=sorted(TARGETS), action="append")
    chosen = options.parse_args(arguments)
    names = chosen.target or sorted(TARGETS)
    failed = [name for name in names if not _run(name, max(1, round(chosen.seconds / len(names))))]
    print(f"fuzz: {len(names) - len(failed)} of {len(names)} targets without a finding")
    return 1 if failed else 0


def _run(name: str, seconds: int) -> bool:
    """Fuzzes one target for ``seconds``; whether nothing was found."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(SEEDS[name]):
            (corpus / str(number)).write_bytes(seed)
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.targets",
            name,
            f"-max_total_time={seconds}",
            "-max_len=600",
            "-print_final_stats=1",
            f"-artifact_prefix={folder}/",
            str(corpus),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        runs = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(
            f"fuzz {name}: {runs[0].split()[-1] if runs else '?'} inputs in {seconds} s, status {done.returncode}"
        )
        if done.returncode == 0 and runs:
            return True
        print(done.stdout[-2000:] + done.stderr[-4000:])
        for artifact in Path(folder).glob("crash-*"):
            print(f"reproduce with: {artifact.read_bytes()!r}")
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
