"""A gateway worker: one process's connections, snapshot, caches and timers joined together."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import cast

from wardgate.domain.api import Api
from wardgate.domain.oauth import Token
from wardgate.domain.principal import Principal
from wardgate.domain.rejection import Rejection
from wardgate.domain.settings import Listener, ServerSettings
from wardgate.domain.trust import OAuth2Settings
from wardgate.gateway.believing import Believer
from wardgate.gateway.certificates import CertificateStore
from wardgate.gateway.connection import ClientConnection
from wardgate.gateway.entitlements import Entitlements
from wardgate.gateway.feed import Feed
from wardgate.gateway.head import RequestHead
from wardgate.gateway.health import HealthChecks
from wardgate.gateway.hosts import HostTable
from wardgate.gateway.hub import HubClient
from wardgate.gateway.identity import JWKS_PATH, Identity, Signer
from wardgate.gateway.listener import Acceptor
from wardgate.gateway.pool import UpstreamPool
from wardgate.gateway.ports import GatewaySource, IssuerDesk, ReplayDesk, StoreUnavailableError
from wardgate.gateway.principals import Principals
from wardgate.gateway.proofs import Proofs, SeenOnce
from wardgate.gateway.reception import Reception, Shared
from wardgate.gateway.resource_metadata import METADATA_LINES, ResourceMetadata
from wardgate.gateway.serving import Serving
from wardgate.gateway.snapshot import Matched, Mounted, Snapshot, Unversioned
from wardgate.gateway.standing import Standing, of_client, of_issuer, of_person
from wardgate.gateway.timers import Timers
from wardgate.gateway.tokens import Tokens, covered
from wardgate.limits.client import LimitClient
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


class Worker(Reception):
    """Owns everything a request to one environment needs; connections call back into it. Also the steps' ``Directory``.

    A process that serves several environments has one for each; that of the primary one accepts for all of them.
    """

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
        shared: Shared | None = None,
        several: bool = False,
    ) -> None:
        """``issuers`` asks foreign issuers (``None``: their tokens are refused for as long as it takes to know more),
        ``replay`` remembers proofs for all workers (``None``: this one is alone). ``shared`` is that of the process's
        primary environment, which :meth:`serve_also` tells of this one; ``several``: whether there are others at all."""
        self._master_key = source.master_key()
        super().__init__(settings, shared or Shared(settings), recorder, access_log, self._master_key)
        self.hub = hub
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
        #: See ``Directory``; asked on every request, so without a call in between.
        self.limits = self._entitlements.of_plan
        self.effective_limits = self._entitlements.in_force
        self._proofs = Proofs(self.issuer, self._master_key, replay or SeenOnce(self.wall), self.wall)
        self._identity = Identity(Signer(source.signing_keys()), issuer=self.issuer)
        self._acceptors: list[Acceptor] = []
        self._certificates = (
            CertificateStore(settings.certificates, client_ca=settings.client_ca)
            if settings.certificates and shared is None
            else None
        )
        self.serving = Serving(
            settings,
            self._master_key,
            self.outbox,
            self._registry,
            source.token_endpoint,
            source.secrets,
            several=several,
        )
        #: Judges streams and tunnels again when somebody's rights to them may have gone.
        self.standing = Standing(self.connections, self.serving.current, self)
        self._others: tuple[Worker, ...] = ()
        self._hosts: HostTable | None = None
        self.snapshot: Snapshot = self.serving.snapshot
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
                self._maker(listener),
                self.trusted,
                proxy_headers=self.settings.proxy_protocol,
            )
            await acceptor.start()
            self._acceptors.append(acceptor)
        self._timers.start()
        self._health.start()

    def serve_also(self, others: Sequence[Worker], nowhere: Worker) -> None:
        """From the start on this process also serves the environments of ``others``, which share its connections;
        ``nowhere`` takes the requests for hosts of none.

        Raises:
            StoreUnavailableError: the environments' hosts cannot be read.
        """
        self._others = tuple(others)
        everyone = (self, *self._others)
        table = HostTable({worker: worker.hosts for worker in everyone}, nowhere)
        for worker in everyone:
            worker.use_hosts(table)

    def hosts(self) -> tuple[str, ...]:
        """The hosts of this environment's gateways. Raises StoreUnavailableError."""
        return self._source.hosts()

    def use_hosts(self, table: HostTable) -> None:
        """Has ``table`` read again whenever this environment changes."""
        self._hosts = table

    def _maker(self, listener: Listener) -> Callable[[bool, str | None], asyncio.BaseProtocol]:
        """Makes the connections of ``listener``: for its environment, or for the one whose host they name."""
        named = {worker.settings.environment: worker for worker in (self, *self._others)}
        worker = named[listener.environment] if listener.environment else self
        hosts = None if listener.environment else self._hosts
        if hosts is not None:
            worker = hosts.nowhere

        def make(tls: bool, peer: str | None) -> asyncio.BaseProtocol:
            return cast("asyncio.BaseProtocol", ClientConnection(worker, tls=tls, peer=peer, hosts=hosts))

        return make

    async def drain(self, grace: float) -> None:
        """Stops accepting, lets requests in flight end, closes what is idle; returns when all are closed."""
        for worker in (self, *self._others):
            worker.draining = True
        if self._hosts is not None:
            self._hosts.nowhere.draining = True
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

    def on_wake(self, environment: str = "") -> None:
        """The change feed moved; ``environment`` is whose service was told so, of several."""
        for worker in (self, *self._others):
            if not environment or worker.settings.environment == environment:
                worker.read_feed()

    def read_feed(self) -> None:
        """Acts on every change of this environment that was committed."""
        self._feed.read()

    # -- the store's changes (feed.Follower)

    def _load(self, apis: list[Api]) -> None:
        self.snapshot = self.serving.load(apis)
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
        if self._hosts is not None:
            self._hosts.read(self.connections)
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

    # -- what connections ask besides

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
            detail = matched.detail if isinstance(matched, Unversioned) else ""
            connection.reject(Rejection.of(matched.miss or "resource_not_found", detail=detail))

    def identity_lines(self, exchange: Exchange) -> bytes:
        """The header lines that tell the upstream who calls."""
        subscription = exchange.subscription
        api = exchange.resource.api
        if subscription is None or exchange.principal is None or not api.identity_headers:
            return b""
        return self._identity.block(
            exchange.principal, subscription, assertion=api.assertion, now=exchange.now, wall=self.wall
        )

    # -- timers

    def pools(self) -> list[UpstreamPool]:
        """Every pool in use, and those that still finish old exchanges."""
        return [pool for worker in (self, *self._others) for pool in worker.serving.pools()]

    def mounted(self) -> list[Mounted]:
        """The APIs of the present snapshots, and what the gateway serves besides."""
        return [mounted for worker in (self, *self._others) for mounted in worker.serving.mounted()]

    def beat(self, now: float) -> None:
        """House-keeping of every tick: the feed's safety net, and the figures, which are one process's."""
        everyone = (self, *self._others)
        read_at = min([worker.keep_up() for worker in everyone])
        caches = [cache for worker in everyone for cache in worker.caches]
        known, refused = (sum(sizes) for sizes in zip(*(cache.sizes for cache in caches), strict=True))
        recorder = self.recorder
        recorder.set("connections", len(self.connections))
        recorder.set(
            "in_flight", sum(1 for connection in self.connections if connection.exchange is not None)
        )
        recorder.set("credential_cache_entries", known)
        recorder.set("negative_cache_entries", refused)
        recorder.set("credential_cache_hits", sum(cache.hits for cache in caches))
        recorder.set("credential_cache_misses", sum(cache.misses for cache in caches))
        recorder.set("upstream_connections", sum(len(pool.connections) for pool in self.pools()))
        recorder.set("upstream_retries", self.shared.retries)
        recorder.set("store_staleness_seconds", max(0.0, now - read_at))

    def keep_up(self) -> float:
        """Reads the feed if anything was committed that nobody told of; the monotonic time it is true for."""
        self._feed.poll()
        self._stale_at = self._feed.read_at + self.settings.max_staleness
        self.recorder.tick()
        return self._feed.read_at

    @property
    def caches(self) -> tuple[Principals, Tokens]:
        """What is known of callers."""
        return self._principals, self._tokens
