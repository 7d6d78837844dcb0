"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class ScopeRole(TypedDict):
    """A named set of scopes."""

    name: str
    scopes: list[str]
    description: str


class ScopeRoleSettings(TypedDict):
    """What a role carries."""

    scopes: NotRequired[Sequence[str]]
    description: NotRequired[str]


class SecretClient(TypedDict):
    """A client, and its new secret if it got one."""

    client: models.Client
    client_secret: str | None


class SecretRotation(TypedDict):
    """How to replace a secret."""

    overlap: NotRequired[float]


class SecretShown(TypedDict):
    """A secret, without its value."""

    name: str
    updated_at: float
    by: str


class SecretValue(TypedDict):
    """What ``${secret:NAME}`` means. It is not read back."""

    value: str
    note: NotRequired[str]


class ServiceAccount(TypedDict):
    """A program that acts with tokens of its own."""

    id: str
    name: str
    description: str
    status: Literal["active", "suspended"]
    created_at: float


class ServiceAccountSettings(TypedDict):
    """What is said of an account."""

    description: str


class Session(TypedDict):
    """Where a person is signed in. Times are Unix seconds."""

    id: str
    created_at: float
    seen_at: float


class ShadowedLimit(TypedDict):
    """A limit that is not in force."""

    origin: Literal["default", "plan", "subscription", "application"]
    limit: models.LimitSettings


class SignOn(TypedDict):
    """How people sign on to the control plane."""

    environment: str
    client_id: str


class SoftenedTo(TypedDict):
    """The rate a caller is held to once a quota is used up."""

    amount: int
    per: Literal["second", "minute", "hour", "day", "week", "month", "year"]


class Subscription(TypedDict):
    """An application's access to one API of one environment. Only an active one opens anything."""

    id: str
    application: str
    environment: str
    api: str
    plan: str | None
    project: str
    status: Literal["active", "pending", "suspended", "rejected"]
    controls: models.ControlSettings
    expires_at: float | None


class SubscriptionLimits(TypedDict):
    """The limits that hold for a subscription."""

    limits: list[models.EffectiveLimit]
    replaced: list[models.LimitSettings] | None
    throttled: bool


class SubscriptionSettings(TypedDict):
    """What to change; a field left out stays. ``null`` for ``expires_at`` is never."""

    plan: NotRequired[str | None]
    controls: NotRequired[models.ControlSettingsInput]
    expires_at: NotRequired[float | None]
    status: NotRequired[Literal["active", "suspended"]]
    reason: NotRequired[str]
