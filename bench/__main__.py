"""``python -m bench``: starts the servers, lets them take turns, prints what it measured."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from bench import cases, report
from bench.line_up import CASES, SYSTEMS, LineUp
from bench.servers import BenchError, cores, tool


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; exits with a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--json", action="store_true", help="print the figures as one JSON object on the last line"
    )
    parser.add_argument("--check", action="store_true", help="end with status 1 when a bar is missed")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each time (default 3)")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=[*SYSTEMS, *CASES],
        help=f"measure these systems or cases only; may be given again: {', '.join([*SYSTEMS, *CASES])}",
    )
    parsed = parser.parse_args(words)
    if parsed.rounds < 1 or parsed.seconds < 1:
        parser.error("--rounds and --seconds must be 1 or more")
    return parsed


def main() -> int:
    """The exit status: 0 measured, 1 a bar missed (with ``--check``), 2 not measured, 130 interrupted."""
    options = arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _bench(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _bench(options: argparse.Namespace) -> int:
    server_core, load_core = cores()
    tool("wrk")
    cache = Path(__file__).resolve().parent.parent / ".cache" / "bench"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wardgate-bench-")))
        line_up = LineUp(folder, cache, server_core, load_core, stack, _say)
        chosen = line_up.cases(set(options.only or ()))
        rounds = cases.run(chosen, options.rounds, options.seconds, load_core, _say)
    table = report.summarise(chosen, rounds)
    found = report.verdicts(rounds, table)
    print(report.render(table, found, rounds))
    if options.json:
        print(json.dumps(table))
    return 1 if options.check and not all(one.met for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
