"""Runs the real `wardgate serve` for a test, and talks to it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Service:
    """`wardgate serve` on free ports with its data in ``data_dir``; ready when the block begins, gone when it ends."""

    #: Seconds it may take to be ready.
    start_seconds = 30.0

    def __init__(
        self, data_dir: Path, *options: str, workers: int = 2, environment: dict[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.port, self.control = free_ports(2)
        named = dict(itertools.pairwise(options))
        self.environment = named.get("--environment", "development")
        self._log = data_dir.parent / f"{data_dir.name}.{self.environment}.log"
        arguments = ["serve", "--data-dir", str(data_dir), "--listen", str(self.port)]
        arguments += ["--control", str(self.control), "--workers", str(workers), *options]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wardgate.cli.main", *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )

    def __enter__(self) -> Self:
        try:
            self.until(lambda: self.readyz() == 200, self.start_seconds)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def log(self) -> str:
        """What the service wrote to its standard output and error."""
        return self._log.read_text()

    def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        """Returns once ``condition`` holds; fails with the service's log when it does not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"the service ended: {self.log}"
            assert time.monotonic() < deadline, f"not within {seconds} s; the service says: {self.log}"
            time.sleep(0.02)

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """The status of a GET through the gateway."""
        return self._status(f"http://127.0.0.1:{self.port}{path}", headers or {})

    def readyz(self) -> int:
        """The status of control's readiness, 0 while nothing answers."""
        try:
            return self._status(f"http://127.0.0.1:{self.control}/readyz", {})
        except TimeoutError:
            return 0

    def control_text(self, path: str) -> str:
        """The body of a GET to control."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def children(self) -> dict[str, list[int]]:
        """The process ids of the service's children by their module."""
        found: dict[str, list[int]] = {}
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in map(int, task.read_text().split()):
            try:
                parts = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(parts) > 2:
                found.setdefault(parts[2].decode(), []).append(pid)
        return found

    def workers(self) -> list[int]:
        """The process ids of the gateway workers."""
        return self.children().get("wardgate.supervisor.gateway_process", [])

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples called ``name`` that have all these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.control_text("/metrics"))
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def kill_all(self) -> None:
        """kill -9 of every process of the service, the supervisor first, as near to at once as can be."""
        children = [pid for pids in self.children().values() for pid in pids]
        for pid in (self.process.pid, *children):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def state(self) -> dict[str, Any]:
        """What the service published of itself."""
        return dict(json.loads((self.data_dir / "run" / f"{self.environment}.json").read_text()))

    @staticmethod
    def _status(url: str, headers: dict[str, str]) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except (urllib.error.URLError, ConnectionError):
            return 0
