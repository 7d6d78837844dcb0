"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class Operator(TypedDict):
    """What a user, group or service account was granted directly."""

    kind: Literal["user", "group", "service"]
    name: str
    principal: str
    roles: list[models.HeldRole]


class Overlap(TypedDict):
    """How long the secret before stays good."""

    overlap: NotRequired[float]
