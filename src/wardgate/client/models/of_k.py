"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class Key(TypedDict):
    """An API key: never the key itself."""

    id: str
    application: str
    environment: str
    prefix: str
    last_four: str
    name: str
    description: str
    state: Literal["active", "rotating", "expired", "revoked"]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    replaced_by: str | None
    lineage: str
    restrictions: models.KeyRestrictions
    last_used_at: float | None
    last_used_address: str | None
    use_count: int


class KeyIssue(TypedDict):
    """Which key to issue."""

    application: str
    environment: str
    name: NotRequired[str]
    description: NotRequired[str]
    expires_at: NotRequired[float | None]
    restrictions: NotRequired[models.KeyRestrictionsInput]


class KeyPresented(TypedDict):
    """A key somebody shows."""

    key: str
    environment: NotRequired[str | None]


class KeyRestrictionsInput(TypedDict):
    """What narrows a key; empty is unrestricted."""

    cidrs: NotRequired[Sequence[str]]
    referers: NotRequired[Sequence[str]]
    resources: NotRequired[Sequence[str]]


class KeyRestrictions(TypedDict):
    """What narrows a key; empty is unrestricted."""

    cidrs: list[str]
    referers: list[str]
    resources: list[str]


class KeyRotation(TypedDict):
    """How to replace a key."""

    overlap: NotRequired[float]
    expires_at: NotRequired[float | None]


class KeyVerdict(TypedDict):
    """What the gateway would say of a key; ``key`` is null for one that is not known."""

    accepted: bool
    reason: str | None
    environment: str
    key: models.Key | None
