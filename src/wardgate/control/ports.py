"""What the use cases ask of a store, as protocols; ``storage`` implements them.

Everything happens inside a transaction. A reading one sees one consistent state; a writing one is alone, and takes
effect whole when its block ends, or not at all when the block raises. After a commit that appended to the change
feed, the store wakes whoever follows the feed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from wardgate.control.ports_access import (
    AccessRequests,
    Groups,
    KnownClients,
    KnownGrants,
    KnownProviders,
    Outbox,
    People,
    TakingBack,
    Webhooks,
)
from wardgate.control.ports_apis import ApiRecord as ApiRecord
from wardgate.control.ports_apis import Apis as Apis
from wardgate.control.ports_apis import Deployment as Deployment
from wardgate.control.ports_apis import Environments as Environments
from wardgate.control.ports_apis import Plans as Plans
from wardgate.control.ports_apis import RevisionCheck as RevisionCheck
from wardgate.control.ports_apis import RevisionInfo as RevisionInfo
from wardgate.control.ports_apis import SecretInfo as SecretInfo
from wardgate.control.ports_idempotency import Idempotency
from wardgate.control.ports_leaks import Leaks
from wardgate.control.ports_operators import Operators
from wardgate.control.ports_promotions import Promotions
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent, AuditFilter, AuditRecord
from wardgate.domain.chain import End, Link, SealedEnd
from wardgate.domain.change import ChangeKind
from wardgate.domain.consumer import Application, ApplicationStatus, Credential, Subscription
from wardgate.domain.environment import Environment as Environment
from wardgate.domain.limit import Limit
from wardgate.domain.people import Role


class Roles(Protocol):
    """Roles, shared by all environments."""

    async def all(self) -> list[Role]:
        """Every role by name."""

    async def put(self, role: Role) -> None:
        """Adds the role or replaces the one of that name."""

    async def remove(self, name: str) -> None:
        """Deletes the role; nobody holds it any more."""


class Applications(Protocol):
    """Applications and their subscriptions."""

    async def all(self) -> list[Application]:
        """Every application, in the order they were added."""

    async def find(self, name_or_id: str) -> Application | None:
        """The application with that name, or else with that id."""

    async def add(self, added: Sequence[Application], *, at: float) -> None:
        """Adds applications; their ids and names must be new."""

    async def set_owner(self, application_id: str, owner: str) -> None:
        """Changes the contact."""

    async def set_status(self, application_id: str, status: ApplicationStatus) -> None:
        """Suspends or restores."""

    async def set_limits(self, application_id: str, limits: tuple[Limit, ...]) -> None:
        """Replaces the limits set for it at every API."""

    async def set_throttle(self, application_id: str, limits: tuple[Limit, ...]) -> None:
        """Replaces the limits it is throttled to; empty: it is not."""

    async def remove(self, application_id: str) -> None:
        """Deletes the application with its subscriptions and credentials."""

    async def subscriptions(self, environment: str | None = None) -> list[tuple[str, Subscription]]:
        """``(environment, subscription)`` of one environment, or of all, in the order they were added."""

    async def subscription(self, subscription_id: str) -> tuple[str, Subscription] | None:
        """``(environment, subscription)`` by id."""

    async def subscribed(self, application_id: str, environment: str, api: str) -> Subscription | None:
        """The application's subscription to ``name/version`` there, whatever its status."""

    async def subscribe(self, environment: str, added: Sequence[Subscription], *, at: float) -> None:
        """Adds subscriptions; their applications must have none to those APIs there."""

    async def change(self, changed: Subscription) -> None:
        """Stores plan, status, controls and expiry of a subscription."""

    async def unsubscribe(self, subscription_ids: Collection[str]) -> None:
        """Ends subscriptions."""


class Credentials(Protocol):
    """Credentials. A digest goes in with :meth:`add` and comes out only for the change feed."""

    async def add(self, credential: Credential, digest: bytes) -> None:
        """Stores a new credential under the digest of its key."""

    async def list(
        self, *, application: str | None = None, environment: str | None = None
    ) -> list[Credential]:
        """Credentials of an application (by id) and environment, oldest first."""

    async def find(self, credential_id: str) -> tuple[Credential, bytes] | None:
        """The credential with that id, and its digest."""

    async def by_digest(self, digest: bytes) -> Credential | None:
        """The credential whose key has that digest."""

    async def end(
        self,
        credential_id: str,
        *,
        expires_at: float | None,
        revoked_at: float | None,
        replaced_by: str | None,
    ) -> None:
        """Sets when and why a credential stops being valid; all three are stored as given."""


class Feed(Protocol):
    """The change feed, as a writer sees it."""

    async def append(self, kind: ChangeKind, key: str, *, at: float) -> None:
        """Announces a change; it becomes visible with the commit."""


class AuditTrail(Protocol):
    """What happened, in an unbroken chain (``domain/chain.py``)."""

    async def record(self, event: AuditEvent, *, at: float, actor: Actor | None = None) -> None:
        """Adds a link with the commit of this transaction. ``actor``: the transaction's own by default. Secrets in the
        event are replaced (``domain/redaction.py``)."""

    async def find(self, wanted: AuditFilter, *, before: int | None, limit: int) -> list[AuditRecord]:
        """At most ``limit`` records with a ``seq`` lower than ``before``, newest first."""

    async def page(self, after: int, limit: int, wanted: AuditFilter | None = None) -> list[AuditRecord]:
        """At most ``limit`` records after the ``seq`` given, oldest first."""

    async def links(self, after: int | None, limit: int) -> list[Link]:
        """The rows as they are, in the order of ``seq``; ``None``: from whichever is first."""

    async def end(self, end: End) -> SealedEnd | None:
        """One of the chain's ends; ``first`` is there once older links were let go."""

    async def set_end(self, end: End, sealed: SealedEnd) -> None:
        """Moves an end."""

    async def cut(self, through: int) -> None:
        """Deletes every link up to ``seq`` ``through``."""


class Transaction(Protocol):
    """One transaction's view of the store, and who looks."""

    @property
    def actor(self) -> Actor:
        """Who acts: use cases ask ``control.authority.require`` of them, and the trail names them."""

    @property
    def audit(self) -> AuditTrail: ...
    @property
    def operators(self) -> Operators: ...
    @property
    def environments(self) -> Environments: ...
    @property
    def apis(self) -> Apis: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def promotions(self) -> Promotions: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def applications(self) -> Applications: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def access_requests(self) -> AccessRequests: ...
    @property
    def groups(self) -> Groups: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def providers(self) -> KnownProviders: ...
    @property
    def clients(self) -> KnownClients: ...
    @property
    def grants(self) -> KnownGrants: ...
    @property
    def revocations(self) -> TakingBack: ...
    @property
    def users(self) -> People: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def leaks(self) -> Leaks: ...
    @property
    def idempotency(self) -> Idempotency: ...


class Store(Protocol):
    """An open store."""

    @property
    def data_dir(self) -> Path:
        """The installation's directory."""

    def master_key(self) -> bytes:
        """The key of credential digests (32 bytes)."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A read-only transaction."""

    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that commits when its block ends and rolls back when it raises."""

    def acting(self, actor: Actor) -> Store:
        """The same store for another: its transactions are ``actor``'s. Closing it is left to the first."""
