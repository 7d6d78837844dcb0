"""The cases: which system is sent what, and the rounds in which they take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.accounting import cpu_by_process, resident_megabytes
from bench.load import Shot, fire
from bench.servers import BenchError, Server

#: Seconds of load before the first measured round of a case: connections open, caches and leases fill. It lasts longer
#: where by then not each of the requests that a case rotates through was sent once.
WARM_SECONDS = 1
_LONGEST_WARM = 30
REFERENCE = "nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measurement: a shot at one port of a running server. ``compare`` is the reference's case for the ratio."""

    system: str
    name: str
    server: Server
    port: int
    shot: Shot
    tls: bool = False
    compare: str = "full"
    #: A part of a command line: the resident memory of that process is reported.
    memory_of: str | None = None
    #: How many different requests the shot sends in turn.
    rotates: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One case in one round. ``parts`` is CPU in microseconds per request by process."""

    rps: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    parts: Mapping[str, float]
    rss_mb: float | None = None


Key = tuple[str, str]


def run(
    cases: Sequence[Case], rounds: int, seconds: float, core: int, say: Callable[[str], None]
) -> list[dict[Key, Sample]]:
    """Every case once per round, one after the other, so that a slow minute of the machine meets all alike."""
    for case in cases:
        say(f"warming {case.system} {case.name}")
        warm(case, core)
    results = []
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        results.append({(case.system, case.name): measure(case, seconds, core) for case in cases})
    return results


def warm(case: Case, core: int) -> None:
    """Afterwards the server has met every request of the case, each round of which begins with the same one."""
    seconds = WARM_SECONDS
    while fire(case.shot, case.port, seconds, core, case.tls).requests < case.rotates:
        if seconds >= _LONGEST_WARM:
            raise BenchError(
                f"{case.system} {case.name}: {case.rotates} requests take over {seconds} seconds"
            )
        seconds *= 2


def measure(case: Case, seconds: float, core: int) -> Sample:
    """One case, once.

    Raises:
        BenchError: a process of the server ended or began meanwhile, so its CPU time cannot be told.
    """
    processes = case.server.processes()
    before = cpu_by_process(processes)
    volley = fire(case.shot, case.port, seconds, core, case.tls)
    # Counters are flushed once a second: their cost belongs to the requests they count.
    time.sleep(0.2)
    after = cpu_by_process(processes)
    if set(case.server.processes()) != set(processes):
        raise BenchError(
            f"{case.system}: a process ended or began during {case.name}:\n{case.server.output()}"
        )
    parts: dict[str, float] = {}
    for pid, command in processes.items():
        name = process_name(command)
        parts[name] = parts.get(name, 0.0) + (after[pid] - before[pid]) / volley.requests * 1e6
    return Sample(
        rps=volley.requests / volley.seconds,
        cpu_us=sum(parts.values()),
        p50_ms=volley.p50_ms,
        p99_ms=volley.p99_ms,
        parts=parts,
        rss_mb=memory(processes, case.memory_of),
    )


def memory(processes: Mapping[int, str], part: str | None) -> float | None:
    """The resident memory of the largest process whose command line holds ``part``."""
    if part is None:
        return None
    return max(
        (resident_megabytes(pid) for pid, command in processes.items() if part in command), default=None
    )


def process_name(command: str) -> str:
    """A short name for the report: the Python module of ``-m``, or the program."""
    words = command.split()
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1].removeprefix("wardgate.")
    return words[0].rstrip(":").rpartition("/")[2] if words else "ended"
