"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class VariableShown(TypedDict):
    """A variable. ``waiting``: as of environments."""

    name: str
    value: str
    waiting: str


class VariableValue(TypedDict):
    """What ``${NAME}`` means."""

    value: str
    note: NotRequired[str]


class Verified(TypedDict):
    """Every verdict; ``sound`` when all are good."""

    sound: bool
    revisions: list[models.RevisionVerdict]
