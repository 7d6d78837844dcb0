"""Tells the supervisor that the change feed moved, so that gateway workers act within milliseconds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

#: The supervisor's datagram socket below the data directory. Any datagram means "the feed moved".
WAKE_SOCKET = Path("run") / "wake.sock"
#: Bytes of the longest path a Unix socket can have (``sun_path``, without its NUL).
_LONGEST_PATH = 107


def wake(data_dir: Path) -> bool:
    """Sends one datagram to whoever follows the feed of ``data_dir``; never blocks, never raises.

    Returns whether it was delivered. It is not when nobody listens, or when the listener's queue is full and so
    holds a wake-up already. The feed itself is the truth and is polled as well: a lost datagram costs time only.
    """
    path = data_dir / WAKE_SOCKET
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
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
