"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class EffectiveLimit(TypedDict):
    """A limit in force, where it was set, and what it stands before, the nearest first."""

    origin: Literal["default", "plan", "subscription", "application"]
    limit: models.LimitSettings
    shadows: list[models.ShadowedLimit]


class EnvironmentChange(TypedDict):
    """What is to change; null leaves it."""

    hosts: NotRequired[Sequence[str] | None]
    plans: NotRequired[Mapping[str, Sequence[models.LimitSettingsInput]] | None]
    retention: NotRequired[models.RetentionModelInput | None]
    token_endpoint: NotRequired[str | None]
    leaks: NotRequired[Literal["notify", "rotate", "revoke"] | None]
    leak_overlap: NotRequired[int | None]
    note: NotRequired[str]


class EnvironmentList(TypedDict):
    """Environments in their order."""

    environments: list[models.EnvironmentShown]


class EnvironmentOrder(TypedDict):
    """Every environment once, in the order of promotion."""

    names: list[str]
    note: NotRequired[str]


class EnvironmentShown(TypedDict):
    """An environment. What is applied is in force in the first at once, and comes to the others by promotion."""

    name: str
    tag: str
    position: int
    production: bool
    hosts: list[str]
    variables: dict[str, str]
    plans: dict[str, list[models.LimitSettings]]
    retention: models.RetentionModel
    token_endpoint: str
    leaks: Literal["notify", "rotate", "revoke"]
    leak_overlap: int
    waiting: str


class ExportedDocument(TypedDict):
    """The files of a document that makes an environment what it is."""

    environment: str
    files: dict[str, str]
