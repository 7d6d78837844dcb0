"""``python -m bench.oauth``: what OAuth 2.0 costs, at the authorization server and at the gateway.

The server's cases are grants per second of CPU time of every Wardgate process together; the gateway's are CPU time per
request beside that of an API key in the same round.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import build, peers
from bench.accounting import cpu_by_process
from bench.cases import process_name
from bench.load import fire
from bench.oauth_line_up import Line, provider_line, start
from bench.servers import BenchError, cores, tool

#: What a second of CPU time must at least answer, and what a token may cost beside a key.
GRANTS_BAR = 2000.0
CACHED_BAR = 1.1
_WARM_SECONDS = 1.0
_KEY = "api_key"

Rounds = list[dict[str, "Sample"]]


class Sample:
    """One case in one round: answers per second of time and of CPU, and its CPU microseconds by process."""

    def __init__(self, rps: float, cpu_us: float, p99_ms: float, parts: dict[str, float]) -> None:
        self.rps = rps
        self.cpu_us = cpu_us
        self.p99_ms = p99_ms
        self.parts = parts


def measure(line: Line, seconds: float, core: int) -> Sample:
    """One case, once. ``line.requests`` requests are one unit of what it counts.

    Raises:
        BenchError: an answer was not what the case is about, or a process ended or began meanwhile.
    """
    shot = line.shot()
    processes = line.server.processes()
    before = cpu_by_process(processes)
    volley = fire(shot, line.port, seconds, core)
    after = cpu_by_process(processes)
    if set(line.server.processes()) != set(processes):
        raise BenchError(f"a process ended or began during {line.name}:\n{line.server.output()}")
    units = volley.requests / line.requests
    parts: dict[str, float] = {}
    for pid, command in processes.items():
        name = process_name(command)
        parts[name] = parts.get(name, 0.0) + (after[pid] - before[pid]) / units * 1e6
    return Sample(units / volley.seconds, sum(parts.values()), volley.p99_ms, parts)


def run(lines: Sequence[Line], rounds: int, seconds: float, core: int) -> Rounds:
    """Every case once per round, one after the other."""
    for line in lines:
        _say(f"warming {line.name}")
        fire(line.shot(), line.port, _WARM_SECONDS, core)
    found: Rounds = []
    for number in range(1, rounds + 1):
        _say(f"round {number} of {rounds}")
        found.append({line.name: measure(line, min(seconds, line.longest), core) for line in lines})
    return found


def summarise(lines: Sequence[Line], rounds: Rounds) -> dict[str, dict[str, float]]:
    """Medians by case; ``ratio`` is the CPU time beside an API key's in the same round."""
    table: dict[str, dict[str, float]] = {}
    for line in lines:
        samples = [each[line.name] for each in rounds]
        figures = {
            "per_second": round(median(sample.rps for sample in samples)),
            "cpu_us": round(median(sample.cpu_us for sample in samples), 1),
            "per_cpu_second": round(median(1e6 / sample.cpu_us for sample in samples)),
            "p99_ms": round(median(sample.p99_ms for sample in samples), 2),
        }
        if line.beside_key and all(_KEY in each for each in rounds):
            figures["ratio"] = round(median(each[line.name].cpu_us / each[_KEY].cpu_us for each in rounds), 3)
        table[line.name] = figures
    return table


def render(table: dict[str, dict[str, float]], rounds: Rounds) -> str:
    """The report for people, with the bars."""
    lines = [f"{'case':<28} {'per s':>8} {'CPU us':>8} {'per CPU s':>10} {'to a key':>9} {'p99 ms':>8}"]
    for name, figures in table.items():
        ratio = f"{figures['ratio']:.2f}" if "ratio" in figures else "-"
        lines.append(
            f"{name:<28} {figures['per_second']:>8.0f} {figures['cpu_us']:>8.1f} {figures['per_cpu_second']:>10.0f} "
            f"{ratio:>9} {figures['p99_ms']:>8.2f}"
        )
    lines += ["", "CPU us by process:"]
    for name in table:
        shares = {part for each in rounds for part in each[name].parts}
        text = ", ".join(
            f"{part} {median(each[name].parts.get(part, 0.0) for each in rounds):.1f}"
            for part in sorted(shares)
        )
        lines.append(f"  {name:<26} {text}")
    lines += ["", *(f"{'pass' if met else 'FAIL'}  {text}" for text, met in verdicts(table))]
    return "\n".join(lines)


def verdicts(table: dict[str, dict[str, float]]) -> list[tuple[str, bool]]:
    """Every bar whose case was measured, and whether it is met."""
    found = []
    grants = table.get("client_credentials", {}).get("per_cpu_second")
    if grants is not None:
        found.append(
            (
                f"client-credentials grants per CPU second {grants:.0f} (bar {GRANTS_BAR:.0f})",
                grants >= GRANTS_BAR,
            )
        )
    cached = table.get("jwt_cached", {}).get("ratio")
    if cached is not None:
        found.append(
            (f"a cached JWT beside an API key {cached:.2f} (bar {CACHED_BAR})", cached <= CACHED_BAR)
        )
    return found


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _bench(options: argparse.Namespace) -> int:
    server_core, load_core = cores()
    tool("wrk")
    cache = Path(__file__).resolve().parent.parent / ".cache" / "bench"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wardgate-bench-")))
        identity = peers.make_identity(folder)
        _say("building the compiled wheel")
        lines = start(folder, identity, server_core, load_core, build.compiled(cache), stack)
        provider = provider_line(folder, server_core, stack)
        lines += [provider] if provider is not None else []
        chosen = [
            line for line in lines if not options.only or line.name in options.only or line.name == _KEY
        ]
        rounds = run(chosen, options.rounds, options.seconds, load_core)
    table = summarise(chosen, rounds)
    print(render(table, rounds))
    if options.json:
        print(json.dumps(table))
    return 1 if options.check and not all(met for _, met in verdicts(table)) else 0


def main() -> int:
    """The exit status: 0 measured, 1 a bar missed (with ``--check``), 2 not measured, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench.oauth", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--check", action="store_true", help="end with status 1 when a bar is missed")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each time (default 3)")
    parser.add_argument("--only", action="append", metavar="CASE", help="only this case; may be given again")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _bench(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
