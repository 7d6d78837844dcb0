"""Writes gathered over one turn of the loop: peers are woken once a turn, not once a write.

A write that wakes a sleeping process on another core costs more than the write itself. Gathering them keeps the peers
busy for the length of the burst, so that most of the writes wake nobody; it also keeps one kind of work together.
Nothing waits longer than the events at hand take: the flush is the next thing the loop does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from typing import Any

log = logging.getLogger("wardgate.gateway")
#: What an outlet holds back at most: larger pieces gain nothing by waiting.
_MOST_HELD = 32 * 1024
#: Lingering for no time at all: closing sends a reset, where it would send a proper end.
_RESET = struct.pack("ii", 1, 0)


class Outbox:
    """The outlets of one loop that hold something back."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[Outlet] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, outlet: Outlet) -> None:
        """``outlet`` is flushed when the loop's present events are done."""
        waiting = self._waiting
        if not waiting:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._flush)
        waiting.append(outlet)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outlet in waiting:
            try:
                outlet.flush()
            except Exception as error:
                # It must neither take the others' bytes along nor hold its own for ever.
                log.error("bytes could not be written", exc_info=error)
                outlet.abort()


class Outlet:
    """A transport whose writes are gathered; whatever else is done to it comes after what was written before."""

    __slots__ = ("_held", "_outbox", "_transport")

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._held = b""

    def write(self, data: bytes) -> None:
        """``data`` leaves with the next flush, in one piece with what was held before; much of it leaves at once."""
        if self._held:
            self._held += data
        else:
            self._held = data
            self._outbox.add(self)
        if len(self._held) > _MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Nothing is held any more."""
        held = self._held
        if held:
            self._held = b""
            transport = self._transport
            if not transport.is_closing():
                transport.write(held)

    def close(self) -> None:
        """Closes once everything written is out."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes at once; what is held or buffered is lost."""
        self._held = b""
        self._transport.abort()

    def reset(self) -> None:
        """Closes at once and so that the peer cannot take it for a proper end; what is held or buffered is lost."""
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.abort()

    def write_eof(self) -> None:
        """Ends this direction after everything written."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def pause_reading(self) -> None:
        """No more ``data_received``."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """``data_received`` again."""
        self._transport.resume_reading()

    def set_write_buffer_limits(self, high: int) -> None:
        """Bytes that may wait for the peer before ``pause_writing``."""
        self._transport.set_write_buffer_limits(high=high)

    def is_closing(self) -> bool:
        """Whether the transport is closed or about to be."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Bytes written that the peer's side has not taken yet."""
        return len(self._held) + self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str) -> Any:
        """See ``asyncio.BaseTransport.get_extra_info``."""
        return self._transport.get_extra_info(name)
