"""The connections to one API's upstream: kept alive, bounded, spread over healthy targets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import ssl
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast
from urllib.parse import urlsplit

from wardgate.domain.upstream import Upstream
from wardgate.gateway.balance import Balancer, RetryBudget, TargetState
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.response_head import ResponseParser
from wardgate.gateway.upstream import CLOSED, UpstreamConnection

log = logging.getLogger("wardgate.gateway")

#: Why no connection can be opened that are nobody else's: files or memory of this process or machine are used up.
_OWN_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds between two lines of the log about that.
_SILENCE = 10.0
#: An idle connection is closed after this, and any one after an hour, so that changed names take effect.
IDLE_SECONDS = 50.0
_MAX_AGE = 3600.0


class Waiter(Protocol):
    """Who waits for a connection."""

    def upstream_ready(self, connection: UpstreamConnection) -> bool:
        """Takes the connection; false if it is no longer wanted."""

    def upstream_refused(self, reason: str, target: Target | None) -> None:
        """There will be none."""


class Target:
    """One address of an upstream: ``prefix`` is its path (no trailing slash), ``host_line`` the Host field."""

    __slots__ = ("host", "host_line", "idle", "name", "port", "prefix", "state", "tls")

    def __init__(self, url: str, state: TargetState) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"upstream target {url!r} must be an http:// or https:// URL")
        self.name = url
        self.tls = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.tls else 80)
        self.prefix = parts.path.rstrip("/").encode()
        shown = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == (443 if self.tls else 80)
        self.host_line = (f"Host: {shown}" if default else f"Host: {shown}:{self.port}").encode() + b"\r\n"
        self.idle: list[UpstreamConnection] = []
        self.state = state


class UpstreamPool:
    """Connections to the targets of one upstream. Take an idle one of the chosen target or ``connect``;
    ``give_back`` or ``lost`` ends its use."""

    def __init__(
        self,
        upstream: Upstream,
        parser: ResponseParser,
        now: Callable[[], float],
        random: Callable[[], float],
        write_buffer: int,
        outbox: Outbox,
    ) -> None:
        self.upstream = upstream
        self.outbox = outbox
        self.now = now
        self._parser = parser
        self._write_buffer = write_buffer
        self._balancer = Balancer(upstream.targets, upstream.breaker, random, upstream.health)
        self.targets = [
            Target(url, state) for url, state in zip(upstream.targets, self._balancer.targets, strict=True)
        ]
        self._by_state = {id(target.state): target for target in self.targets}
        self._only = self.targets[0] if len(self.targets) == 1 else None
        self._budget = RetryBudget(upstream.retry_budget)
        self.connections: set[UpstreamConnection] = set()
        self._opening = 0
        self._waiting: deque[Waiter] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.tls = _client_context(upstream) if any(target.tls for target in self.targets) else None
        self.retired = False
        self._told = -_SILENCE

    def server_name(self, target: Target) -> str | None:
        """The name the target's certificate must have; ``None`` without TLS."""
        return (self.upstream.tls.server_name or target.host) if target.tls else None

    def choose(self, now: float, exclude: Target | None = None) -> Target | None:
        """A healthy target, counted as in flight; ``None`` when every one is out."""
        if exclude is None:
            self._budget.requests += 1
            only = self._only
            if only is not None and not only.state.out:
                only.state.in_flight += 1
                return only
        state = self._balancer.choose(now, exclude.state if exclude is not None else None)
        if state is None:
            return None
        return self._only or self._by_state[id(state)]

    def connect(self, target: Target, waiter: Waiter) -> None:
        """Opens a connection for ``waiter``; past the bound it waits for one to come free."""
        full = len(self.connections) + self._opening >= self.upstream.max_connections
        if full and not self._make_room():
            target.state.cancel()
            self._waiting.append(waiter)
            return
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._open(target, waiter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _make_room(self) -> bool:
        """Closes the connection that is idle for longest at another target; false if none is."""
        idle = [target.idle[0] for target in self.targets if target.idle]
        if not idle:
            return False
        oldest = min(idle, key=lambda connection: connection.since)
        oldest.target.idle.remove(oldest)
        oldest.state = CLOSED
        oldest.transport.abort()
        self.connections.discard(oldest)
        return True

    async def _open(self, target: Target, waiter: Waiter) -> None:
        loop = asyncio.get_running_loop()
        connection: UpstreamConnection | None
        own_fault = False
        try:
            async with asyncio.timeout(self.upstream.timeouts.connect):
                _, protocol = await loop.create_connection(
                    lambda: cast("asyncio.BaseProtocol", UpstreamConnection(self, target, self._parser)),
                    target.host,
                    target.port,
                    ssl=self.tls if target.tls else None,
                    server_hostname=self.server_name(target),
                )
                connection = cast("UpstreamConnection", protocol)
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: a host name that cannot be encoded
            connection = None
            own_fault = isinstance(error, OSError) and error.errno in _OWN_FAULTS
            if own_fault:
                self._tell(target, error)
        self._opening -= 1
        if connection is None or connection.state == CLOSED:
            if own_fault:
                # The target was not asked, and another one could not be either.
                target.state.cancel()
                waiter.upstream_refused("upstream_unavailable", None)
            else:
                target.state.failure(self.now())
                waiter.upstream_refused("upstream_connect_failed", target)
            self._serve_waiting()
            return
        connection.transport.set_write_buffer_limits(high=self._write_buffer)
        connection.born = connection.since = self.now()
        self.connections.add(connection)
        if not waiter.upstream_ready(connection):
            target.state.cancel()
            self._keep(connection)

    def _tell(self, target: Target, error: Exception) -> None:
        """Says that this process cannot open a connection; not at every request that needs one."""
        now = self.now()
        if now >= self._told + _SILENCE:
            self._told = now
            log.error(
                "no connection to %s can be opened: %s. Allow more open files (ulimit -n, LimitNOFILE=) or fewer connections"
                " (--max-connections)",
                target.name,
                error,
            )

    def give_back(self, connection: UpstreamConnection, *, reuse: bool) -> None:
        """An exchange on ``connection`` ended with a whole answer."""
        target = connection.target
        target.state.success()
        if not reuse or self.retired:
            self._drop(connection)
        elif self._waiting or connection.reading_paused:
            self._keep(connection)
        else:
            target.idle.append(connection)

    def unused(self, connection: UpstreamConnection) -> None:
        """``connection`` was taken for an exchange that was not begun."""
        connection.target.state.cancel()
        self._keep(connection)

    def _keep(self, connection: UpstreamConnection) -> None:
        connection.resume()
        if self._waiting and self._hand_over(connection):
            return
        if self.retired:
            self._drop(connection)
            return
        connection.target.idle.append(connection)

    def _hand_over(self, connection: UpstreamConnection) -> bool:
        """Gives a free connection to whoever waits longest; false if nobody wants one."""
        while self._waiting:
            waiter = self._waiting.popleft()
            connection.target.state.begin()
            if waiter.upstream_ready(connection):
                return True
            connection.target.state.cancel()
        return False

    def _drop(self, connection: UpstreamConnection) -> None:
        connection.state = CLOSED
        if connection.transport.get_write_buffer_size():
            # The rest of a request that was answered early: a peer that does not read it would hold on for ever.
            connection.transport.abort()
        else:
            connection.transport.close()
        self.connections.discard(connection)
        self._serve_waiting()

    def ended(self, connection: UpstreamConnection) -> None:
        """The exchange and the connection ended together, as they should."""
        self.connections.discard(connection)
        connection.target.state.success()
        self._serve_waiting()

    def lost(self, connection: UpstreamConnection, *, busy: bool, blame: bool) -> None:
        """The connection is gone; ``busy``: in the middle of an exchange; ``blame``: through its target's fault."""
        self.connections.discard(connection)
        if busy and blame:
            connection.target.state.failure(self.now())
        elif busy:
            connection.target.state.cancel()
        else:
            with contextlib.suppress(ValueError):
                connection.target.idle.remove(connection)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        """Opens a connection for who waits, when there is room again."""
        while self._waiting and len(self.connections) + self._opening < self.upstream.max_connections:
            waiter = self._waiting.popleft()
            target = self.choose(self.now())
            if target is None:
                waiter.upstream_refused("upstream_unavailable", None)
                continue
            self.connect(target, waiter)

    def forget_waiter(self, waiter: Waiter) -> None:
        """``waiter`` no longer waits."""
        with contextlib.suppress(ValueError):
            self._waiting.remove(waiter)

    def tick(self, now: float) -> None:
        """Closes connections idle or alive for too long."""
        for target in self.targets:
            for connection in [
                c for c in target.idle if now - c.since > IDLE_SECONDS or now - c.born > _MAX_AGE
            ]:
                connection.close()

    def may_retry(self, attempts: int) -> bool:
        """Whether another attempt after ``attempts`` retries is allowed and affordable; if so it is spent."""
        return attempts < self.upstream.retries and self._budget.retry(self.now())

    def probe_result(self, target: Target, *, ok: bool) -> None:
        """An active health check of ``target`` ended."""
        target.state.probe(ok)

    def retire(self) -> None:
        """No new exchange will come: idle connections close now, busy ones when they are done."""
        self.retired = True
        for target in self.targets:
            for connection in list(target.idle):
                connection.close()


def _client_context(upstream: Upstream) -> ssl.SSLContext:
    """TLS towards the upstream: verified unless the operator switched that off for this upstream."""
    tls = upstream.tls
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context
