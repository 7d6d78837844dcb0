"""Appends batches of log lines from a thread of its own, so that a slow disk never stops the event loop."""

from __future__ import annotations

import logging
import os
import select
import stat
import threading
import time
from collections import deque
from pathlib import Path

#: What may wait for a stuck disk before the oldest batch is dropped.
QUEUE_BYTES = 8 * 1024 * 1024
_MODE = 0o640
_logger = logging.getLogger(__name__)


class LogWriter:
    """Writes whole batches in order to a file opened for appending, or to standard output (``-``).

    The file is opened anew when it was renamed or removed, so log rotation needs no signal. While nothing can be
    written, up to ``queue_bytes`` wait; then the oldest batches are dropped and counted, and a line
    ``{"time": ..., "dropped": N}`` says so where they are missing.

    Raises:
        OSError: the file cannot be opened for appending.
    """

    def __init__(self, path: str, queue_bytes: int = QUEUE_BYTES) -> None:
        self._path = path
        self._fd = self._open()
        self._queue: deque[tuple[bytes, int]] = deque()
        self._queued = 0
        self._queue_bytes = queue_bytes
        self._state = threading.Condition()
        self._closing = False
        self._stale = False
        #: Whether the file ends within a line: a writer before this one may have been killed where the disk was full.
        self._torn = self._ends_within_line()
        self._unreported = 0
        self._failing = False
        self._thread: threading.Thread | None = None
        #: Lines dropped since start.
        self.dropped = 0

    def put(self, batch: bytes, lines: int) -> None:
        """Queues ``batch``, which holds ``lines`` whole lines; never waits for the disk."""
        with self._state:
            self._queue.append((batch, lines))
            self._queued += len(batch)
            while self._queued > self._queue_bytes and len(self._queue) > 1:
                oldest, lost = self._queue.popleft()
                self._queued -= len(oldest)
                self._lose(lost)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
                self._thread.start()
            self._state.notify()

    def reopen(self) -> None:
        """Makes the next batch open the file anew."""
        self._stale = True

    def close(self, timeout: float) -> None:
        """Waits up to ``timeout`` s for everything queued to be written, then closes the file.

        If the disk is stuck past that, the file is left to the end of the process.
        """
        with self._state:
            self._closing = True
            self._state.notify()
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                return
        if self._fd > 2:
            os.close(self._fd)
        self._fd = -1

    def _lose(self, lines: int) -> None:
        self.dropped += lines
        self._unreported += lines

    def _open(self) -> int:
        if self._path == "-":
            return 1
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)

    def _ends_within_line(self) -> bool:
        """Whether what is written next would become part of a line that was never finished."""
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode) or not found.st_size or self._path == "-":
            return False
        try:
            with Path(self._path).open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            return False  # not readable, or rotated away just now

    def _run(self) -> None:
        while True:
            with self._state:
                while not self._queue and not self._closing:
                    self._state.wait()
                if not self._queue:
                    return
                # All at once: under load this thread gets the interpreter seldom, so each turn must count.
                batch = b"".join([part for part, _ in self._queue])
                lines = sum(count for _, count in self._queue)
                self._queue.clear()
                self._queued = 0
                unreported, self._unreported = self._unreported, 0
            if unreported:
                batch = _dropped_line(unreported) + batch
            try:
                self._renew()
                self._write(batch)
                self._failing = False
            except OSError as error:
                self._failed(error, lines, unreported)

    def _failed(self, error: OSError, lines: int, unreported: int) -> None:
        with self._state:
            self._lose(lines)
            self._unreported += unreported
        if not self._failing:
            self._failing = True
            _logger.error(
                "access log %s cannot be written (%s); lines are dropped and counted until it can be",
                self._path,
                error.strerror,
            )

    def _renew(self) -> None:
        """Opens the file anew when asked to, or when its name now stands for another file or none."""
        if self._path == "-":
            return
        if not self._stale:
            try:
                named = Path(self._path).stat()
                current = os.fstat(self._fd)
                if (named.st_ino, named.st_dev) == (current.st_ino, current.st_dev):
                    return
            except FileNotFoundError:
                pass  # removed or renamed away: the name is created again below
        fresh = self._open()
        os.close(self._fd)
        self._fd = fresh
        self._stale = False
        self._torn = self._ends_within_line()

    def _write(self, batch: bytes) -> None:
        """Writes all of ``batch``; into a pipe in pieces of whole lines that the kernel keeps together."""
        if self._torn:
            batch = b"\n" + batch
        view = memoryview(batch)
        if stat.S_ISREG(os.fstat(self._fd).st_mode):
            self._write_all(view)
            return
        start = 0
        while start < len(batch):
            end = batch.rfind(b"\n", start, start + select.PIPE_BUF) + 1
            if end <= start:
                end = batch.find(b"\n", start) + 1 or len(batch)
            self._write_all(view[start:end])
            start = end

    def _write_all(self, view: memoryview) -> None:
        written = 0
        while written < len(view):
            try:
                written += os.write(self._fd, view[written:])
            except BlockingIOError:
                select.select([], [self._fd], [], 1.0)
            except OSError:
                self._torn = self._torn or written > 0
                raise
        self._torn = False


def _dropped_line(lines: int) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return f'{{"time":"{now}","dropped":{lines}}}\n'.encode()
