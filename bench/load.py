"""Load from wrk: one thread, 64 kept connections, on the core the server does not have."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import BenchError, tool

CONNECTIONS = 64
_LUA = Path(__file__).parent / "lua"
_MARK = "BENCH "


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What is sent: one request over and over, or what ``script`` (in ``bench/lua``) makes, told by ``env``.

    ``refused`` says that every answer must be an error, otherwise none may be one.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    script: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Volley:
    """What wrk counted in one run."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int


def fire(shot: Shot, port: int, seconds: float, core: int, tls: bool = False) -> Volley:
    """Loads ``port`` for ``seconds`` and returns what came back.

    Raises:
        BenchError: wrk failed, a connection broke, or an answer was not of the status the case is about.
    """
    with tempfile.TemporaryDirectory(prefix="wardgate-bench-") as folder:
        script = Path(folder) / "script.lua"
        parts = ([shot.script] if shot.script else []) + ["report.lua"]
        script.write_text("\n".join((_LUA / part).read_text() for part in parts))
        headers = [
            argument for name, value in shot.headers.items() for argument in ("-H", f"{name}: {value}")
        ]
        command = [
            tool("taskset"),
            "-c",
            str(core),
            tool("wrk"),
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds:g}s",
            "--timeout=10s",
        ]
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{shot.path}"
        ended = subprocess.run(
            [*command, "-s", str(script), *headers, url],
            env={**os.environ, **shot.env},
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )
    if ended.returncode != 0:
        raise BenchError(f"wrk failed on {url}: {ended.stderr.strip() or ended.stdout.strip()}")
    volley = parse(ended.stdout)
    check(shot, url, volley)
    return volley


def parse(output: str) -> Volley:
    """The figures that ``report.lua`` printed.

    Raises:
        BenchError: they are missing.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Volley(**json.loads(line.removeprefix(_MARK)))
    raise BenchError(f"wrk reported nothing:\n{output[-500:]}")


def check(shot: Shot, url: str, volley: Volley) -> None:
    """Returns if every answer was what the case measures.

    Raises:
        BenchError: some were not; the figures would be of another case.
    """
    if volley.requests == 0 or volley.broken:
        raise BenchError(
            f"{url}: {volley.requests} answers and {volley.broken} broken connections or time-outs"
        )
    unexpected = volley.requests - volley.refused if shot.refused else volley.refused
    if unexpected:
        expected = "a refusal" if shot.refused else "a success"
        raise BenchError(f"{url}: {unexpected} of {volley.requests} answers were not {expected}")
