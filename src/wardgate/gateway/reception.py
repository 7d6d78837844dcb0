"""What a connection asks of whoever serves it: the same for each environment, and for hosts that belong to none."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING

from wardgate.domain.oauth import Token
from wardgate.domain.settings import ServerSettings, issuer_of
from wardgate.gateway.forwarded import TrustedProxies, is_loopback, render
from wardgate.gateway.head import HeadParser, RequestHead
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.snapshot import Snapshot
from wardgate.jose.thumbprint import certificate_thumbprint
from wardgate.policy.exchange import Exchange
from wardgate.telemetry.access_log import AccessLog
from wardgate.telemetry.recorder import Recorder

if TYPE_CHECKING:
    from wardgate.gateway.connection import ClientConnection

log = logging.getLogger("wardgate.gateway")


class Shared:
    """What the environments of one process have in common: its connections, whomever they are for, and their bounds."""

    __slots__ = ("connections", "numbers", "outbox", "parser", "per_address", "prefix", "retries", "trusted")

    def __init__(self, settings: ServerSettings) -> None:
        self.parser = HeadParser(settings.bounds.max_header_count, settings.bounds.max_target_bytes)
        self.outbox = Outbox()
        self.connections: set[ClientConnection] = set()
        self.per_address: dict[str, int] = {}
        self.trusted = TrustedProxies(settings.trusted_proxies, settings.forwarded_header)
        self.prefix = secrets.token_hex(6).encode()
        self.numbers = itertools.count()
        self.retries = 0


class Reception:
    """Takes connections in, says who the client is, and counts and logs what became of each request.

    ``snapshot`` is what is served; ``recorder`` and ``access_log`` are those of one environment.
    """

    snapshot: Snapshot

    def __init__(
        self,
        settings: ServerSettings,
        shared: Shared,
        recorder: Recorder,
        access_log: AccessLog | None,
        master_key: bytes,
    ) -> None:
        self.settings = settings
        self.shared = shared
        self.issuer = issuer_of(settings)
        self.bounds = settings.bounds
        self.now = monotonic
        self.wall = time.time
        self.draining = False
        self.parser = shared.parser
        self.recorder = recorder
        self.outbox = shared.outbox
        self.access_log = access_log
        self.connections = shared.connections
        self.trusted = shared.trusted
        self._forwarded = settings.forwarded_header == "forwarded"
        self._per_address = shared.per_address
        self._request_prefix = shared.prefix
        self._numbers = shared.numbers
        self._master_key = master_key

    def next_request_id(self) -> bytes:
        """An id unique to this request, across workers and restarts."""
        return b"%b%08x" % (self._request_prefix, next(self._numbers))

    def opened(self, connection: ClientConnection) -> None:
        """A connection was accepted: who is it, and is there room?"""
        if not connection.peer:
            name = connection.transport.get_extra_info("peername")
            connection.peer = name[0] if name else ""
        # Until a request says otherwise; what is refused before its head was read has no other.
        peer = connection.client = connection.peer
        connection.per_request_client = self.trusted.trusts(peer)
        if connection.tls and self.settings.client_ca:
            tls = connection.transport.get_extra_info("ssl_object")
            shown = tls.getpeercert(True) if tls is not None else None
            connection.certificate = certificate_thumbprint(shown) if shown else ""
        held = self._per_address.get(peer, 0) + 1
        self._per_address[peer] = held
        self.connections.add(connection)
        bounds = self.bounds
        if held > bounds.max_connections_per_address or len(self.connections) > bounds.max_connections:
            connection.refuse("connections_exceeded")

    def closed(self, connection: ClientConnection) -> None:
        """A connection is gone."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        left = self._per_address.get(connection.peer, 1) - 1
        if left:
            self._per_address[connection.peer] = left
        else:
            self._per_address.pop(connection.peer, None)

    def identify_client(self, connection: ClientConnection, head: RequestHead) -> None:
        """Who asks (behind a trusted proxy each request names its own client), what the upstream hears of it, and, where the
        host says so, which environment is meant."""
        client, scheme, via, hidden = self.trusted.client_of(connection.peer, head.fields, connection.tls)
        connection.client = client
        connection.scheme = scheme
        connection.secure = scheme == "https" or (is_loopback(client) and not hidden)
        connection.forwarded = render(client, scheme, via, head.block.authority, forwarded=self._forwarded)
        connection.authority = head.block.authority
        if connection.hosts is not None:
            connection.worker = connection.hosts.of(head.host, head.block.authority)

    def release(self, exchange: Exchange) -> None:
        """The exchange is over: gives back what it held."""
        limit_set = exchange.limit_set
        if limit_set is not None and limit_set.holds:
            limit_set.release()

    def record(
        self, connection: ClientConnection, exchange: Exchange | None, status: int, reason: str, now: float
    ) -> None:
        """Counts and logs one finished exchange."""
        principal = exchange.principal if exchange is not None else None
        application = credential = ""
        if principal is not None:
            application = principal.application.id
            credential = principal.credential.id
        matched = connection.matched
        api_id, resource = (matched.api_id, matched.resource_name) if matched is not None else ("", "")
        seconds = now - connection.started
        self.recorder.record(
            api_id,
            resource,
            application,
            credential,
            connection.client,
            status,
            reason,
            connection.bytes_in,
            connection.bytes_out,
            seconds,
        )
        if self.access_log is not None:
            token = principal.token if principal is not None else None
            self._log(connection, api_id, resource, application, credential, status, reason, seconds, token)

    def _log(
        self,
        connection: ClientConnection,
        api_id: str,
        resource: str,
        application: str,
        credential: str,
        status: int,
        reason: str,
        seconds: float,
        token: Token | None,
    ) -> None:
        head = connection.head
        target = connection.target
        if self.access_log is not None:
            self.access_log.write(
                connection.request_id.decode(),
                connection.client,
                head.method if head is not None else "",
                head.host if head is not None else "",
                head.path if head is not None else "",
                head.query.decode("latin-1") if head is not None else "",
                api_id,
                resource,
                application,
                credential,
                status,
                reason,
                connection.bytes_in,
                connection.bytes_out,
                seconds,
                target.name if target is not None else "",
                monotonic() - connection.sent_at if target is not None else 0.0,
                connection.attempts,
                token.client if token is not None else "",
                self._pseudonym(token) if token is not None else "",
            )

    def _pseudonym(self, token: Token) -> str:
        """Whom a token speaks for, without naming a person: an account's id is no name, others' subjects may be one."""
        if not token.subject or token.issuer == self.issuer:
            return token.subject
        text = f"{token.issuer} {token.subject}".encode()
        return "~" + blake2b(text, digest_size=12, key=self._master_key).hexdigest()

    def count_retry(self) -> None:
        """One more attempt at an upstream."""
        self.shared.retries += 1

    def report(self, error: Exception) -> None:
        """A bug or an outage inside a step: the request was refused, the operator must know."""
        log.error("a request failed inside the gateway", exc_info=error)
