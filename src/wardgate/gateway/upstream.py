"""One connection to an upstream target: sends a request, parses the answer, streams its body with back-pressure."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Protocol, cast

from wardgate.gateway.chunked import ChunkDecoder, ChunkError
from wardgate.gateway.outlet import Outlet
from wardgate.gateway.response_head import ResponseError, ResponseHead, ResponseParser

if TYPE_CHECKING:
    from wardgate.gateway.pool import Target, UpstreamPool

IDLE, HEAD, LENGTH, CHUNKED, UNTIL_CLOSE, TUNNEL, CLOSED = range(7)
_MAX_HEAD = 64 * 1024
_MEMO_HEAD = 2048
#: What every head begins with.
_VERSION = b"HTTP/1."
#: Interim answers after which a connection is not used again, and after which they are a flood and no answer.
_MANY_INTERIM = 1000
_MOST_INTERIM = 10_000


class Receiver(Protocol):
    """The client side of an exchange, as its upstream connection sees it."""

    def answer_interim(self, head: ResponseHead) -> None:
        """A 1xx answer other than 101."""

    def answer_whole(self, head: ResponseHead, body: bytes) -> None:
        """A final answer with its whole body; the upstream connection is already free."""

    def answer_start(self, head: ResponseHead) -> None:
        """The head of a final answer whose body follows in pieces."""

    def answer_piece(self, piece: bytes) -> None:
        """The next body bytes, decoded."""

    def answer_end(self, trailers: list[bytes]) -> None:
        """The body is complete; the upstream connection is already free."""

    def answer_failed(self, reason: str, *, clean: bool, stale: bool = False) -> None:
        """No (complete) answer will come. ``clean``: not one byte of an answer was received; ``stale``: the peer had
        most likely closed a kept connection before it was used again."""

    def tunnel_start(self, head: ResponseHead, rest: bytes) -> None:
        """The upstream switched protocols; all bytes are passed on as they are from now."""

    def tunnel_data(self, data: bytes) -> None:
        """Bytes of the tunnel."""

    def pause_sending(self) -> None:
        """The upstream reads slowly: stop reading the client."""

    def resume_sending(self) -> None:
        """The upstream takes more again."""


class UpstreamConnection:
    """One connection of a pool, used for one exchange at a time; an asyncio protocol by its methods."""

    __slots__ = (
        "_buffer",
        "_decoder",
        "_interims",
        "_last_head",
        "_last_raw",
        "_left",
        "_parser",
        "_unsent",
        "born",
        "method",
        "pool",
        "reading_paused",
        "receiver",
        "request_done",
        "reusable",
        "since",
        "state",
        "target",
        "transport",
        "upgrading",
        "used",
    )

    transport: Outlet

    def __init__(self, pool: UpstreamPool, target: Target, parser: ResponseParser) -> None:
        self.pool = pool
        self.target = target
        self.receiver: Receiver | None = None
        self.state = IDLE
        self.method = "GET"
        self.upgrading = False
        self.reusable = True
        self.request_done = True
        self.born = 0.0
        #: Monotonic time of the last progress, judged by the worker's coarse timer.
        self.since = 0.0
        #: Whether an exchange was begun on it before: a reused connection may have been closed by the peer meanwhile.
        self.used = False
        self._parser = parser
        self.reading_paused = False
        self._buffer = b""
        self._interims = 0
        self._left = 0
        self._unsent = 0
        self._decoder: ChunkDecoder | None = None
        self._last_raw = b""
        self._last_head: ResponseHead | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = Outlet(cast("asyncio.Transport", transport), self.pool.outbox)

    def send(
        self, receiver: Receiver, method: str, request: bytes, now: float, *, upgrading: bool, done: bool
    ) -> None:
        """Begins an exchange: ``request`` is its head (and body, if ``done``)."""
        self.receiver = receiver
        self.method = method
        self.upgrading = upgrading
        self.request_done = done
        self.state = HEAD
        self.since = now
        self.transport.write(request)

    def send_body(self, data: bytes, *, done: bool) -> None:
        """More of the request's body, framed as the head announced."""
        self.request_done = done
        if data:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        state = self.state
        if state == HEAD:
            more = self._head(data)
            while more:  # after an interim answer
                more = self._head(more)
        elif state == LENGTH:
            self._length(data)
        elif state == CHUNKED:
            self._chunked(data)
        elif state == UNTIL_CLOSE:
            self.since = self.pool.now()
            if self.receiver is not None:
                self.receiver.answer_piece(data)
        elif state == TUNNEL:
            self.since = self.pool.now()
            if self.receiver is not None:
                self.receiver.tunnel_data(data)
        elif state == IDLE:
            # Bytes nobody asked for would be taken for the answer to the next request.
            self.close()

    def _head(self, data: bytes) -> bytes:
        """Takes one head and the body bytes with it; what follows an interim answer is returned."""
        seen = len(self._buffer)
        if seen:
            data = self._buffer + data
            self._buffer = b""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > _MAX_HEAD or not _may_become_head(data, seen):
                self._malformed()
            else:
                self._buffer = data
            return b""
        raw = data[:end]
        if raw == self._last_raw:
            head = cast("ResponseHead", self._last_head)
        else:
            try:
                if end > _MAX_HEAD:
                    raise ResponseError("head too large")
                head = self._parser.parse(raw)
            except ResponseError:
                self._malformed()
                return b""
            if end <= _MEMO_HEAD:
                self._last_raw = raw
                self._last_head = head
        status = head.status
        length = head.length
        if status < 200:
            return self._interim(head, data[end + 4 :])
        if self.method == "HEAD" or status in (204, 304):
            length = 0
        elif head.chunked or length < 0:
            self._stream(head, data[end + 4 :])
            return b""
        body = data[end + 4 :]
        got = len(body)
        if not head.keep_alive:
            self.reusable = False
        if got < length:
            self.state = LENGTH
            self._left = length
            if self.receiver is not None:
                self.receiver.answer_start(head)
            if got:
                self._length(body)
            return b""
        if got > length:
            if self.method != "HEAD" and status != 304:
                self._malformed()
                return b""
            # A body where only its length may be told is a common mistake; nobody takes it for anything.
            body = b""
            self.reusable = False
        receiver = self.receiver
        self.release()
        if receiver is not None:
            receiver.answer_whole(head, body)
        return b""

    def _interim(self, head: ResponseHead, rest: bytes) -> bytes:
        receiver = self.receiver
        self._interims += 1
        if self._interims > _MANY_INTERIM:
            # Counted over the connection's life, which is why it ends with this exchange.
            self.reusable = False
            if self._interims > _MOST_INTERIM:
                self._malformed()
                return b""
        if head.status == 101:
            if not self.upgrading or head.upgrade != b"websocket" or receiver is None:
                self._malformed()
                return b""
            self.state = TUNNEL
            self.reusable = False
            receiver.tunnel_start(head, rest)
            return b""
        if receiver is not None and head.status != 100:
            receiver.answer_interim(head)
        return rest

    def _stream(self, head: ResponseHead, rest: bytes) -> None:
        """An answer that is chunked, or ends with the connection."""
        if not head.keep_alive:
            self.reusable = False
        if head.chunked:
            self.state = CHUNKED
            self._decoder = ChunkDecoder(self._parser.memo)
        else:
            self.state = UNTIL_CLOSE
            self.reusable = False
        if self.receiver is not None:
            self.receiver.answer_start(head)
        if rest and self.state != CLOSED:
            self.data_received(rest)

    def _length(self, data: bytes) -> None:
        self.since = self.pool.now()
        self._left -= len(data)
        receiver = self.receiver
        if self._left < 0:
            # More than announced: the surplus is nobody's, and the connection cannot be trusted.
            data = data[: self._left]
            self._left = 0
            self.reusable = False
        if receiver is not None:
            receiver.answer_piece(data)
        if self._left == 0 and self.state == LENGTH:
            self.release()
            if receiver is not None:
                receiver.answer_end([])

    def _chunked(self, data: bytes) -> None:
        self.since = self.pool.now()
        decoder = cast("ChunkDecoder", self._decoder)
        try:
            pieces = decoder.feed(data)
        except ChunkError:
            self._malformed()
            return
        receiver = self.receiver
        if receiver is not None:
            for piece in pieces:
                receiver.answer_piece(piece)
        if decoder.done and self.state == CHUNKED:
            if decoder.rest:
                self.reusable = False
            self._decoder = None
            self.release()
            if receiver is not None:
                receiver.answer_end(decoder.trailers)

    def release(self) -> None:
        """The exchange is over: back to the pool, or closed when it cannot be used again."""
        self.receiver = None
        self.used = True
        self.state = IDLE
        self.pool.give_back(self, reuse=self.reusable and self.request_done)

    def close(self, *, blame: bool = False) -> None:
        """Closes at once; its receiver hears nothing. ``blame``: the target did wrong, and its health should know."""
        if self.state != CLOSED:
            busy = self.state != IDLE
            self.receiver = None
            self.state = CLOSED
            self.transport.abort()
            self.pool.lost(self, busy=busy, blame=blame)

    def fail(self, reason: str) -> None:
        """Closes at once, blames the target and tells the receiver why."""
        receiver = self.receiver
        self._buffer = b""
        self.close(blame=True)
        if receiver is not None:
            receiver.answer_failed(reason, clean=False)

    def _malformed(self) -> None:
        self.fail("upstream_malformed")

    def took_more(self) -> bool:
        """Whether the peer took some of what waits to be sent since this was last asked."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        return self._unsent < before

    def pause(self) -> None:
        """Its receiver takes no more for now."""
        if not self.reading_paused and self.state != CLOSED:
            self.reading_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Its receiver takes more again."""
        if self.reading_paused and self.state != CLOSED:
            self.reading_paused = False
            self.transport.resume_reading()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._read_what_came()
        state = self.state
        if state == CLOSED:
            return
        receiver = self.receiver
        self.receiver = None
        self.state = CLOSED
        ended = state == TUNNEL or (state == UNTIL_CLOSE and exc is None)
        clean = state == HEAD and not self._buffer
        if ended:
            self.pool.ended(self)
        else:
            # A kept connection that the peer closed just before it was used again says nothing about its health.
            self.pool.lost(self, busy=state != IDLE, blame=not (clean and self.used))
        if receiver is None:
            return
        if ended:
            receiver.answer_end([])
        else:
            receiver.answer_failed("upstream_closed", clean=clean, stale=clean and self.used)

    def _read_what_came(self) -> None:
        """Takes what the peer sent before the connection broke.

        An upstream that refuses a long body answers and closes, and is reset by what of the body still comes: then
        writing fails before its answer was read. Within TLS nothing can be had any more.
        """
        transport = self.transport
        connected = transport.get_extra_info("socket")
        if connected is None or transport.get_extra_info("ssl_object") is not None:
            return
        with contextlib.suppress(OSError):
            while self.state in (HEAD, LENGTH, CHUNKED) and not self.reading_paused:
                data = os.read(connected.fileno(), _MAX_HEAD)
                if not data:
                    return
                self.data_received(data)

    def pause_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.pause_sending()

    def resume_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.resume_sending()


def _may_become_head(data: bytes, seen: int) -> bool:
    """Whether ``data`` can be the start of a head; of its first ``seen`` bytes this is known.

    What never can is refused at once: its end might never be found, and the client would wait until it is too late.
    """
    if seen < len(_VERSION) and data[: len(_VERSION)] != _VERSION[: len(data)]:
        return False
    return data.count(b"\n", seen) == data.count(b"\r\n", max(seen - 1, 0))
