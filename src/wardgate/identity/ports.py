"""What the server asks of a store, as protocols; ``storage`` implements them.

Everything happens in a transaction, as in ``control.ports``, whose repositories are here too. What must happen once (a
code, a refresh token, a device code, a pushed request) is one atomic statement, so that two transactions on any
database never both succeed. Secrets come and go as digests (BLAKE2b-256 keyed with the master key).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from wardgate.control import ports as control
from wardgate.domain.actor import Actor
from wardgate.domain.consumer import Application
from wardgate.domain.oauth import Client, ClientSecret, Grant, Revocation, SigningAlgorithm, Token
from wardgate.domain.people import Factor, FactorKind, IdentityProvider, Link, Mail, Role, Session, User
from wardgate.identity.ports_network import Fetched as Fetched
from wardgate.identity.ports_network import Fetcher as Fetcher
from wardgate.identity.ports_network import FetchError as FetchError
from wardgate.identity.ports_network import Sender as Sender
from wardgate.identity.ports_network import Sent as Sent

#: What single-use secrets there are; a digest is looked for in its own space only.
Space = Literal[
    "code",  # authorization codes
    "request",  # pushed authorization requests (RFC 9126)
    "authorize",  # an authorization request that waits for a person to sign in or consent
    "login",  # a login in progress (second factor, passkey challenge)
    "federation",  # a sign-in at a foreign provider in progress
    "email",  # address verification
    "reset",  # password reset
    "registration",  # initial access tokens (RFC 7591)
    "registration_client",  # registration access tokens (RFC 7592): looked at, never taken
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceRecord:
    """A single-use secret as stored, used or not."""

    document: Mapping[str, Any]
    expires_at: float
    used_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One refresh token of a grant. All that descend from one first token share ``family`` and ``family_expires_at``.

    Once used, ``successor`` is the digest of the one that took its place and ``sealed`` that token itself, encrypted
    under a key that only the used token gives (``identity/refresh.py``).
    """

    digest: bytes = field(repr=False)
    grant: str
    client: str
    family: str
    created_at: float
    expires_at: float
    family_expires_at: float
    scopes: tuple[str, ...]
    jkt: str = ""
    x5t: str = ""
    parent: bytes = field(default=b"", repr=False)
    consumed_at: float | None = None
    successor: bytes = field(default=b"", repr=False)
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """A device authorization in progress (RFC 8628). ``document`` holds the request (scopes, resources, ...)."""

    digest: bytes = field(repr=False)
    user_code: bytes = field(repr=False)
    environment: str
    client: str
    document: Mapping[str, Any]
    created_at: float
    expires_at: float
    interval: float
    status: Literal["pending", "approved", "denied", "used"] = "pending"
    grant: str = ""
    polled_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A signing key of this server's tokens. It signs from ``active_at`` until the next one of its algorithm does, and
    is published from ``created_at`` until ``expires_at``."""

    kid: str
    environment: str
    algorithm: SigningAlgorithm
    public: Mapping[str, Any]
    sealed_private: bytes = field(repr=False)
    created_at: float
    active_at: float
    expires_at: float | None = None


class Clients(Protocol):
    """OAuth 2.0 clients. Writing one appends ``client`` to the change feed by itself."""

    async def get(self, client_id: str) -> Client | None: ...
    async def list(
        self, *, environment: str | None = None, application: str | None = None
    ) -> list[Client]: ...
    async def add(self, client: Client) -> None: ...
    async def replace(self, client: Client) -> None: ...
    async def registered(self) -> frozenset[str]:
        """Ids of those that registered themselves (RFC 7591), of every environment."""

    async def remove(self, client_id: str) -> None:
        """Deletes it with its secrets, grants and tokens, that to manage its registration (RFC 7592) too."""

    async def secrets(self, client_id: str) -> Sequence[ClientSecret]: ...
    async def add_secret(self, secret: ClientSecret) -> None: ...
    async def end_secret(self, client_id: str, digest: bytes, expires_at: float) -> None: ...


class Grants(Protocol):
    """What people let clients do."""

    async def get(self, grant_id: str) -> Grant | None: ...
    async def add(self, grant: Grant) -> None: ...
    async def find(
        self,
        *,
        subject: str | None = None,
        client: str | None = None,
        environment: str | None = None,
        session: str | None = None,
        live: bool = True,
        now: float | None = None,
    ) -> list[Grant]:
        """Grants that match all that is given, newest first; ``live``: neither revoked nor expired at ``now`` (by the
        system's clock if it is not given)."""

    async def revoke(self, grant_ids: Collection[str], at: float) -> None:
        """Ends grants; their refresh tokens and opaque access tokens are void with them: not found any more.

        It waits for whoever is rotating one of their refresh tokens: so call it first, and only then take the time that
        goes into :meth:`Revocations.add`, which must be after everything that was issued before.
        """


class Once(Protocol):
    """Single-use secrets and replay guards."""

    async def put(
        self, space: Space, digest: bytes, document: Mapping[str, Any], expires_at: float
    ) -> None: ...
    async def take(self, space: Space, digest: bytes, now: float) -> Mapping[str, Any] | None:
        """The document, to exactly one caller ever: one atomic statement. ``None``: unknown, expired or used."""

    async def look(self, space: Space, digest: bytes) -> OnceRecord | None:
        """The record, used or not, without using it."""

    async def amend(self, space: Space, digest: bytes, document: Mapping[str, Any]) -> None:
        """Replaces the document of one not used yet."""

    async def drop(self, space: Space, digest: bytes) -> None: ...
    async def first(self, guard: str, key: str, until: float, now: float | None = None) -> bool:
        """Whether ``key`` was never seen under ``guard`` before; it counts as seen until then (Unix seconds).

        Without ``now`` it counts as seen until it was swept, which is some time after ``until``.
        """


class RefreshTokens(Protocol):
    """Refresh tokens and their lineage."""

    async def add(self, token: RefreshToken) -> None: ...
    async def find(self, digest: bytes) -> RefreshToken | None:
        """The token, used or not, expired or not; ``None``: unknown, or its family or grant is revoked."""

    async def rotate(self, digest: bytes, successor: RefreshToken, sealed: bytes, now: float) -> bool:
        """Uses the token and adds its successor; whether this caller did. One atomic statement decides.

        ``False`` as well where it had expired, its family or grant was revoked, or ``successor`` is of another family.
        Whoever lost to another caller finds what that one stored with :meth:`find` in the same transaction.
        """

    async def revoke_family(self, family: str, at: float) -> None:
        """Every token of the family is void."""

    async def family(self, family: str) -> list[RefreshToken]:
        """The lineage, oldest first."""


class AccessTokens(Protocol):
    """Opaque access tokens."""

    async def add(self, digest: bytes, token: Token, environment: str) -> None: ...
    async def find(self, digest: bytes) -> Token | None:
        """The token, expired or not; ``None``: unknown, or its grant is revoked or gone."""

    async def revoke(self, digest: bytes) -> None: ...


class DeviceCodes(Protocol):
    """Device authorizations in progress."""

    async def add(self, code: DeviceCode) -> None: ...
    async def find(self, digest: bytes) -> DeviceCode | None: ...
    async def by_user_code(self, digest: bytes) -> DeviceCode | None: ...
    async def decide(
        self, digest: bytes, status: Literal["approved", "denied"], grant: str, now: float
    ) -> bool:
        """Sets the person's answer; ``False`` unless it was pending and had not expired."""

    async def poll(self, digest: bytes, now: float, interval: float) -> None:
        """Notes a poll and the interval that holds from now on."""

    async def take(self, digest: bytes, now: float) -> bool:
        """Uses an approved code: to exactly one caller."""


class Consents(Protocol):
    """What a person has agreed to, per client."""

    async def get(self, user: str, client: str) -> tuple[str, ...]: ...
    async def put(self, user: str, client: str, scopes: tuple[str, ...], at: float) -> None: ...
    async def remove(self, user: str, client: str) -> None: ...
    async def of_user(self, user: str) -> list[tuple[str, tuple[str, ...], float]]:
        """``(client, scopes, at)``."""


class Users(Protocol):
    """Accounts. Suspending or removing one is the use case's business to announce."""

    async def get(self, user_id: str) -> User | None: ...
    async def named(self, name: str) -> User | None: ...
    async def with_email(self, email: str) -> list[User]:
        """Every user with that address, compared without case, verified or not."""

    async def list(self) -> Sequence[User]: ...
    async def add(self, user: User) -> None: ...
    async def replace(self, user: User) -> None: ...
    async def remove(self, user_id: str) -> None: ...
    async def roles(self, user_id: str) -> tuple[str, ...]:
        """All that the user holds: their own, and those of the groups they are in."""

    async def roles_from(self, source: str, user_id: str) -> tuple[str, ...]:
        """Those that came from ``source``."""

    async def set_roles(self, user_id: str, roles: Collection[str], *, source: str = "local") -> None:
        """Replaces the roles that came from ``source`` (``local``, or a provider's id); others stay."""


class Roles(Protocol):
    """Roles, shared by all environments."""

    async def all(self) -> list[Role]: ...
    async def put(self, role: Role) -> None: ...
    async def remove(self, name: str) -> None: ...


class Factors(Protocol):
    """How users prove who they are."""

    async def of_user(self, user_id: str, kind: FactorKind | None = None) -> list[Factor]: ...
    async def get(self, factor_id: str) -> Factor | None: ...
    async def add(self, factor: Factor) -> None: ...
    async def replace(self, factor: Factor) -> None: ...
    async def advance(self, factor_id: str, counter: int, now: float) -> bool:
        """Notes the use of a one-time code's counter; ``False`` if it or a later one was used already (atomic)."""

    async def remove(self, factor_id: str) -> bool:
        """Deletes it; whether it was there (a recovery code is used by removing it)."""


class Sessions(Protocol):
    """Browser sessions."""

    async def add(self, session: Session, digest: bytes) -> None: ...
    async def by_digest(self, digest: bytes) -> Session | None: ...
    async def get(self, session_id: str) -> Session | None: ...
    async def replace(self, session: Session, digest: bytes | None = None) -> None:
        """Stores what changed; with ``digest`` under a new secret (after each sign-in). One revoked stays revoked."""

    async def of_user(self, user_id: str, now: float) -> list[Session]: ...
    async def revoke(self, session_ids: Collection[str], at: float) -> None: ...


class Throttle(Protocol):
    """Counts of failures by key (an account and address, an address), in windows."""

    async def count(self, key: str, now: float) -> tuple[int, float]:
        """``(failures, when the newest was)`` of the window that is not over."""

    async def fail(self, key: str, now: float, window: float) -> int:
        """Counts one failure more, atomically; how many there are now. ``window`` seconds after the last it is 0."""

    async def clear(self, key: str) -> None: ...


class Outbox(Protocol):
    """Mail that waits to be sent."""

    async def add(self, mail: Mail) -> None: ...
    async def due(self, now: float, limit: int) -> list[Mail]:
        """Mail to be sent now. In a writing transaction it is the caller's for fifteen minutes."""

    async def sent(self, mail_id: str) -> None: ...
    async def failed(self, mail_id: str, not_before: float) -> None: ...


class Providers(Protocol):
    """Foreign OpenID providers, and the accounts linked to them."""

    async def list(self, environment: str | None = None) -> Sequence[IdentityProvider]: ...
    async def get(self, provider_id: str) -> IdentityProvider | None: ...
    async def add(self, provider: IdentityProvider) -> None: ...
    async def replace(self, provider: IdentityProvider) -> None: ...
    async def remove(self, provider_id: str) -> None: ...
    async def link(self, provider_id: str, subject: str) -> Link | None: ...
    async def add_link(self, link: Link) -> None: ...
    async def remove_link(self, provider_id: str, subject: str) -> None: ...
    async def links_of(self, user_id: str) -> Sequence[Link]: ...
    async def links_at(self, provider_id: str) -> Sequence[Link]:
        """Every account linked to one at the provider."""


class TokenKeys(Protocol):
    """Signing keys of this server's tokens. Writing appends ``signing_key`` to the change feed by itself."""

    async def all(self, environment: str) -> list[StoredKey]: ...
    async def add(self, key: StoredKey) -> None: ...
    async def retire(self, kid: str, expires_at: float) -> None: ...


class Revocations(Protocol):
    """Tokens taken back. Writing appends ``revocation`` (``<kind> <key>``) to the change feed by itself."""

    async def add(self, revocations: Sequence[Revocation], *, at: float) -> None: ...
    async def covers(self, token: Token, application: str) -> bool:
        """Whether a token issued when it was is taken back by jti, grant, subject, client or application."""


class IssuerKeys(Protocol):
    """What was fetched of foreign issuers. Writing appends ``issuer`` to the change feed by itself."""

    async def put(self, issuer: str, document: Mapping[str, Any], at: float) -> None:
        """``document``: ``{"jwks": ..., "introspection_endpoint": ..., ...}``."""

    async def get(self, issuer: str) -> tuple[Mapping[str, Any], float] | None: ...


class Transaction(control.Transaction, Protocol):
    """One transaction's view of the store."""

    @property
    def clients(self) -> Clients: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def once(self) -> Once: ...
    @property
    def refresh_tokens(self) -> RefreshTokens: ...
    @property
    def access_tokens(self) -> AccessTokens: ...
    @property
    def device_codes(self) -> DeviceCodes: ...
    @property
    def consents(self) -> Consents: ...
    @property
    def users(self) -> Users: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def factors(self) -> Factors: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def throttle(self) -> Throttle: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def providers(self) -> Providers: ...
    @property
    def token_keys(self) -> TokenKeys: ...
    @property
    def revocations(self) -> Revocations: ...
    @property
    def issuer_keys(self) -> IssuerKeys: ...
    async def sweep(self, now: float) -> int:
        """Deletes what expired long enough ago to matter to nobody; how many rows. A call deletes a bounded number:
        call it again, in another transaction, until it is 0."""


class Store(Protocol):
    """An open store."""

    @property
    def data_dir(self) -> Path: ...
    def master_key(self) -> bytes: ...
    def reading(self) -> AbstractAsyncContextManager[Transaction]: ...
    def writing(self) -> AbstractAsyncContextManager[Transaction]: ...
    def acting(self, actor: Actor) -> Store: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClient:
    """All the token endpoint needs of a client, read together. ``apis`` are those its application is subscribed to in
    the client's environment (``name/version``)."""

    client: Client
    secrets: tuple[ClientSecret, ...]
    application: Application
    apis: frozenset[str]


class ClientReader(Protocol):
    """Clients by id, fast: cached, and true to the last commit."""

    async def known(self, client_id: str) -> KnownClient | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStanding:
    """What holds of an access token now. ``revoked``: by jti, grant, subject, client or application; ``grant``: the one
    it follows from, revoked or not."""

    revoked: bool
    grant: Grant | None


class TokenReader(Protocol):
    """What is stored of access tokens, fast, and true to the last commit."""

    async def opaque(self, digest: bytes) -> Token | None:
        """The opaque token, expired or not; ``None``: unknown, or its grant is revoked or gone."""

    async def standing(self, token: Token, application: str) -> TokenStanding:
        """What holds of a token of the application, all of it in one state of the store."""


class Vault(Protocol):
    """Seals what must be readable again (``storage.vault``)."""

    def seal(self, value: bytes, label: str) -> bytes: ...
    def open(self, sealed: bytes, label: str) -> bytes: ...


class Keys(Protocol):
    """This server's signing keys (``identity/keys.py``)."""

    async def sign(
        self, claims: Mapping[str, Any], *, typ: str, algorithm: SigningAlgorithm = "ES256"
    ) -> str:
        """A compact JWS by the key that is active now, with ``typ`` and ``kid`` in its header."""

    async def jwks(self) -> Mapping[str, Any]:
        """The JWK set of every key that is published."""

    async def claims_of(self, token: str, typ: str) -> Mapping[str, Any] | None:
        """The claims of a JWT this server signed, expired or not; ``None`` for anything else."""
