"""One coarse timer a worker instead of one per request: it finds what waits for too long."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from wardgate.domain.rejection import Rejection
from wardgate.gateway import standing
from wardgate.gateway.answering import BUSY, DISCARD, LINGER, TUNNEL, WAIT
from wardgate.gateway.upstream import CHUNKED, HEAD, LENGTH, UNTIL_CLOSE

if TYPE_CHECKING:
    from wardgate.gateway.connection import ClientConnection
    from wardgate.gateway.worker import Worker

_TICK = 0.25
_LINGER_SECONDS = 2.0
_HALF_CLOSED_SECONDS = 10.0


class Timers:
    """Checks every connection four times a second; time-outs are late by at most that."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Ticks from now on."""
        self._handle = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def stop(self) -> None:
        """No more ticks."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(_TICK, self._tick)
        now = monotonic()
        worker = self._worker
        try:
            worker.beat(now)
        except Exception as error:
            worker.report(error)
        for connection in list(worker.connections):
            try:
                self._check(connection, now)
            except Exception as error:
                worker.report(error)
                connection.transport.abort()
        for pool in worker.pools():
            pool.tick(now)

    def close_idle(self, idle_for: float) -> None:
        """Closes connections without a request for at least ``idle_for`` seconds, for good soon after.

        Over TLS a close waits for the client to say goodbye too, and one that keeps the connection in a pool does not
        look at it before its next request.
        """
        now = monotonic()
        for connection in list(self._worker.connections):
            if connection.state != WAIT or connection.buffer:
                continue
            age = now - connection.since
            transport = connection.transport
            if transport.is_closing():
                if age >= _LINGER_SECONDS and not transport.get_write_buffer_size():
                    transport.abort()
            elif age >= idle_for:
                transport.close()
                connection.since = now

    def _check(self, connection: ClientConnection, now: float) -> None:
        bounds = self._worker.bounds
        state = connection.state
        age = now - connection.since
        if state == WAIT:
            if connection.paused:
                # It takes its last answer; what it asked for next waits for that.
                if now - connection.stalled_since > bounds.idle_timeout:
                    connection.transport.abort()
            elif connection.buffer:
                if age > bounds.header_timeout:
                    connection.refuse("request_timeout")
            elif age > (bounds.idle_timeout if connection.served else bounds.header_timeout):
                # Closing waits for the client to take what was sent: that long it was given already.
                if connection.transport.is_closing():
                    connection.transport.abort()
                else:
                    connection.transport.close()
        elif state == BUSY:
            self._busy(connection, now, age)
        elif state == DISCARD:
            if age > bounds.body_timeout:
                connection.transport.abort()
        elif state == LINGER:
            transport = connection.transport
            # One that was closed outright ends by itself once everything is sent.
            done = not transport.is_closing() and transport.get_write_buffer_size() == 0
            if (age > _LINGER_SECONDS and done) or age > bounds.idle_timeout:
                transport.abort()
        elif state == TUNNEL and age > bounds.tunnel_idle_timeout:
            connection.transport.abort()
        if state in (BUSY, TUNNEL):
            reason = standing.outlived(connection, self._worker.wall())
            if reason is not None:
                connection.cut_off(reason)

    def _busy(self, connection: ClientConnection, now: float, age: float) -> None:
        bounds = self._worker.bounds
        if connection.paused:
            # The client does not take what it asked for.
            if now - connection.stalled_since > bounds.idle_timeout:
                connection.transport.abort()
            return
        if connection.half_closed and age > _HALF_CLOSED_SECONDS:
            connection.transport.abort()
            return
        upstream = connection.upstream
        if connection.body_open and not connection.reading_paused and age > bounds.body_timeout:
            connection.body_late()
        elif upstream is not None:
            timeouts = upstream.pool.upstream.timeouts
            if connection.reading_paused and upstream.took_more():
                upstream.since = now
            waited = now - max(upstream.since, connection.since)
            if upstream.state == HEAD and connection.body_open:
                late = connection.reading_paused and waited > timeouts.idle
            elif upstream.state == HEAD:
                late = waited > timeouts.response
            else:
                late = upstream.state in (LENGTH, CHUNKED, UNTIL_CLOSE) and waited > timeouts.idle
            if late:
                upstream.fail("upstream_timeout")
        elif connection.waits_for_upstream and age > bounds.body_timeout:
            connection.reject(Rejection.of("upstream_unavailable", retry_after=1))
        elif connection.deciding and age > bounds.body_timeout:
            connection.step_late()
