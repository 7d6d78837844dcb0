"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class AccessApproval(TypedDict):
    """What is granted."""

    plan: NotRequired[str | None]
    controls: NotRequired[models.ControlSettingsInput]
    expires_at: NotRequired[float | None]
    reason: NotRequired[str]


class AccessRejection(TypedDict):
    """Why it is not granted."""

    reason: str


class AccessRequest(TypedDict):
    """An application's wish for a subscription, and what became of it."""

    id: str
    status: Literal["pending", "approved", "rejected", "withdrawn"]
    subscription: str
    application: str
    environment: str
    api: str
    plan: str | None
    project: str
    message: str
    requested_by: str
    requested_at: float
    decided_by: str
    decided_at: float | None
    reason: str
    controls: models.ControlSettings
    expires_at: float | None


class Account(TypedDict):
    """A person's account, with how they sign in (factors by kind) and where they are signed in."""

    id: str
    name: str
    email: str
    email_verified: bool
    profile: dict[str, Any]
    status: Literal["active", "suspended"]
    created_at: float
    roles: list[str]
    factors: dict[str, int]
    sessions: list[models.Session]


class AddedUser(TypedDict):
    """A new account; ``link`` is good for a week, works once, and is null where a password was given."""

    user: models.Account
    link: str | None


class AdminToken(TypedDict):
    """An access token of the control plane: never the token itself."""

    id: str
    kind: Literal["user", "service"]
    owner: str
    name: str
    prefix: str
    last_four: str
    permissions: list[str]
    projects: list[str] | None
    state: Literal["active", "expired", "revoked"]
    created_at: float
    expires_at: float
    revoked_at: float | None
    last_used_at: float | None
    last_used_address: str
    issued_by: str | None
    issued_through: list[str]


class AdminTokenIssue(TypedDict):
    """Which token to issue; one's own where nobody is named."""

    name: str
    user: NotRequired[str | None]
    service: NotRequired[str | None]
    permissions: NotRequired[Sequence[str] | None]
    projects: NotRequired[Sequence[str] | None]
    expires_at: NotRequired[float | None]


class ApiDeprecation(TypedDict):
    """How an API ends."""

    sunset: NotRequired[float | None]
    successor: NotRequired[str]
    note: NotRequired[str]


class ApiDescription(TypedDict):
    """What is to change; null leaves it."""

    visibility: NotRequired[Literal["public", "private", "group"] | None]
    groups: NotRequired[Sequence[str] | None]
    project: NotRequired[str | None]
    tags: NotRequired[Sequence[str] | None]
    docs: NotRequired[str | None]
    contact: NotRequired[str | None]
    description: NotRequired[str | None]
    note: NotRequired[str]


class ApiShown(TypedDict):
    """An API, whatever is deployed of it."""

    api: str
    lifecycle: Literal["created", "published", "deprecated", "retired"]
    deprecated_at: float | None
    sunset_at: float | None
    successor: str
    visibility: Literal["public", "private", "group"]
    groups: list[str]
    project: str
    tags: list[str]
    docs: str
    contact: str
    description: str
    places: list[models.PlaceShown]


class ApiStep(TypedDict):
    """A step of the life cycle."""

    force: NotRequired[bool]
    note: NotRequired[str]


class ApiSwitch(TypedDict):
    """What to switch, and why."""

    environment: str
    resource: NotRequired[str | None]
    reason: str


class Application(TypedDict):
    """A consumer program."""

    id: str
    name: str
    owner: str
    status: Literal["active", "suspended"]
    groups: list[str]
    limits: list[models.LimitSettings]
    throttle: list[models.LimitSettings]
    subscriptions: list[models.ApplicationSubscription]


class ApplicationHold(TypedDict):
    """Why."""

    reason: NotRequired[str]


class ApplicationSettings(TypedDict):
    """What to change; a field left out stays."""

    owner: NotRequired[str]
    limits: NotRequired[Sequence[models.LimitSettingsInput]]
    groups: NotRequired[Sequence[str]]


class ApplicationSubscription(TypedDict):
    """What an application may call."""

    id: str
    environment: str
    api: str
    plan: str | None
    status: Literal["active", "pending", "suspended", "rejected"]
    expires_at: float | None


class ApplicationThrottle(TypedDict):
    """What to throttle to."""

    limits: list[models.LimitSettingsInput]
    reason: NotRequired[str]


class Approval(TypedDict):
    """Why it may be."""

    reason: str
    seen: NotRequired[str]


class AuditActor(TypedDict):
    """Who did something. ``id`` never changes; ``name`` is what they were called then."""

    kind: Literal["user", "service", "local", "system", "anonymous"]
    id: str
    name: str


class AuditEntry(TypedDict):
    """One link of the trail: something that was done, refused or failed."""

    seq: int
    at: float
    actor: models.AuditActor
    address: str
    token: str
    action: str
    target: str
    outcome: Literal["done", "refused", "failed"]
    environment: str
    project: str
    before: dict[str, Any]
    after: dict[str, Any]
    note: str
    previous: str
    hash: str


class AuditHead(TypedDict):
    """Where the trail ends now. Keep it where those who administer the server cannot write."""

    head: str


class AuditVerdict(TypedDict):
    """What verifying found: nothing wrong, or the first thing that is."""

    intact: bool
    links: int
    head: str
    since: float | None
    compared: bool
    problem: (
        Literal[
            "link_changed",
            "link_missing",
            "link_unexpected",
            "chain_broken",
            "first_end",
            "last_end",
            "head_differs",
            "head_ahead",
        ]
        | None
    )
    problem_seq: int | None
    problem_text: str
