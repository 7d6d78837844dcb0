"""What the kernel accounts to a server's processes: CPU time and memory, from ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def tree(root: int) -> dict[int, str]:
    """The process ``root`` and all its descendants that live now: pid to command line."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: dict[int, str] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        command = _command(pid)
        if command is not None:
            found[pid] = command
            waiting += children.get(pid, [])
    return found


def born(pid: int) -> str | None:
    """When ``pid`` started, in ticks since the machine did: with it a pid names one process for ever, whatever programs it
    runs. ``None`` for a process that is gone, or is dead and only not yet waited for."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else fields[19]


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of ``pid`` since it started; 0 for a process that is gone."""
    fields = _stat(pid)
    return 0.0 if fields is None else (int(fields[11]) + int(fields[12])) * _TICK


def cpu_by_process(pids: Mapping[int, str]) -> dict[int, float]:
    """CPU seconds of each process."""
    return {pid: cpu_seconds(pid) for pid in pids}


def resident_megabytes(pid: int) -> float:
    """The resident set of ``pid`` in MB (10^6 bytes).

    Raises:
        FileNotFoundError: there is no such process.
    """
    pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` after the command, which may itself hold spaces and brackets."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _command(pid: int) -> str | None:
    try:
        return (
            (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except (FileNotFoundError, ProcessLookupError):
        return None
