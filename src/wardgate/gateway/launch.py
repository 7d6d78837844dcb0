"""What the supervisor tells a child on its standard input: the settings and the sockets it inherits, as JSON."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import signal
import sys
from dataclasses import dataclass

from wardgate.domain.codec import CodecError, decode, encode
from wardgate.domain.settings import Listener, ServerSettings

#: Names the inherited hub socket in a child's environment.
HUB_FD = "WARDGATE_HUB_FD"
#: Exit status of a child whose settings can never work (``EX_CONFIG``): restarting it would not help.
EXIT_CONFIG = 78
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

MAX_FILES = 1 << 20

_PR_SET_PDEATHSIG = 1


class LaunchError(ValueError):
    """The process was not started by a supervisor of this version."""

    def __init__(self, found: str) -> None:
        super().__init__(f"this process is started by `wardgate serve`, not by hand: {found}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InheritedSocket:
    """A listening socket by its file descriptor, with the listener it serves (its port is the real one)."""

    fd: int
    listener: Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All a child process needs to start. ``index`` numbers the gateway workers from 0."""

    settings: ServerSettings
    sockets: tuple[InheritedSocket, ...] = ()
    index: int = 0

    def dump(self) -> bytes:
        """The JSON form, read back by :func:`load`."""
        return json.dumps(encode(self)).encode()


def load(text: bytes) -> Launch:
    """The launch written by :meth:`Launch.dump`.

    Raises:
        LaunchError: it is no JSON object of that shape.
    """
    try:
        return decode(Launch, json.loads(text))
    except CodecError as error:
        raise LaunchError(str(error)) from error
    except ValueError as error:
        raise LaunchError(f"standard input holds no JSON document ({error})") from error


def hub_fd() -> int:
    """The inherited hub socket. Raises LaunchError when there is none."""
    try:
        return int(os.environ[HUB_FD])
    except (KeyError, ValueError) as error:
        raise LaunchError(f"{HUB_FD} does not name an inherited socket") from error


def become_child(name: str) -> Launch:
    """Makes this process a child of the supervisor and returns what it was told.

    Afterwards it is sent SIGTERM when the supervisor dies, leaves SIGINT to the supervisor, logs to standard error,
    never writes a core dump (memory holds secrets), and may open as many files as the system allows it.

    Raises:
        LaunchError: it was not started by a supervisor.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raise_file_limit()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT.replace("%(name)s", f"{name}[%(process)d]"))
    return load(sys.stdin.buffer.read())


def raise_file_limit() -> None:
    """The process may open as many files as its hard limit allows, up to ``MAX_FILES``."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
