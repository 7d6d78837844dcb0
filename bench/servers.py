"""Server processes of a benchmark: started on one core, known by pid, gone at the end."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.accounting import born, tree

#: Seconds a server may take to answer its first request, and to stop before it is killed.
START_SECONDS = 60.0
STOP_SECONDS = 10.0
#: Where to get what a distribution does not bring along.
APT_PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk", "taskset": "util-linux"}


class BenchError(Exception):
    """The benchmark cannot run or its figures would mean nothing; the message says what to do."""


def tool(name: str) -> str:
    """The path of the program ``name``, also where only root's PATH would find it.

    Raises:
        BenchError: it is not installed.
    """
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"{name} is not installed: apt-get install {APT_PACKAGES.get(name, name)}")
    return found


def cores() -> tuple[int, int]:
    """The core of the measured server, and that of load and upstream.

    Raises:
        BenchError: this process may use one core only.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("the benchmark needs two cores: one for the server, one for load and upstream")
    return usable[0], usable[1]


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server under ``folder``; its output goes to ``folder/output.log``."""

    def __init__(
        self, name: str, argv: Sequence[str], core: int, folder: Path, env: Mapping[str, str] | None = None
    ):
        self.name = name
        self.folder = folder
        self._argv = [tool("taskset"), "-c", str(core), *argv]
        self._env = dict(os.environ if env is None else env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The process runs; whether it serves is for :meth:`wait_for` to find out."""
        with (self.folder / "output.log").open("ab") as output:
            # Its own session: Ctrl-C reaches the benchmark alone, which then stops each server by pid.
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env,
                cwd=self.folder,
                start_new_session=True,
            )

    def wait_for(
        self, port: int, path: str, headers: Mapping[str, str] | None = None, tls: bool = False
    ) -> None:
        """Returns once a GET of ``path`` answers 200.

        Raises:
            BenchError: it ended, or did not answer so in time; with the end of its output.
        """
        deadline = time.monotonic() + START_SECONDS
        answer = "no connection"
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise BenchError(f"{self.name} ended before it served:\n{self.output()}")
            try:
                status = get(port, path, headers or {}, tls)
            except (OSError, http.client.HTTPException) as error:
                answer = str(error)
            else:
                if status == 200:
                    return
                answer = f"status {status}"
            time.sleep(0.1)
        raise BenchError(f"{self.name} does not serve {path} ({answer}):\n{self.output()}")

    def processes(self) -> dict[int, str]:
        """Its processes that live now: pid to command line."""
        return {} if self._process is None else tree(self._process.pid)

    def output(self) -> str:
        """The end of what it printed."""
        return (self.folder / "output.log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """None of its processes lives any more; does nothing the second time."""
        process = self._process
        if process is None:
            return
        self._process = None
        known = {pid: start for pid in tree(process.pid) if (start := born(pid)) is not None}
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid, start in known.items():
            _kill_if_same(pid, start)
        # A killed process is gone a moment after the signal, not with it.
        deadline = time.monotonic() + STOP_SECONDS
        while any(born(pid) == start for pid, start in known.items()) and time.monotonic() < deadline:
            time.sleep(0.01)


def get(port: int, path: str, headers: Mapping[str, str], tls: bool = False) -> int:
    """The status of one GET on a connection of its own. Certificates are the benchmark's own and not verified."""
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=5, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _kill_if_same(pid: int, start: str) -> None:
    """Kills a left-over child, unless its pid by now belongs to another process. It may run another program by now."""
    if born(pid) == start:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
