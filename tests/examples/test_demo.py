"""``make run``: the demo starts, its curl lines show what they promise, and Ctrl-C ends it all."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pytest
from bench.accounting import born, tree
from examples.demo.status import Figures, p95, parse_figures, status_line

ROOT = Path(__file__).parents[2]


class RunningDemo:
    """The demo in a directory of its own; introduced when the block begins. When it ends, or never begins because that takes
    longer than ``patience`` seconds, the demo is gone with every process it started: asked first, killed after ``grace``.
    """

    def __init__(self, folder: Path, *, patience: float = 60, grace: float = 30) -> None:
        self.began = time.monotonic()
        self._patience, self._grace = patience, grace
        #: All processes it had, with the time each began: ids are used again.
        self.family: dict[int, str | None] = {}
        self._out = folder / "demo.out"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "examples.demo", "--data-dir", str(folder / "data"), "--workers", "1"],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """What it has printed."""
        return self._out.read_text()

    def __enter__(self) -> Self:
        try:
            deadline = time.monotonic() + self._patience
            while "Ctrl-C stops everything" not in self.text:
                assert self.process.poll() is None, self.text
                assert time.monotonic() < deadline, self.text
                time.sleep(0.05)
        except (
            BaseException
        ):  # a time-out of the test is none of Exception, and no block has begun that would end
            self._end()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def _end(self) -> None:
        self._look()
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(self._grace)
        finally:
            self._look()
            for pid in self.living():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def _look(self) -> None:
        """They have sessions of their own, and outlive one that is killed: they are known by their parents."""
        for known in (self.process.pid, *self.living()):
            self.family |= {pid: self.family.get(pid, born(pid)) for pid in tree(known)}

    def living(self) -> list[int]:
        """Those of its processes that have not ended."""
        return [pid for pid, began in self.family.items() if began is not None and born(pid) == began]

    def line(self, status: int | str) -> str:
        """The printed command that shows ``status``, or is called so."""
        found = re.search(rf"^{status} +(.+)$", self.text, re.MULTILINE)
        assert found is not None, self.text
        return found.group(1)

    def ports(self) -> list[int]:
        """Every port it printed."""
        return [int(port) for port in set(re.findall(r"(?:127\.0\.0\.1|localhost):(\d+)", self.text))]


def run(line: str) -> str:
    """What a shell prints for a line the demo told to paste."""
    done = subprocess.run(["/bin/bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def ended(demo: RunningDemo) -> bool:
    """Whether all it started is gone, in time."""
    deadline = time.monotonic() + 10
    while demo.living() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not demo.living()


def test_a_demo_that_takes_too_long_leaves_no_process(tmp_path: Path) -> None:
    """Nobody was told of it yet, but its APIs and its gateway run."""
    demo = RunningDemo(tmp_path, patience=1)
    with pytest.raises(AssertionError), demo:
        pass
    assert len(demo.family) > 1
    assert ended(demo)


def test_a_demo_that_does_not_heed_leaves_no_process(tmp_path: Path) -> None:
    """It is killed, and what it started, which would outlive it."""
    with RunningDemo(tmp_path, grace=0.2) as demo:
        demo.process.send_signal(signal.SIGSTOP)
    assert len(demo.family) > 3
    assert ended(demo)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines are for curl")
def test_the_demo_shows_what_it_promises_and_starts_again(tmp_path: Path) -> None:
    """200 from httpbin, 401 without a key, 429 in a loop, a token that opens httpbin; a status line; no second demo on the
    same data; a clean end; and a second start that replaces the demo key."""
    with RunningDemo(tmp_path) as demo:
        assert run(demo.line(200)).startswith("HTTP/1.1 200 ")
        refused = run(demo.line(401))
        assert refused.startswith("HTTP/1.1 401 ")
        assert '"reason": "credential_missing"' in refused
        counted = dict(line.split()[::-1] for line in run(demo.line(429)).splitlines())
        assert set(counted) == {"200", "429"}
        assert sum(map(int, counted.values())) == 60
        with_token = run(f"{demo.line('token')}\n{demo.line('call')}")
        assert with_token.startswith("HTTP/1.1 200 ")
        assert '"Authorization"' not in with_token
        tls = re.search(r"https://localhost:\d+", demo.text)
        authority = re.search(r"curl (--cacert \S+)\)", demo.text)
        assert tls is not None
        assert authority is not None
        over_tls = demo.line(200).replace("curl", f"curl {authority.group(1)}")
        assert run(re.sub(r"http://127\.0\.0\.1:\d+", tls.group(), over_tls)).startswith("HTTP/1.1 200 ")
        deadline = time.monotonic() + 10
        while not re.search(
            r"requests/s  2xx +\d+  4xx +[1-9]\d*  5xx +0  p95 .* workers 1$", demo.text, re.MULTILINE
        ):
            assert time.monotonic() < deadline, demo.text
            time.sleep(0.1)
        second = subprocess.run(
            [sys.executable, "-m", "examples.demo", "--data-dir", str(tmp_path / "data")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert "is already served" in second.stderr
        assert run(demo.line(200)).startswith("HTTP/1.1 200 ")
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 0
        for port in demo.ports():
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=1)
        old = demo.line(200)
    with RunningDemo(tmp_path) as demo:
        fresh = demo.line(200)
        assert run(fresh).startswith("HTTP/1.1 200 ")
        stale = fresh.replace(_key(fresh), _key(old))
        assert run(stale).startswith("HTTP/1.1 401 ")
        assert run(f"{demo.line('token')}\n{demo.line('call')}").startswith("HTTP/1.1 200 ")


def _key(line: str) -> str:
    found = re.search(r"wg_dev_\w+", line)
    assert found is not None
    return found.group()


def test_the_status_line_tells_what_happened_since_the_last_look() -> None:
    """Rates, classes of status and the 95th percentile are of the last second alone."""
    text = """
wardgate_requests_total{{api="a",resource="r",status="200",reason="ok"}} {ok}
wardgate_requests_total{{api="a",resource="r",status="429",reason="rate_exceeded"}} {refused}
wardgate_request_duration_seconds_bucket{{api="a",le="0.01"}} {fast}
wardgate_request_duration_seconds_bucket{{api="a",le="0.1"}} {slow}
wardgate_request_duration_seconds_bucket{{api="a",le="+Inf"}} {slow}
wardgate_workers 2
"""
    head = "".join(
        f"# TYPE {name} {kind}\n"
        for name, kind in (
            ("wardgate_requests_total", "counter"),
            ("wardgate_request_duration_seconds", "histogram"),
        )
    )
    before = parse_figures(head + text.format(ok=100, refused=0, fast=100, slow=100), 10.0)
    now = parse_figures(head + text.format(ok=190, refused=10, fast=150, slow=200), 12.0)
    assert status_line(before, now) == (
        "   50.0 requests/s  2xx    90  4xx    10  5xx     0  p95  100 ms  workers 2"
    )
    assert "p95      -" in status_line(now, Figures(at=13.0, by_class=now.by_class, buckets=now.buckets))


def test_the_percentile_of_what_lasted_longer_than_any_bucket() -> None:
    """Requests beyond the last bound count as that bound."""
    assert p95([(1.0, 0.0), (60.0, 5.0), (float("inf"), 10.0)]) == 60.0
    assert p95([]) is None
