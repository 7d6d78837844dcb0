"""The child's end of the hub: one JSON object a line over an inherited Unix stream socket.

The hub joins every child process to the supervisor. Both ends use :class:`HubConnection`; its buffers are bounded,
so a peer that stops reading costs memory up to ``MAX_BUFFERED`` bytes and then :meth:`HubConnection.send` refuses.
There is no reconnecting: the end of the stream means that the other process is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any, cast

Message = dict[str, Any]
Handler = Callable[[Message], None]

#: Bytes one message may have, and bytes that may wait for a peer that does not read.
MAX_LINE = 16 * 1024 * 1024
MAX_BUFFERED = 32 * 1024 * 1024
HEARTBEAT_SECONDS = 1.0
#: Messages kept for handlers that are not there yet: a child may be told to drain while it still starts.
MAX_EARLY = 100

_log = logging.getLogger("wardgate.hub")
_encode = json.JSONEncoder(separators=(",", ":")).encode


class HubConnection(asyncio.Protocol):
    """Frames messages both ways and hands each to ``on_message``; a line that is no JSON object is counted and skipped."""

    def __init__(self, on_message: Handler, on_lost: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._partial = bytearray()
        self._skipping = False
        self.malformed = 0
        self.refused = 0

    @property
    def connected(self) -> bool:
        """Whether the peer can still be sent to."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=MAX_BUFFERED)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._partial.clear()
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        if b"\n" not in data:
            self._keep(data)
            return
        *lines, rest = (bytes(self._partial) + data).split(b"\n")
        self._partial.clear()
        if self._skipping:
            self._skipping = False
            lines = lines[1:]
        for line in lines:
            self._receive(line)
        self._keep(rest)

    def _keep(self, data: bytes) -> None:
        """Holds the start of a line; past ``MAX_LINE`` the whole line is given up."""
        if self._skipping:
            return
        self._partial += data
        if len(self._partial) > MAX_LINE:
            self._partial.clear()
            self._skipping = True
            self.malformed += 1
            _log.error("hub: a line of more than %d bytes was skipped", MAX_LINE)

    def _receive(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
            self.malformed += 1
            _log.error("hub: a malformed line of %d bytes was skipped", len(line))
            return
        try:
            self._on_message(message)
        except Exception:
            self.malformed += 1
            _log.exception("hub: handling a message of kind %r failed", message["kind"])

    def send(self, message: Message) -> bool:
        """Queues ``message`` (JSON values only). ``False`` when it was not taken: the peer is gone or reads too slowly."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > MAX_BUFFERED:
            self.refused += 1
            return False
        transport.write(_encode(message).encode() + b"\n")
        return True

    def close(self) -> None:
        """Ends the connection after what is queued was written."""
        if self._transport is not None:
            self._transport.close()


class HubClient:
    """A child's connection to its supervisor.

    Handlers are chosen by the longest registered prefix of a message's kind (``limits.`` takes ``limits.reply``).
    ``on_lost`` runs once when the supervisor is gone: the child then drains and exits.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._connection = HubConnection(self._dispatch, self._lost)
        self._beat: asyncio.TimerHandle | None = None
        self._early: list[Message] = []
        self.on_lost: Callable[[], None] | None = None
        self.unhandled = 0

    @classmethod
    async def connect(cls, fd: int) -> HubClient:
        """A client on the inherited stream socket ``fd``, which it owns from then on."""
        client = cls()
        stream = socket.socket(fileno=fd)
        stream.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: client._connection, sock=stream)
        client._heartbeat()
        return client

    @property
    def connected(self) -> bool:
        """Whether the supervisor is still there."""
        return self._connection.connected

    def on(self, prefix: str, handler: Handler) -> None:
        """``handler`` takes every message whose kind starts with ``prefix``, those included that came before."""
        self._handlers[prefix] = handler
        early, self._early = self._early, []
        for message in early:
            self._dispatch(message)

    def send(self, message: Message) -> bool:
        """Queues ``message``; ``False`` when the supervisor is gone or does not keep up (the caller keeps its data)."""
        return self._connection.send(message)

    def close(self) -> None:
        """Writes what is queued and closes; ``on_lost`` does not run."""
        self.on_lost = None
        self._stop_beat()
        self._connection.close()

    def _dispatch(self, message: Message) -> None:
        kind = message["kind"]
        prefix = max((p for p in self._handlers if kind.startswith(p)), key=len, default=None)
        if prefix is None:
            if len(self._early) < MAX_EARLY:
                self._early.append(message)
            else:
                self.unhandled += 1
            return
        self._handlers[prefix](message)

    def _heartbeat(self) -> None:
        """Tells the supervisor every second that this process still turns its loop; a silent child is replaced."""
        self._connection.send({"kind": "heartbeat"})
        self._beat = asyncio.get_running_loop().call_later(HEARTBEAT_SECONDS, self._heartbeat)

    def _stop_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _lost(self) -> None:
        self._stop_beat()
        if self.on_lost is not None:
            self.on_lost()
