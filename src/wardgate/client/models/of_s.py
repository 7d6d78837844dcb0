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


class SignOn(TypedDict):
    """How people sign on to the control plane."""

    environment: str
    client_id: str
