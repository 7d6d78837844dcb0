"""The answer's way back to the client: head and body from the upstream, or the gateway's own, and what is recorded."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from wardgate.domain.rejection import Rejection
from wardgate.gateway import answers
from wardgate.gateway.chunked import encode, last_chunk
from wardgate.gateway.outlet import Outlet
from wardgate.gateway.response_head import ResponseHead

if TYPE_CHECKING:
    from wardgate.gateway.head import RequestHead
    from wardgate.gateway.pool import Target
    from wardgate.gateway.snapshot import Matched
    from wardgate.gateway.upstream import UpstreamConnection
    from wardgate.gateway.worker import Worker
    from wardgate.policy.exchange import Exchange

#: States of a client connection: between requests, in one, reading off the rest of an answered one's body,
#: closing gently (reading and forgetting, so that no reset overtakes the answer), tunnelling, gone.
WAIT, BUSY, DISCARD, LINGER, TUNNEL, GONE = range(6)

_RAW: Final = 0
_CHUNKED: Final = 1
_TO_CLOSE: Final = 2
_NONE: Final = 3

_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"


class Answering:
    """The response side of a client connection; implements ``upstream.Receiver``.

    An asyncio protocol by its methods, not by inheritance: a class of its own compiles to a plain C structure.
    """

    worker: Worker
    transport: Outlet
    state: int
    since: float
    client: str
    secure: bool
    #: The request in flight.
    head: RequestHead | None
    matched: Matched | None
    exchange: Exchange | None
    upstream: UpstreamConnection | None
    target: Target | None
    request_id: bytes
    started: float
    attempts: int
    body_open: bool
    bytes_in: int
    bytes_out: int
    keep_alive: bool
    answer_started: bool
    paused: bool

    def __init__(self) -> None:
        #: Whether what was refused before it was parsed asked with HEAD; its connection ends with that.
        self.refused_head = False
        self._mode = _RAW
        self._status = 0
        self.keep_alive = True
        self.answer_started = False
        self.paused = False
        self.bytes_out = 0

    # -- the upstream's answer

    def answer_whole(self, head: ResponseHead, body: bytes) -> None:
        """Sends a complete answer in one write."""
        self.upstream = None
        no_body = self._no_body(head.status)
        parts = [head.block, self._lines(), b"\r\n" if head.dated else answers.date_line() + b"\r\n"]
        if body and not no_body:
            parts.append(body)
            self.bytes_out = len(body)
        self.transport.write(b"".join(parts))
        self.finish(head.status, "ok")

    def answer_interim(self, head: ResponseHead) -> None:
        """Passes a 1xx on to a client that understands them."""
        if self.state == BUSY and self.head is not None and self.head.minor == 1:
            self.transport.write(head.block + b"\r\n")

    def answer_start(self, head: ResponseHead) -> None:
        """Sends the head of a streamed answer with the framing this client understands."""
        request = self.head
        if self.state != BUSY or request is None:
            return
        self.answer_started = True
        self._status = head.status
        framing = b""
        if self._no_body(head.status):
            self._mode = _NONE
            if head.chunked:
                framing = b"Transfer-Encoding: chunked\r\n"
        elif head.length >= 0:
            self._mode = _RAW
        elif request.minor == 1:
            self._mode = _CHUNKED
            framing = b"Transfer-Encoding: chunked\r\n"
        else:
            self._mode = _TO_CLOSE
            self.keep_alive = False
        if not head.dated:
            framing += answers.date_line()
        self.transport.write(b"".join((head.block, framing, self._lines(), b"\r\n")))
        self.begun()

    def answer_piece(self, piece: bytes) -> None:
        """Sends the next body bytes."""
        if self.state != BUSY or not piece:
            return
        self.since = self.worker.now()
        self.bytes_out += len(piece)
        if self._mode == _CHUNKED:
            self.transport.write(encode([piece]))
        elif self._mode != _NONE:
            self.transport.write(piece)

    def answer_end(self, trailers: list[bytes]) -> None:
        """The answer is complete."""
        self.upstream = None
        if self.state == TUNNEL:
            self.finish(101, "ok")
            return
        if self.state != BUSY:
            return
        if self._mode == _CHUNKED:
            self.transport.write(last_chunk(trailers))
        self.finish(self._status, "ok")

    def answer_failed(self, reason: str, *, clean: bool, stale: bool = False) -> None:
        """The upstream failed: again with another connection if that is safe, else the client is told."""
        self.upstream = None
        if self.state == TUNNEL:
            self.finish(101, reason)
            return
        if self.state != BUSY:
            return
        if self.answer_started:
            # The status is sent; only cutting the connection tells the client that the body is not whole.
            self.keep_alive = False
            self.finish(self._status, reason, cut=True)
        elif clean and self.may_retry(stale=stale):
            self.attempts += 1
            self.worker.count_retry()
            self.forward()
        else:
            self.reject(Rejection.of(reason))

    @property
    def answer_status(self) -> int:
        """The status of the answer that is being streamed."""
        return self._status

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the connection's end tells the client that the answer is whole."""
        return self._mode == _TO_CLOSE

    # -- the gateway's own answers

    def reject(self, rejection: Rejection) -> None:
        """Answers with the rejection's problem, or its OAuth 2.0 error, and records its reason."""
        status = rejection.reason.status
        if self.body_open and self.head is not None and self.head.block.meaning.expect_continue:
            self.keep_alive = False
        mounted = self.matched.mounted if self.matched is not None else None
        oauth = mounted is not None and mounted.oauth
        lines = self._lines() + answers.date_line()
        answer = answers.problem(rejection, lines, with_body=not self._no_body(status), oauth=oauth)
        self.transport.write(answer)
        self.finish(status, rejection.reason.name)

    def answer_document(self, status: int, content_type: bytes, body: bytes, more: bytes = b"") -> None:
        """Answers with a small document of the gateway's own."""
        lines = more + self._lines() + answers.date_line()
        self.transport.write(
            answers.document(status, content_type, body, lines, with_body=not self._no_body(status))
        )
        self.bytes_out = len(body)
        self.finish(status, "ok")

    def _no_body(self, status: int) -> bool:
        head = self.head
        asked_head = self.refused_head if head is None else head.method == "HEAD"
        return asked_head or status in (204, 304)

    def _lines(self) -> bytes:
        """The header lines the gateway adds to every answer of the request in flight."""
        lines = b"X-Wardgate-Request-Id: %b\r\n" % self.request_id
        exchange = self.exchange
        if exchange is not None:
            limit_set = exchange.limit_set
            if limit_set is not None:
                lines += limit_set.headers(exchange.now)
            if exchange.answer:
                lines += exchange.answer
        matched = self.matched
        if matched is not None and matched.lines:
            lines += matched.lines
        if self.worker.draining:
            self.keep_alive = False
        if not self.keep_alive:
            return lines + _CLOSE
        head = self.head
        if head is not None and head.minor == 0:
            return lines + _KEEP
        return lines

    # -- what the request side provides

    @abstractmethod
    def begun(self) -> None:
        """A stream or tunnel is open from now on."""

    @abstractmethod
    def finish(self, status: int, reason: str, *, cut: bool = False) -> None:
        """Records the exchange and gets ready for the next request, or closes."""

    @abstractmethod
    def forward(self) -> None:
        """Sends the request to an upstream target."""

    @abstractmethod
    def may_retry(self, *, stale: bool) -> bool:
        """Whether the request may be sent again; ``stale``: what failed was a kept connection, not the upstream."""
