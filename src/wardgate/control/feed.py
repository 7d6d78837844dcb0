"""Tells the supervisor that the change feed moved, so that gateway workers act within milliseconds."""

from __future__ import annotations

import socket
from pathlib import Path

#: The supervisor's datagram socket below the data directory. Any datagram means "the feed moved".
WAKE_SOCKET = Path("run") / "wake.sock"


def wake(data_dir: Path) -> bool:
    """Sends one datagram to whoever follows the feed of ``data_dir``; never blocks, never raises.

    Returns whether it was delivered. It is not when nobody listens, or when the listener's queue is full and so
    holds a wake-up already. The feed itself is the truth and is polled as well: a lost datagram costs time only.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(b"\x01", str(data_dir / WAKE_SOCKET))
    except OSError:
        return False
    return True
