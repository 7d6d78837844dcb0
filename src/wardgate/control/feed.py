"""Tells the supervisors that the change feed moved, so that gateway workers act within milliseconds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

#: Bytes of the longest path a Unix socket can have (``sun_path``, without its NUL).
_LONGEST_PATH = 107
#: The most sockets woken by one change: there is one an environment.
_MOST_SOCKETS = 64


def wake_socket(data_dir: Path, environment: str) -> Path:
    """Where the supervisor of ``environment`` hears. Any datagram means "the feed moved"."""
    return data_dir / "run" / f"wake-{environment}.sock"


def wake(data_dir: Path) -> int:
    """Sends one datagram to every supervisor that follows the feed of ``data_dir``; never blocks, never raises.

    Returns how many it was delivered to. It is not when nobody listens any more, or when the listener's queue is full and
    so holds a wake-up already. The feed itself is the truth and is polled as well: a lost datagram costs time only.
    """
    try:
        paths = sorted(wake_socket(data_dir, "x").parent.glob("wake-*.sock"))[:_MOST_SOCKETS]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            return sum(_send(sender, path) for path in paths)
    except OSError:
        return 0


def _send(sender: socket.socket, path: Path) -> bool:
    try:
        if len(os.fsencode(path)) <= _LONGEST_PATH:
            sender.sendto(b"\x01", os.fspath(path))
        else:
            _send_through_directory(sender, path)
    except OSError:
        return False
    return True


def _send_through_directory(sender: socket.socket, path: Path) -> None:
    """Reaches a socket whose path is too long by the descriptor of its directory."""
    directory = os.open(path.parent, os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sender.sendto(b"\x01", f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
