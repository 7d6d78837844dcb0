"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class Refusal(TypedDict):
    """Why it may not be."""

    reason: str


class Registration(TypedDict):
    """An initial access token (RFC 7591 section 3): one client can register itself with it, once."""

    token: str | None
    expires_in: float


class Reset(TypedDict):
    """How to let a person in who cannot sign in: with a password, or by a link."""

    factors: NotRequired[bool]
    password: NotRequired[str | None]


class ResetUser(TypedDict):
    """The account; ``link`` is good for a day, works once, and is null where a password was given."""

    user: models.Account
    link: str | None


class Restoration(TypedDict):
    """Why a client is served again; needed for one that is held."""

    reason: NotRequired[str]


class RetentionModelInput(TypedDict):
    """Days that is kept what happened."""

    rollups: NotRequired[int]
    audit: NotRequired[int]


class RetentionModel(TypedDict):
    """Days that is kept what happened."""

    rollups: int
    audit: int


class RevisionLine(TypedDict):
    """A revision without its content."""

    number: int
    hash: str
    created_at: float
    actor: str
    note: str
    key: str
    environments: list[str]


class RevisionShown(TypedDict):
    """A revision, whole. Names of variables and secrets are left in."""

    api: str
    number: int
    hash: str
    created_at: float
    actor: str
    note: str
    key: str
    signature: str
    resolved: dict[str, Any]
    source: dict[str, Any]
    openapi_name: str
    openapi_text: str
    plans: list[dict[str, Any]]


class RevisionVerdict(TypedDict):
    """Whether a revision is what it was when it was signed."""

    api: str
    number: int
    content: bool
    signature: bool


class Revocation(TypedDict):
    """Whose tokens to take back: those with a ``jti``, of a grant, of a person (name or id), of a client, of an
    application's clients (name or id)."""

    kind: Literal["jti", "grant", "subject", "client", "application"]
    key: str


class Revoked(TypedDict):
    """What was taken back. ``grants``: how many ended with the tokens."""

    kind: str
    key: str
    grants: int


class Role(TypedDict):
    """A named set of permissions."""

    name: str
    description: str
    permissions: list[str]
    builtin: bool


class RoleGrant(TypedDict):
    """Which role, and where."""

    role: str
    project: NotRequired[str]
    note: NotRequired[str]


class RoleSettings(TypedDict):
    """What a role of the installation's own is to allow."""

    permissions: list[str]
    description: NotRequired[str]


class RollbackRequest(TypedDict):
    """What to go back to."""

    api: str
    environment: str
    revision: NotRequired[int | None]
    reason: str
