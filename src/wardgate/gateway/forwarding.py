"""The request on its way to the upstream: a target, a connection to it, another one if that is safe, or a tunnel."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, cast

from wardgate.domain.rejection import Rejection
from wardgate.gateway.answering import BUSY, TUNNEL
from wardgate.gateway.identity import certificate_line
from wardgate.gateway.receiving import Receiving
from wardgate.gateway.upstream import UpstreamConnection

if TYPE_CHECKING:
    from wardgate.gateway.head import RequestHead
    from wardgate.gateway.pool import Target, UpstreamPool
    from wardgate.gateway.response_head import ResponseHead
    from wardgate.gateway.snapshot import Matched, Mounted
    from wardgate.policy.exchange import Exchange

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Forwarding(Receiving):
    """The upstream side of a client connection; implements ``pool.Waiter``."""

    #: The ``X-Forwarded-*`` lines for the upstream.
    forwarded: bytes

    def __init__(self) -> None:
        super().__init__()
        self.target = None
        self.attempts = 0
        #: Whether a connection to the upstream is being opened or waited for.
        self.waits_for_upstream = False
        self.sent_at = 0.0
        #: Whether the next attempt must not use a kept connection.
        self._afresh = False
        #: A step that is being waited for.
        self._task: asyncio.Task[None] | None = None

    def forward(self) -> None:
        """Sends the request to a target; a connection is taken, or opened."""
        pool = self._pool()
        target = pool.choose(self.started, self.target if self.attempts else None)
        if target is None:
            self.reject(Rejection.of("upstream_unavailable", retry_after=1))
            return
        self.target = target
        if target.idle and not self._afresh:
            connection = target.idle.pop()
            try:
                self._send(connection, target)
            except Exception as error:
                pool.unused(connection)
                self._failed_inside(error)
        else:
            self.waits_for_upstream = True
            self.sent_at = monotonic()
            pool.connect(target, self)

    def _failed_inside(self, error: Exception) -> None:
        """The request could not even be rendered for the upstream."""
        self.upstream = None
        self.waits_for_upstream = False
        self.worker.report(error)
        self.reject(Rejection.of("gateway_error"))

    def _pool(self) -> UpstreamPool:
        matched = self.matched
        if matched is None or matched.mounted is None:
            raise RuntimeError("forward without a matched resource")
        return matched.mounted.pool

    def upstream_ready(self, connection: UpstreamConnection) -> bool:
        """Takes the connection that was opened for this request, if it still waits."""
        if (
            self.state != BUSY
            or not self.waits_for_upstream
            or self.exchange is None
            or connection.pool is not self._pool()
        ):
            return False
        self.target = connection.target
        try:
            self._send(connection, connection.target)
        except Exception as error:
            self._failed_inside(error)
            return False
        return True

    def upstream_refused(self, reason: str, target: Target | None) -> None:
        """No connection could be opened: nothing was sent, so any request may go elsewhere."""
        if self.state != BUSY or not self.waits_for_upstream or self.exchange is None:
            return
        pool = self._pool()
        if target is not None and target not in pool.targets:
            return
        self.waits_for_upstream = False
        if target is not None and pool.may_retry(self.attempts):
            self.attempts += 1
            self.worker.count_retry()
            self.forward()
        else:
            self.reject(Rejection.of(reason))

    def _send(self, connection: UpstreamConnection, target: Target) -> None:
        matched = cast("Matched", self.matched)
        head = cast("RequestHead", self.head)
        mounted = cast("Mounted", matched.mounted)
        host = target.host_line
        if mounted.pool.upstream.preserve_host and head.block.authority:
            host = b"Host: " + head.block.authority + b"\r\n"
        exchange = cast("Exchange", self.exchange)
        forward = exchange.forward
        if mounted.hop:
            tls = self.transport.get_extra_info("ssl_object")
            forward += certificate_line(tls.getpeercert(True) if tls is not None else None)
        parts = [
            matched.verb,
            target.prefix,
            matched.tail,
            host,
            matched.fields,
            self.forwarded,
            self.worker.identity_lines(exchange),
            forward,
            b"X-Wardgate-Request-Id: ",
            self.request_id,
            b"\r\n\r\n",
        ]
        self.upstream = connection
        self.waits_for_upstream = False
        if self.paused:
            connection.pause()
        self.sent_at = now = monotonic()
        if head.has_body:
            if self._pending:
                parts.extend(self._pending)
                self._pending = []
            # Before anything is written: the upstream may at once ask to read no more.
            self._resume_reading()
            connection.send(self, head.method, b"".join(parts), now, upgrading=False, done=not self.body_open)
            if head.block.meaning.expect_continue and self.body_open:
                self.transport.write(_CONTINUE)
        else:
            connection.send(self, head.method, b"".join(parts), now, upgrading=head.upgrade, done=True)

    def may_retry(self, *, stale: bool) -> bool:
        """Whether the request is idempotent, has no body, and the upstream's retry budget allows another attempt.

        A stale connection is no failure of the upstream: the first one costs no budget, and a new one follows it.
        """
        head = self.head
        if head is None or head.method not in _IDEMPOTENT or head.has_body or head.upgrade:
            return False
        if stale and not self._afresh:
            self._afresh = True
            return True
        return self._pool().may_retry(self.attempts)

    @property
    def deciding(self) -> bool:
        """Whether a step is being waited for."""
        return self._task is not None

    def step_late(self) -> None:
        """A step waits for too long."""
        self._abandon()
        self.reject(Rejection.of("gateway_error", note="a step took too long"))

    def tunnel_start(self, head: ResponseHead, rest: bytes) -> None:
        """The upstream accepted the upgrade: from here on bytes go both ways as they are."""
        self.state = TUNNEL
        self.keep_alive = False
        self.transport.write(
            head.block + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"X-Wardgate-Request-Id: %b\r\n%b\r\n"
            % (self.request_id, self.matched.lines if self.matched is not None else b"")
            + rest
        )
        self.bytes_out += len(rest)
        early, self.buffer = self.buffer, b""
        self._resume_reading()
        if early and self.upstream is not None:
            self.bytes_in += len(early)
            self.upstream.transport.write(early)
        self.begun()

    def tunnel_data(self, data: bytes) -> None:
        """Bytes from the upstream."""
        self.since = self.worker.now()
        self.bytes_out += len(data)
        self.transport.write(data)

    def _abandon(self) -> None:
        """Lets go of the upstream connection; what it may still send is nobody's."""
        self.waits_for_upstream = False
        task, self._task = self._task, None
        if task is not None:
            # Not before its first turn: a task that never began would leave what it waits for to nobody.
            task.get_loop().call_soon(task.cancel)
        connection, self.upstream = self.upstream, None
        if connection is not None:
            connection.close()
        elif self.matched is not None and self.matched.mounted is not None:
            self.matched.mounted.pool.forget_waiter(self)
