"""What the use cases of access ask of a store: requests for it, groups, webhooks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from wardgate.domain.access import AccessRequest, Group, RequestStatus
from wardgate.domain.oauth import Client, Grant, Revocation
from wardgate.domain.people import IdentityProvider, Link, Mail, User
from wardgate.domain.webhook import Delivery, DeliveryStatus, Webhook, WebhookEvent


class AccessRequests(Protocol):
    """Requests for access, open and decided."""

    async def add(self, request: AccessRequest) -> None:
        """Adds one; its subscription must have no other that is pending."""

    async def get(self, request_id: str) -> AccessRequest | None: ...
    async def open_for(self, subscription_id: str) -> AccessRequest | None:
        """The one that is pending for a subscription."""

    async def list(
        self,
        *,
        status: RequestStatus | None = None,
        environment: str | None = None,
        application: str | None = None,
        api: str | None = None,
    ) -> Sequence[AccessRequest]:
        """Those that fit, oldest first; ``application`` is an id."""

    async def decide(self, decided: AccessRequest) -> bool:
        """Stores what became of a request, if it is still pending; whether it was. One statement: of two who decide at
        the same time one hears ``False``."""


class People(Protocol):
    """Accounts, as far as they are told of something."""

    async def get(self, user_id: str) -> User | None: ...


class KnownProviders(Protocol):
    """Foreign OpenID providers, as far as documents tell of them, and who signs in by them."""

    async def list(self, environment: str | None = None) -> Sequence[IdentityProvider]: ...
    async def replace(self, provider: IdentityProvider) -> None:
        """Stores the provider in the place of the one with its id."""

    async def links_of(self, user_id: str) -> Sequence[Link]:
        """The user's accounts at providers."""


class KnownClients(Protocol):
    """OAuth 2.0 clients, as far as documents tell of them and applications take them along."""

    async def registered(self) -> frozenset[str]:
        """Ids of those that registered themselves (RFC 7591), of every environment."""

    async def list(
        self, *, environment: str | None = None, application: str | None = None
    ) -> Sequence[Client]: ...
    async def replace(self, client: Client) -> None:
        """Stores the client in the place of the one with its id."""

    async def remove(self, client_id: str) -> None:
        """Deletes it with its secrets, grants and tokens."""


class KnownGrants(Protocol):
    """What people let clients do, as far as it ends with a client."""

    async def find(self, *, client: str | None = None, now: float | None = None) -> Sequence[Grant]:
        """Grants that are live ``now``, of a client."""


class TakingBack(Protocol):
    """Tokens taken back. Writing appends ``revocation`` (``<kind> <key>``) to the change feed by itself."""

    async def add(self, revocations: Sequence[Revocation], *, at: float) -> None: ...


class Outbox(Protocol):
    """Mail that leaves once the transaction commits."""

    async def add(self, mail: Mail) -> None: ...


class Groups(Protocol):
    """Groups, shared by all environments. What is done to them is the use case's business to announce."""

    async def all(self) -> list[Group]:
        """Every group with its roles and members, by name."""

    async def get(self, name: str) -> Group | None: ...
    async def put(self, name: str, description: str, roles: Collection[str], *, at: float) -> None:
        """Adds the group, or replaces its description and roles; members stay."""

    async def remove(self, name: str) -> None: ...
    async def of_user(self, user_id: str) -> tuple[str, ...]:
        """The groups a person is in, whoever put them there."""

    async def everyone(self, name: str) -> frozenset[str]:
        """The ids of all people in the group, whoever put them there; :class:`Group` has those whom operators did."""

    async def set_users(self, name: str, user_ids: Collection[str]) -> None:
        """Exactly these people are in it."""

    async def set_applications(self, name: str, application_ids: Collection[str]) -> None:
        """Exactly these applications are in it."""

    async def set_of_application(self, application_id: str, names: Collection[str]) -> None:
        """The application is in exactly these groups."""


class Webhooks(Protocol):
    """Webhooks, and what waits to be delivered to them."""

    async def emit(self, event: WebhookEvent, data: dict[str, Any]) -> None:
        """Tells every active webhook that listens, once the transaction commits. ``data`` holds no secret, and of people
        no more than needed; ``data["environment"]``, if there is one, decides which webhooks that is."""

    async def emit_to(
        self, webhook: Webhook, event: WebhookEvent, data: dict[str, Any], *, at: float
    ) -> Delivery:
        """Tells one webhook, whatever it listens to."""

    async def all(self) -> Sequence[Webhook]: ...
    async def get(self, webhook_id: str) -> Webhook | None: ...
    async def add(self, webhook: Webhook, secret: bytes) -> None:
        """Adds one whose messages are signed with ``secret``."""

    async def replace(self, webhook: Webhook) -> None:
        """Stores everything but the secret."""

    async def set_secret(self, webhook_id: str, secret: bytes, previous_until: float | None) -> None:
        """Replaces the secret; the one before signs besides it until then (``None``: no more)."""

    async def secrets(self, webhook_id: str, now: float) -> list[bytes]:
        """What its messages are signed with at ``now``, the newest first; none: it is gone."""

    async def remove(self, webhook_id: str) -> None:
        """Deletes it, and what waited for it."""

    async def deliveries(self, webhook_id: str, limit: int) -> Sequence[Delivery]:
        """The newest, newest first."""

    async def add_delivery(self, delivery: Delivery) -> None: ...
    async def delivery(self, delivery_id: str) -> Delivery | None: ...
    async def due(self, now: float, limit: int, *, leaving_out: Collection[str] = ()) -> list[Delivery]:
        """What is to be sent now to active webhooks other than those left out. In a writing transaction it is the
        caller's for a while."""

    async def postpone(self, delivery_ids: Collection[str], not_before: float) -> None:
        """Gives back what was taken and not tried."""

    async def settle(
        self, delivery_id: str, status: DeliveryStatus, *, not_before: float, error: str
    ) -> None:
        """Notes a try, and what became of it."""
