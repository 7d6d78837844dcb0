"""Starts what the demo consists of and stops it again; picks free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path


class DemoError(Exception):
    """The demo cannot run; the message says why and what to do."""


def free_port(preferred: int) -> int:
    """``preferred`` if nothing on loopback uses it, else any free port."""
    for port in (preferred, 0):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("no port of 127.0.0.1 is free")


class Started:
    """A process of the demo. Its output goes to ``log``; it gets no Ctrl-C of its own: :meth:`stop` ends it."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises DemoError with the end of the log if the process has ended."""
        if self.process.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
            raise DemoError(
                f"{self.name} ended with status {self.process.returncode}; {self.log} says:\n{tail}"
            )

    def answers(self, url: str, seconds: float = 15.0) -> bytes:
        """What ``url`` of the process answers, as soon as it does. Raises DemoError when it does not in time."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return bytes(answer.read())
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"{self.name} does not answer at {url}: {error}; see {self.log}"
                    ) from error
                time.sleep(0.03)

    def stop(self, seconds: float) -> None:
        """The process has ended: asked first, killed after ``seconds``."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_httpbin(port: int, logs: Path) -> Started:
    """httpbin under gunicorn at ``port`` of loopback."""
    arguments = [
        *("-m", "gunicorn", "httpbin:app", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--log-level", "warning"),
    ]
    return Started("httpbin", arguments, logs / "httpbin.log", {})


def start_orders(port: int, logs: Path, root: Path) -> Started:
    """The example API ``examples.orders`` at ``port`` of loopback."""
    arguments = ["-m", "examples.orders", "--port", str(port)]
    return Started("orders", arguments, logs / "orders.log", {"PYTHONPATH": str(root)})


def start_gateway(arguments: Sequence[str], logs: Path) -> Started:
    """``wardgate serve`` with these arguments."""
    return Started("wardgate", ["-m", "wardgate.cli.main", "serve", *arguments], logs / "wardgate.log", {})
