"""Who calls: applications, their subscriptions and credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wardgate.domain.limit import Limit

ApplicationStatus = Literal["active", "suspended"]
#: ``pending``: asked for and not yet decided; ``rejected``: decided against. Only an active one opens anything.
SubscriptionStatus = Literal["active", "pending", "suspended", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What whoever granted a subscription set for it, beside its plan. Empty narrows nothing.

    ``limits`` stand before those of the plan (``domain/effective.py``); ``cidrs`` are the networks it may be used from;
    ``scopes`` are all that tokens may use here; ``roles`` are what the application itself holds here.
    """

    limits: tuple[Limit, ...] = ()
    cidrs: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


UNCONTROLLED = Controls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An application's access to one API on one plan. ``api`` is ``name/version``; ``expires_at`` is in Unix seconds."""

    id: str
    application: str
    api: str
    plan: str | None
    status: SubscriptionStatus = "active"
    controls: Controls = UNCONTROLLED
    expires_at: float | None = None
    #: Whether there is nothing about it that a request has to be asked for: worked out once.
    usual: bool = field(init=False, compare=False, repr=False, default=True)

    def __post_init__(self) -> None:
        usual = self.status == "active" and self.expires_at is None and self.controls == UNCONTROLLED
        object.__setattr__(self, "usual", usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A consumer program. ``name`` is unique; ``owner`` is a contact, personal data never logged.

    ``groups`` are those it is in, and ``roles`` those they give it. ``limits`` are set for this application at every API,
    before any plan's; ``throttle`` holds those it was throttled to, which go before them. A gateway finds what is in
    force of the two in ``limits``.
    """

    id: str
    name: str
    owner: str = ""
    status: ApplicationStatus = "active"
    groups: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    throttle: tuple[Limit, ...] = ()
    roles: tuple[str, ...] = ()
    #: Whether it is active and no limits were set for it: worked out once.
    usual: bool = field(init=False, compare=False, repr=False, default=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "usual", self.status == "active" and not self.limits)


def throttled(limits: tuple[Limit, ...], throttle: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """The limits in force for an application that has ``limits`` and was throttled to ``throttle``: of one kind and period
    the latter's."""
    taken = {(limit.kind, limit.per) for limit in throttle}
    return (*throttle, *(limit for limit in limits if (limit.kind, limit.per) not in taken))


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """What narrows a credential: networks (CIDR), Referer hosts (``*.example.com`` allowed), resources
    (``orders/v1 GET /items/{id}``). Empty means unrestricted."""

    cidrs: tuple[str, ...] = ()
    referers: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One API key as stored: never the key itself. Times are Unix seconds (UTC).

    ``replaced_by`` names the key a rotation issued; ``expires_at`` then ends the overlap. ``lineage`` is shared by
    a key and all keys rotated from it, so history survives rotation.
    """

    id: str
    application: str
    environment: str
    prefix: str
    last_four: str
    name: str = ""
    description: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    replaced_by: str | None = None
    lineage: str = ""
    restrictions: Restrictions = field(default_factory=Restrictions)
    last_used_at: float | None = None
    last_used_address: str | None = None
    use_count: int = 0
