"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class EffectiveLimit(TypedDict):
    """A limit in force, where it was set, and what it stands before, the nearest first."""

    origin: Literal["default", "plan", "subscription", "application"]
    limit: models.LimitSettings
    shadows: list[models.ShadowedLimit]


class ExportedDocument(TypedDict):
    """The files of a document that makes an environment what it is."""

    environment: str
    files: dict[str, str]
