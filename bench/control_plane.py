"""``python -m bench.control_plane``: how long a large document takes to apply, a change to be served, and a start.

Everything goes through the real command line and a real service with two workers. Bars, at 1,000 APIs with 20 resources
each: apply 30 s, a change at every worker 1 s after its commit, a start 5 s.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.gateway import command
from bench.servers import BenchError, free_port
from wardgate.storage.layout import database_path

#: Connections that ask until each has seen a change: enough that every worker has some.
_CONNECTIONS = 16
_PATIENCE = 60.0
BARS = {"apply": 30.0, "visible": 1.0, "start": 5.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds. ``again``: the same document applied once more; ``change``: with one API that differs; ``visible``: from that
    commit until the last worker serves it; ``start``: from the command until the service is ready."""

    apis: int
    resources: int
    apply: float
    again: float
    start: float
    change: float
    visible: float

    def missed(self) -> list[str]:
        """The bars that were not met."""
        return [name for name, bar in BARS.items() if getattr(self, name) > bar]


def measure(folder: Path, apis: int, resources: int) -> Figures:
    """Makes an installation in ``folder``, which is empty, and takes the figures. Raises BenchError."""
    file = write(folder, apis, resources)
    data_dir = folder / "data"
    applied = _apply(file, data_dir)
    again = _apply(file, data_dir)
    port = free_port()
    begin = time.monotonic()
    with _service(data_dir, port) as control:
        _until_ready(control)
        start = time.monotonic() - begin
        write(folder, apis, resources, more="/added")
        path = f"/api-{apis - 1}/v1/added/1"
        asking = [_ask(port) for _ in range(_CONNECTIONS)]
        if any(_status(each, path) != 404 for each in asking):
            raise BenchError("a resource that is not declared yet is answered otherwise than 404")
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "wardgate.cli.main",
                "apply",
                "-f",
                str(file),
                "--data-dir",
                str(data_dir),
            ],
            stdout=subprocess.DEVNULL,
        )
        begin = time.monotonic()
        seen = _until_seen(asking, path)
        if process.wait() != 0:
            raise BenchError("the change could not be applied")
        change = time.monotonic() - begin
        visible = seen - _committed(data_dir)
        for each in asking:
            each.close()
    return Figures(
        apis=apis,
        resources=resources,
        apply=applied,
        again=again,
        start=start,
        change=change,
        visible=visible,
    )


def write(folder: Path, apis: int, resources: int, *, more: str = "") -> Path:
    """A document of so many APIs, each with an OpenAPI document of its own; the last has ``more`` besides."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(apis):
        paths: dict[str, Any] = {f"/things-{each}/{{id}}": _path() for each in range(resources)}
        if more and number == apis - 1:
            paths[f"{more}/{{id}}"] = _path()
        name = f"api-{number}.openapi.json"
        (folder / name).write_text(
            json.dumps({"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": paths})
        )
        entries.append(
            {
                "name": f"api-{number}",
                "version": "v1",
                "openapi": f"./{name}",
                "upstream": {"targets": ["http://127.0.0.1:9"]},
                "security": {"schemes": ["api_key"]},
                "plans": ["free"],
            }
        )
    file = folder / "wardgate.yaml"
    plans = [{"name": "free", "limits": [{"kind": "rate", "amount": 100, "per": "minute"}]}]
    file.write_text(json.dumps({"plans": plans, "apis": entries}))
    return file


def _path() -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {"get": {"parameters": [parameter], "responses": {"200": {"description": "ok"}}}}


def _apply(file: Path, data_dir: Path) -> float:
    begin = time.monotonic()
    command("apply", "-f", str(file), "--data-dir", str(data_dir), "--json")
    return time.monotonic() - begin


@contextmanager
def _service(data_dir: Path, port: int) -> Iterator[int]:
    """A service with two workers; its control port."""
    control = free_port()
    words = ["serve", "--data-dir", str(data_dir), "--listen", str(port), "--control", str(control)]
    with (data_dir.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "wardgate.cli.main", *words, "--workers", "2"], stdout=log, stderr=log
        )
    try:
        yield control
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(control: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", control, timeout=5)) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            pass  # nobody listens yet
        time.sleep(0.02)
    raise BenchError(f"the service is not ready after {_PATIENCE:g} s")


def _ask(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=10)


def _status(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _until_seen(asking: Sequence[http.client.HTTPConnection], path: str) -> float:
    """When the last connection had another answer than before (Unix seconds)."""
    waiting = list(asking)
    deadline = time.monotonic() + _PATIENCE
    while waiting:
        waiting = [each for each in waiting if _status(each, path) == 404]
        if time.monotonic() > deadline:
            raise BenchError(f"{len(waiting)} connections did not see the change in {_PATIENCE:g} s")
        time.sleep(0.002)
    return time.time()


def _committed(data_dir: Path) -> float:
    with closing(sqlite3.connect(database_path(data_dir))) as connection:
        (at,) = connection.execute("SELECT max(at) FROM changes").fetchone()
    return float(at)


def main() -> int:
    """Prints the figures; with ``--check`` the status is 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.control_plane", description=__doc__)
    parser.add_argument("--apis", type=int, default=1000)
    parser.add_argument("--resources", type=int, default=20)
    parser.add_argument("--check", action="store_true", help="end with status 1 when a bar is missed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), asked.apis, asked.resources)
    for name, value in asdict(figures).items():
        bar = f"  (bar {BARS[name]:g} s)" if name in BARS else ""
        print(f"{name:10} {value:8.3f} s{bar}" if isinstance(value, float) else f"{name:10} {value:8}")
    return 1 if asked.check and figures.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
