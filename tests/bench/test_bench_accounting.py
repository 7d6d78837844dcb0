"""What the kernel accounts to processes that really run."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from bench.accounting import cpu_seconds, resident_megabytes, tree

NESTED = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_a_tree_holds_grandchildren() -> None:
    """All descendants of a server count, not only the process that was started."""
    process = subprocess.Popen([sys.executable, "-c", NESTED])
    try:
        deadline = time.monotonic() + 20
        while len(found := tree(process.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert process.pid in found
        assert any("time.sleep(60)" in command for pid, command in found.items() if pid != process.pid)
    finally:
        for pid in tree(process.pid):
            os.kill(pid, 9)
        process.wait()


def test_a_process_that_ended_has_no_tree_and_no_time() -> None:
    """What is gone counts nothing and is not mistaken for another process."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert tree(process.pid) == {}
    assert cpu_seconds(process.pid) == 0.0


def test_cpu_time_is_that_of_the_clock() -> None:
    """User and system time agree with what the process knows of itself, to the kernel's tick."""
    before = cpu_seconds(os.getpid())
    own = time.process_time()
    while time.process_time() - own < 0.1:
        pass
    spent = time.process_time() - own
    assert cpu_seconds(os.getpid()) - before == pytest.approx(spent, abs=0.05)


def test_resident_memory_is_plausible() -> None:
    """A Python process holds more than 5 MB and less than 5 GB."""
    assert 5 < resident_megabytes(os.getpid()) < 5000
