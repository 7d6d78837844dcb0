"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class PlaceShown(TypedDict):
    """Where an API is deployed."""

    environment: str
    revision: int
    off: list[str]
    deployed_at: float
    by: str


class PresentedToken(TypedDict):
    """A token somebody shows."""

    token: str


class Project(TypedDict):
    """A set of APIs whose operators may be others than elsewhere."""

    name: str
    description: str
    created_at: float


class ProjectSettings(TypedDict):
    """What is said of a project."""

    description: NotRequired[str]


class PromotionRequest(TypedDict):
    """What to promote."""

    api: str
    environment: str
    revision: NotRequired[int | None]
    reason: NotRequired[str]
    at: NotRequired[float | None]
    skip: NotRequired[bool]


class PromotionShown(TypedDict):
    """One such change. While it is open, with what it would change now."""

    promotion: models.PromotionSummary
    differences: list[models.DifferenceShown]
    seen: str
    changed: bool
    obstacle: str


class PromotionSummary(TypedDict):
    """A change of what an environment serves."""

    id: str
    kind: Literal["promote", "rollback", "withdraw", "settings"]
    status: Literal["pending", "scheduled", "done", "rejected", "cancelled", "failed"]
    api: str
    revision: int | None
    replaced: int | None
    environment: str
    requested_by: str
    requested_at: float
    reason: str
    weakenings: list[models.DifferenceShown]
    decisions: list[models.DecisionShown]
    scheduled_at: float | None
    done_at: float | None
    failure: str


class Provider(TypedDict):
    """A provider: never its secret."""

    id: str
    environment: str
    name: str
    preset: Literal["generic", "okta", "entra", "google"]
    issuer: str
    client_id: str
    has_secret: bool
    settings: dict[str, Any]
    status: Literal["active", "suspended"]
    held: bool
    redirect_path: str
    links: int
    public_key: dict[str, Any] | None


class ProviderCheck(TypedDict):
    """What is right and wrong with a provider."""

    id: str
    right: bool
    findings: list[models.Finding]


class ProviderRestoration(TypedDict):
    """Why people sign in with it again; needed for one that is held."""

    reason: NotRequired[str]


class ProviderSettings(TypedDict):
    """What is particular to a provider. What is left out is as usual for its kind."""

    tenant: NotRequired[str]
    tenants: NotRequired[Sequence[str]]
    domains: NotRequired[Sequence[str]]
    scopes: NotRequired[Sequence[str]]
    algorithms: NotRequired[Sequence[str]]
    groups_claim: NotRequired[str]
    roles_claim: NotRequired[str]
    name_claim: NotRequired[str]
    roles: NotRequired[Mapping[str, Sequence[str]]]
    groups: NotRequired[Mapping[str, Sequence[str]]]
    operators: NotRequired[Mapping[str, Sequence[str]]]
    on_overage: NotRequired[Literal["refuse", "ignore"]]
    create: NotRequired[bool]
    authentication: NotRequired[Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]]
    assertion_clients: NotRequired[Sequence[str]]
