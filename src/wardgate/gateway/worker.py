"""A gateway worker: one process's connections, snapshot, caches and timers joined together."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import socket
import time
from collections.abc import Awaitable
from hashlib import blake2b
from time import monotonic
from typing import cast

from wardgate.domain.api import Api
from wardgate.domain.consumer import Principal, Subscription
from wardgate.domain.oauth import Token
from wardgate.domain.rejection import Rejection
from wardgate.domain.settings import Listener, ServerSettings, issuer_of
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.believing import Believer
from wardgate.gateway.certificates import CertificateStore
from wardgate.gateway.connection import ClientConnection
from wardgate.gateway.entitlements import Entitlements
from wardgate.gateway.feed import Feed
from wardgate.gateway.forwarded import TrustedProxies, is_loopback, render
from wardgate.gateway.head import HeadParser, RequestHead
from wardgate.gateway.health import HealthChecks
from wardgate.gateway.hub import HubClient
from wardgate.gateway.identity import JWKS_PATH, Identity, Signer
from wardgate.gateway.listener import Acceptor
from wardgate.gateway.outlet import Outbox
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.ports import GatewaySource, IssuerDesk, ReplayDesk, StoreUnavailableError
from wardgate.gateway.principals import Principals
from wardgate.gateway.proofs import Proofs, SeenOnce
from wardgate.gateway.resource_metadata import METADATA_LINES, ResourceMetadata
from wardgate.gateway.serving import Serving
from wardgate.gateway.snapshot import Matched, Mounted, Snapshot
from wardgate.gateway.standing import Standing, of_client, of_issuer, of_person
from wardgate.gateway.timers import Timers
from wardgate.gateway.tokens import Tokens, covered
from wardgate.jose.thumbprint import certificate_thumbprint
from wardgate.limits.client import LimitClient
from wardgate.limits.limitset import LimitSet
from wardgate.policy.exchange import Exchange, PresentedToken
from wardgate.policy.pipeline import METADATA_PATH
from wardgate.policy.registry import PolicyRegistry
from wardgate.policy.trusted import Profile
from wardgate.telemetry.access_log import AccessLog
from wardgate.telemetry.recorder import Recorder

log = logging.getLogger("wardgate.gateway")

_JSON = b"application/json"
#: Tokens kept are so many times fewer than keys: each takes 0.9 kB.
_TOKEN_SHARE = 5


class Worker:
    """Owns everything a request needs; connections call back into it. Also the steps' ``Directory``."""

    def __init__(
        self,
        settings: ServerSettings,
        source: GatewaySource,
        limits: LimitClient,
        recorder: Recorder,
        access_log: AccessLog | None,
        hub: HubClient | None,
        *,
        issuers: IssuerDesk | None = None,
        replay: ReplayDesk | None = None,
    ) -> None:
        """``issuers`` asks foreign issuers (``None``: their tokens are refused for as long as it takes to know more),
        ``replay`` remembers proofs for all workers (``None``: this one is alone)."""
        self.settings = settings
        self.issuer = issuer_of(settings)
        self.bounds = settings.bounds
        self.now = monotonic
        self.wall = time.time
        self.draining = False
        self.parser = HeadParser(settings.bounds.max_header_count, settings.bounds.max_target_bytes)
        self.recorder = recorder
        self.outbox = Outbox()
        self.access_log = access_log
        self.hub = hub
        self.connections: set[ClientConnection] = set()
        self.trusted = TrustedProxies(settings.trusted_proxies, settings.forwarded_header)
        self._forwarded = settings.forwarded_header == "forwarded"
        self._source = source
        self._limits = limits
        self._registry = PolicyRegistry.installed()
        self._principals = Principals(source, settings.credential_cache, settings.negative_cache)
        self._tokens = Tokens(
            Believer(source, settings.environment, self.issuer, self.wall, monotonic),
            issuers,
            self.wall,
            monotonic,
            settings.credential_cache // _TOKEN_SHARE,
            settings.negative_cache,
        )
        self._feed = Feed(source, self, settings.environment, self.wall, monotonic)
        self._stale_at = monotonic() + settings.max_staleness
        self._entitlements = Entitlements(source.plans(), limits)
        self._master_key = source.master_key()
        self._proofs = Proofs(self.issuer, self._master_key, replay or SeenOnce(self.wall), self.wall)
        self._identity = Identity(Signer(source.signing_keys()), issuer=self.issuer)
        self._per_address: dict[str, int] = {}
        self._retries = 0
        self._request_prefix = secrets.token_hex(6).encode()
        self._numbers = itertools.count()
        self._acceptors: list[Acceptor] = []
        self._certificates = (
            CertificateStore(settings.certificates, client_ca=settings.client_ca)
            if settings.certificates
            else None
        )
        self._serving = Serving(
            settings, self._master_key, self.outbox, self._registry, source.token_endpoint, source.secrets
        )
        #: Judges streams and tunnels again when somebody's rights to them may have gone.
        self.standing = Standing(self.connections, self._serving.current)
        self.snapshot: Snapshot = self._serving.snapshot
        self._load(source.apis())
        self._timers = Timers(self)
        self._health = HealthChecks(self)

    # -- life

    async def start(self, sockets: list[tuple[socket.socket, Listener]]) -> None:
        """Accepts on ``sockets`` from now on."""
        for sock, listener in sockets:
            acceptor = Acceptor(
                sock,
                listener,
                self._certificates,
                self._connection,
                self.trusted,
                proxy_headers=self.settings.proxy_protocol,
            )
            await acceptor.start()
            self._acceptors.append(acceptor)
        self._timers.start()
        self._health.start()

    def _connection(self, tls: bool, peer: str | None) -> asyncio.BaseProtocol:
        return cast("asyncio.BaseProtocol", ClientConnection(self, tls=tls, peer=peer))

    async def drain(self, grace: float) -> None:
        """Stops accepting, lets requests in flight end, closes what is idle; returns when all are closed."""
        self.draining = True
        for acceptor in self._acceptors:
            await acceptor.close()
        began = monotonic()
        while self.connections and monotonic() - began < grace:
            # A connection idle for a second has no request on its way; a fresher one gets a while to send it and
            # hear "Connection: close".
            self._timers.close_idle(idle_for=1.0 if monotonic() - began < 3.0 else 0.0)
            await asyncio.sleep(0.05)
        for acceptor in self._acceptors:
            acceptor.abandon()
        for connection in list(self.connections):
            connection.transport.abort()
        for _ in range(3):  # until each has heard of its end and was recorded
            await asyncio.sleep(0)
        self._timers.stop()
        self._health.stop()
        for mounted in self.mounted():
            mounted.pool.retire()

    def reload_certificates(self) -> None:
        """Takes the certificate files as they are now; wrong ones are reported and the old stay in use."""
        if self._certificates is not None:
            try:
                self._certificates.reload()
            except (OSError, ValueError) as error:
                log.error("certificates not reloaded: %s", error)

    def on_wake(self) -> None:
        """The change feed moved."""
        self._feed.read()

    # -- the store's changes (feed.Follower)

    def _load(self, apis: list[Api]) -> None:
        self.snapshot = self._serving.load(apis)
        served = [mounted.api for mounted in self.snapshot.mounted.values()]
        self._metadata = ResourceMetadata(served, self.issuer, mtls=bool(self.settings.client_ca))

    def api_changed(self, api_ids: set[str]) -> None:
        """Swaps these APIs in one go."""
        apis = {api_id: mounted.api for api_id, mounted in self.snapshot.mounted.items()}
        for api_id in api_ids:
            found = self._source.api(api_id)
            if found is None:
                apis.pop(api_id, None)
            else:
                apis[api_id] = found
        self._load(list(apis.values()))
        self.standing.changed(lambda exchange: exchange.resource.api_id in api_ids)

    def plans_changed(self, names: set[str]) -> None:
        """Limits of these plans are read anew; what was counted under unchanged limits stays with the authority."""
        self._entitlements.changed(self._source.plans(), names)

    def credential_changed(self, digest: bytes) -> None:
        """Forgets what is known of this digest."""
        self._principals.drop_credential(digest)
        self.standing.changed(lambda exchange: exchange.digest == digest)

    def application_changed(self, application_id: str) -> None:
        """Forgets every credential of this application and what upstreams were told of it."""
        self._principals.drop_application(application_id)
        self._tokens.application_changed(application_id)
        self._identity.forget()
        self.standing.changed(
            lambda exchange: (
                exchange.principal is not None and exchange.principal.application.id == application_id
            )
        )

    def tokens_revoked(self, pairs: list[tuple[str, str]]) -> None:
        """Forgets what may be covered and ends what runs on it; each token is read anew when it is shown again."""
        self._tokens.revoked(pairs)
        wanted = frozenset(pairs)
        self.standing.changed(
            lambda exchange: (
                exchange.principal is not None
                and covered(exchange.principal.token, exchange.principal.application.id, wanted)
            )
        )

    def subject_changed(self, user_id: str) -> None:
        """Forgets the person's tokens that groups were read for, and judges again what runs on people's tokens."""
        self._tokens.subject_changed(user_id)
        self.standing.changed(of_person)

    def client_changed(self, client_id: str) -> None:
        """Forgets the client's tokens; one that is suspended or gone has none any more."""
        self._tokens.client_changed(client_id)
        self.standing.changed(lambda exchange: of_client(exchange, client_id))

    def signing_keys_changed(self) -> None:
        """Signs assertions with the newest key, and believes tokens by the keys that are left."""
        self._identity.use(Signer(self._source.signing_keys()))
        self._tokens.keys_changed(self.issuer)
        self.standing.changed(lambda exchange: of_issuer(exchange, self.issuer))

    def issuer_changed(self, issuer: str) -> None:
        """Believes tokens of a foreign issuer by the keys that were read now."""
        if self._tokens.issuer_changed(issuer):
            self.standing.changed(lambda exchange: of_issuer(exchange, issuer))

    def environment_changed(self) -> None:
        """Serves its APIs by the environment's settings and secrets as they are now; who calls is known as before."""
        self.plans_changed(set(self._entitlements.plans))
        self._load(self._source.apis())
        self.standing.changed(lambda exchange: True)

    def flush(self) -> None:
        """Forgets and reloads everything."""
        self._principals.clear()
        self._tokens.clear()
        self._identity.use(Signer(self._source.signing_keys()))
        self.environment_changed()

    def propagated(self, seconds: float) -> None:
        """Records how long a change took to get here."""
        self.recorder.propagated(seconds)

    # -- what steps ask (policy.exchange.Directory)

    def principal(self, digest: bytes, now: float) -> Principal | None:
        """See ``Directory``; past ``max_staleness`` nothing is believed any more."""
        if now > self._stale_at:
            raise StoreUnavailableError("the change feed was not read for too long")
        return self._principals.get(digest)

    def token(
        self, presented: PresentedToken, profile: Profile, now: float
    ) -> Principal | str | Awaitable[Principal | str]:
        """See ``Directory``; like keys, nothing is believed past ``max_staleness``."""
        if now > self._stale_at:
            raise StoreUnavailableError("the change feed was not read for too long")
        return self._tokens.find(presented, profile)

    def proof(
        self, exchange: Exchange, token: Token, settings: OAuth2Settings
    ) -> str | Awaitable[str | None] | None:
        """See ``Directory``."""
        return self._proofs.check(exchange, token, settings)

    def proof_nonce(self) -> str:
        """See ``Directory``."""
        return self._proofs.nonce()

    def limits(self, subscription: Subscription) -> LimitSet | None:
        """See ``Directory``."""
        return self._entitlements.of_plan(subscription)

    def effective_limits(self, exchange: Exchange) -> LimitSet | None:
        """See ``Directory``."""
        return self._entitlements.in_force(exchange)

    # -- what connections ask

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
        """Who asks (behind a trusted proxy each request names its own client), and what the upstream hears of it."""
        client, scheme, via = self.trusted.client_of(connection.peer, head.fields, connection.tls)
        connection.client = client
        connection.scheme = scheme
        connection.secure = scheme == "https" or is_loopback(client)
        connection.forwarded = render(client, scheme, via, head.block.authority, forwarded=self._forwarded)
        connection.authority = head.block.authority

    def answer_unrouted(self, connection: ClientConnection, head: RequestHead, matched: Matched) -> None:
        """Answers what no resource does: pre-flights, the gateway's own documents, and 404."""
        if matched.preflight is not None:
            if matched.preflight:
                lines = b"".join(line + b"\r\n" for line in matched.preflight)
                connection.answer_document(204, b"", b"", lines)
            else:
                connection.reject(Rejection.of("cors_origin_refused", b"Vary: Origin"))
        elif head.path == JWKS_PATH and head.method in ("GET", "HEAD"):
            connection.answer_document(200, _JSON, self._identity.jwks(), b"Cache-Control: max-age=300\r\n")
        elif (
            head.path.startswith(METADATA_PATH)
            and head.method in ("GET", "HEAD")
            and (found := self._metadata.find(head.host, head.path)) is not None
        ):
            connection.answer_document(200, _JSON, found, METADATA_LINES)
        else:
            connection.reject(Rejection.of(matched.miss or "resource_not_found"))

    def identity_lines(self, exchange: Exchange) -> bytes:
        """The header lines that tell the upstream who calls."""
        subscription = exchange.subscription
        api = exchange.resource.api
        if subscription is None or exchange.principal is None or not api.identity_headers:
            return b""
        return self._identity.block(
            exchange.principal, subscription, assertion=api.assertion, now=exchange.now, wall=self.wall
        )

    def release(self, exchange: Exchange) -> None:
        """The exchange is over: gives back what it held."""
        limit_set = exchange.limit_set
        if limit_set is not None and limit_set.holds:
            limit_set.release(monotonic())

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
        self._retries += 1

    def report(self, error: Exception) -> None:
        """A bug or an outage inside a step: the request was refused, the operator must know."""
        log.error("a request failed inside the gateway", exc_info=error)

    # -- timers

    def pools(self) -> list[UpstreamPool]:
        """Every pool in use, and those that still finish old exchanges."""
        return self._serving.pools()

    def mounted(self) -> list[Mounted]:
        """The APIs of the present snapshot, and what the gateway serves besides."""
        return self._serving.mounted()

    def beat(self, now: float) -> None:
        """House-keeping of every tick: the feed's safety net, and the figures."""
        self._feed.poll()
        self._stale_at = self._feed.read_at + self.settings.max_staleness
        keys, tokens = self._principals, self._tokens
        known, refused = (sum(sizes) for sizes in zip(keys.sizes, tokens.sizes, strict=True))
        recorder = self.recorder
        recorder.tick()
        recorder.set("connections", len(self.connections))
        recorder.set(
            "in_flight", sum(1 for connection in self.connections if connection.exchange is not None)
        )
        recorder.set("credential_cache_entries", known)
        recorder.set("negative_cache_entries", refused)
        recorder.set("credential_cache_hits", keys.hits + tokens.hits)
        recorder.set("credential_cache_misses", keys.misses + tokens.misses)
        recorder.set("upstream_connections", sum(len(pool.connections) for pool in self.pools()))
        recorder.set("upstream_retries", self._retries)
        recorder.set("store_staleness_seconds", max(0.0, now - self._feed.read_at))
