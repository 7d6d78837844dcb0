"""A client's connection: requests are parsed one at a time, decided by their resource's steps, forwarded, recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import monotonic
from typing import TYPE_CHECKING, cast

from wardgate.domain.rejection import Rejection
from wardgate.gateway.answering import BUSY, DISCARD, GONE, LINGER, TUNNEL, WAIT
from wardgate.gateway.chunked import ChunkDecoder
from wardgate.gateway.forwarding import Forwarding
from wardgate.gateway.head import FieldBlock, HeadError, RequestHead
from wardgate.gateway.outlet import Outlet
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.policy.exchange import Exchange

if TYPE_CHECKING:
    from wardgate.gateway.hosts import HostTable
    from wardgate.gateway.snapshot import Matched
    from wardgate.gateway.worker import Worker

_MEMO_HEAD = 2048
#: Pipelined requests answered without leaving the loop to other connections.
_TURN = 16
#: Bytes read at once after which the sender of a chunked body waits for a turn of the loop.
_LARGE_READ = 32 * 1024


class ClientConnection(Forwarding):
    """One accepted connection. ``client``, ``secure``, ``scheme`` (as the client called) and ``forwarded`` are worked out
    once where that is possible."""

    def __init__(
        self, worker: Worker, *, tls: bool, peer: str | None = None, hosts: HostTable | None = None
    ) -> None:
        """``hosts`` says which of several environments a request is for; ``None``: all are for that of ``worker``."""
        super().__init__()
        self.worker = worker
        self.hosts = hosts
        self.tls = tls
        self.peer = peer or ""
        self.client = self.peer
        self.secure = tls
        self.scheme = ""
        #: The thumbprint of the client's certificate (RFC 8705 section 3.1); empty where it showed none.
        self.certificate = ""
        self.forwarded = b""
        #: Whether the peer is a trusted proxy, so that each request names its own client.
        self.per_request_client = False
        #: The Host that ``forwarded`` was rendered for; unlike any at first.
        self.authority = b"\0"
        #: The last request's fields: the next one's are likely the same.
        self._last_block: FieldBlock | None = None
        self.state = WAIT
        self.since = 0.0
        self.stalled_since = 0.0
        self.half_closed = False
        #: Whether a request was answered on this connection: then it may idle, before that it must hurry.
        self.served = False
        self.head = None
        self.matched = None
        self.exchange = None
        self.request_id = b""
        self.started = 0.0
        self._last_raw = b""
        self._last_head: RequestHead | None = None
        self._pumping = False

    # -- transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = Outlet(cast("asyncio.Transport", transport), self.worker.outbox)
        self.since = monotonic()
        self.worker.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        state, self.state = self.state, GONE
        self.worker.closed(self)
        if state in (BUSY, TUNNEL):
            self._abandon()
            self._record(
                101 if state == TUNNEL else 499, "ok" if state == TUNNEL else "client_closed", monotonic()
            )

    def eof_received(self) -> bool:
        # A client may half-close after its request and wait for the answer; the worker's timer bounds how long.
        self.keep_alive = False
        if self.state == TUNNEL or self.body_open or self.state in (WAIT, DISCARD, LINGER):
            return False
        if self.head is not None and self.head.upgrade:
            return False
        self.half_closed = True
        return not self.tls

    def pause_writing(self) -> None:
        self.paused = True
        self.stalled_since = monotonic()
        if self.upstream is not None:
            self.upstream.pause()

    def resume_writing(self) -> None:
        self.paused = False
        if self.upstream is not None:
            self.upstream.resume()
        elif self.state == WAIT and (self.buffer or self.reading_paused):
            self.since = monotonic()
            self._next()

    def data_received(self, data: bytes) -> None:
        state = self.state
        if state == WAIT:
            if self.paused:
                self._keep(data)
                return
            before = self.buffer
            if before:
                data = before + data
                self.buffer = b""
            self._pump(data)
            if not before and self.buffer and self.state == WAIT:
                # The time a head may take runs from its first byte, not from the end of the last exchange.
                self.since = monotonic()
        elif state in (BUSY, DISCARD):
            if self.body_open:
                self.since = monotonic()
                self._body(data)
                if self._decoder is not None and len(data) >= _LARGE_READ:
                    self._breathe()
            else:
                self._keep(data)
        elif state == TUNNEL and self.upstream is not None:
            self.since = monotonic()
            self.bytes_in += len(data)
            self.upstream.transport.write(data)

    # -- requests

    def _pump(self, data: bytes) -> None:
        """Takes requests off ``data`` for as long as each is answered at once; past some the others get their turn."""
        self._pumping = True
        taken = 0
        while True:
            end = data.find(b"\r\n\r\n")
            if end <= 0:
                if data and not self._incomplete(data):
                    data = data[2:]
                    continue
                break
            raw = data[:end]
            rest = data[end + 4 :]
            if raw == self._last_raw:
                self._begin(cast("RequestHead", self._last_head), rest)
            else:
                self._parse(raw, rest)
            if self.state != WAIT or not self.buffer or self.paused:
                break
            taken += 1
            if taken == _TURN:
                # Not reading meanwhile: else the loop itself would read on here as long as bytes keep coming.
                self._pause_reading()
                asyncio.get_running_loop().call_soon(self._go_on)
                break
            data = self.buffer
            self.buffer = b""
        self._pumping = False

    def _breathe(self) -> None:
        """Lets other connections have a turn: tiny chunks are dear, and the loop would read on while they come."""
        if not self.reading_paused and not self.transport.is_closing():
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._breathed)

    def _breathed(self) -> None:
        if not self.reading_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _go_on(self) -> None:
        """The next turn of a client that pipelines many requests."""
        if self.state == WAIT and self.buffer and not self.paused:
            self._next()

    def _incomplete(self, data: bytes) -> bool:
        """Keeps the start of a head; false: one empty line stands before it (RFC 9112 section 2.2), drop that."""
        if data.startswith(b"\r\n") and len(data) > 2 and data[2] not in (0x0D, 0x0A):
            return False
        bounds = self.worker.bounds
        if len(data) > bounds.max_header_bytes:
            over = "uri_too_long" if b"\r\n" not in data else "headers_too_large"
            self._refuse(over, data)
        elif data != b"\r" and data != b"\r\n" and (data[0] <= 0x20 or data[0] >= 0x7F or _bare_lf(data)):
            self._refuse("request_malformed", data)
        else:
            self.buffer = data
        return True

    def _parse(self, raw: bytes, rest: bytes) -> None:
        if raw.startswith(b"\r\n"):
            raw = raw[2:]
        if len(raw) > self.worker.bounds.max_header_bytes:
            self._refuse("headers_too_large", raw)
            return
        try:
            head = self.worker.parser.parse(raw, self._last_block)
        except HeadError as error:
            self._refuse(error.reason, raw, error.note)
            return
        if len(raw) <= _MEMO_HEAD:
            self._last_raw = raw
            self._last_head = head
        self._begin(head, rest)

    def _refuse(self, reason: str, data: bytes, note: str = "") -> None:
        """Answers what is no acceptable request; nothing after it on this connection can be trusted."""
        self._start(None, monotonic())
        self.keep_alive = False
        self.refused_head = data.startswith(b"HEAD ")
        self.reject(Rejection.of(reason, note=note))

    def _start(self, head: RequestHead | None, now: float) -> None:
        """A request begins: nothing of the last one is left."""
        self.state = BUSY
        self.head = head
        self.started = self.since = now
        self.request_id = self.worker.next_request_id()
        self.matched = None
        self.exchange = None
        self.target = None
        self.attempts = self.bytes_in = self.bytes_out = 0
        self.answer_started = False
        self._afresh = False

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        now = monotonic()
        self._start(head, now)
        worker = self.worker
        if not head.keep_alive:
            self.keep_alive = False
        block = head.block
        if block is not self._last_block:
            if self.per_request_client or block.authority != self.authority:
                worker.identify_client(self, head)
                worker = self.worker
            self._last_block = block
        if head.has_body:
            self.body_open = True
            self._body_left = head.content_length
            self._decoder = ChunkDecoder(worker.parser.memo) if head.chunked else None
        matched = cast("Matched | None", head.matched)
        try:
            if matched is None or matched.snapshot is not worker.snapshot:
                matched = head.matched = worker.snapshot.match(head)
            self.matched = matched
            resource = matched.resource
            if resource is None:
                worker.answer_unrouted(self, head, matched)
            elif head.content_length > resource.max_body:
                self.reject(Rejection.of("body_too_large"))
            else:
                exchange = Exchange(head, resource, matched.digest, self.client, self.secure, now, worker)
                if matched.token is not None:
                    exchange.token = matched.token
                    exchange.certificate = self.certificate
                    exchange.scheme = self.scheme
                self.exchange = exchange
                for index, step in enumerate(resource.steps):
                    verdict = step(exchange)
                    if verdict is not None:
                        if type(verdict) is Rejection:
                            self.reject(verdict)
                        else:
                            self._wait(exchange, cast("Awaitable[Rejection | None]", verdict), index + 1)
                        break
                else:
                    self.forward()
        except HeadError as refused:
            self.reject(Rejection.of(refused.reason))
        except StoreUnavailableError:
            self.reject(Rejection.of("store_unavailable", retry_after=1))
        except Exception as error:
            worker.report(error)
            if self.state == BUSY:
                self.reject(Rejection.of("gateway_error"))
        if rest and self.state not in (LINGER, GONE):
            if self.body_open:
                self._body(rest)
            else:
                self._keep(rest)

    def _wait(self, exchange: Exchange, pending: Awaitable[Rejection | None], index: int) -> None:
        self._task = asyncio.get_running_loop().create_task(self._resume(exchange, pending, index))

    async def _resume(self, exchange: Exchange, pending: Awaitable[Rejection | None], index: int) -> None:
        """Waits for a step, then runs those after it."""
        try:
            verdict = await pending
            for step in exchange.resource.steps[index:]:
                if verdict is not None or self.exchange is not exchange:
                    break
                outcome = step(exchange)
                verdict = await outcome if isinstance(outcome, Awaitable) else outcome
            if verdict is not None and not isinstance(verdict, Rejection):
                raise TypeError(
                    f"a step of {exchange.resource.name} returned {verdict!r}, which is no verdict"
                )
        except asyncio.CancelledError:
            self.worker.release(exchange)
            raise
        except StoreUnavailableError:
            verdict = Rejection.of("store_unavailable", retry_after=1)
        except Exception as error:
            self.worker.report(error)
            verdict = Rejection.of("gateway_error")
        if self.exchange is not exchange or self.state != BUSY:
            self.worker.release(exchange)
            return
        self._task = None
        if verdict is not None:
            self.reject(verdict)
        else:
            self.forward()

    # -- the end of an exchange

    def finish(self, status: int, reason: str, *, cut: bool = False) -> None:
        """Records the exchange; then the next request, the rest of this one's body, or the end."""
        now = self.since = monotonic()
        self._record(status, reason, now)
        if self.upstream is not None or self.waits_for_upstream:
            self._abandon()
        if self._pending:
            # A body that nobody took must not be taken for the next request's.
            self._pending = []
        if cut:
            # Without a length only a reset tells the client that the body is not whole; else what was sent may go out.
            self.state = LINGER
            self.buffer = b""
            if self.ends_with_connection:
                self.transport.reset()
            else:
                self.transport.close()
        elif not self.keep_alive:
            self._linger()
        elif self.body_open:
            self.state = DISCARD
            self._resume_reading()
        else:
            self._next()

    def refuse(self, reason: str) -> None:
        """Refuses from outside a request: too many connections, or too slow."""
        self._refuse(reason, self.buffer)

    def begun(self) -> None:
        """The answer has begun; whether it still may is looked at where rights changed since it was asked for."""
        self.worker.standing.begun(self)

    def forget_host(self) -> None:
        """Whose host the next request names is looked up anew."""
        self.authority = b"\0"
        self._last_block = None

    def cut_off(self, reason: str) -> None:
        """Ends a stream or tunnel from outside: the right to it is gone."""
        self.keep_alive = False
        self.finish(101 if self.state == TUNNEL else self.answer_status, reason, cut=True)

    def _next(self) -> None:
        """Ready for the next request, which may have arrived already."""
        self.state = WAIT
        self.served = True
        if self.buffer and not self._pumping and not self.paused:
            data, self.buffer = self.buffer, b""
            self._resume_reading()
            self._pump(data)
        elif self.reading_paused and not self.paused:
            self._resume_reading()

    def _linger(self) -> None:
        """Closes so that the client can read the answer even if it is still sending."""
        self.keep_alive = False
        self.buffer = b""
        self.since = monotonic()
        self.state = LINGER
        self._resume_reading()
        if self.tls or self.half_closed:
            self.transport.close()
        else:
            self.transport.write_eof()

    def _record(self, status: int, reason: str, now: float) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            limit_set = exchange.limit_set
            if limit_set is not None and limit_set.holds:
                limit_set.release()
                exchange.limit_set = None
        self.worker.record(self, exchange, status, reason, now)


def _bare_lf(data: bytes) -> bool:
    """Whether a line of ``data`` ends without CR."""
    return data.count(b"\n") != data.count(b"\r\n")
