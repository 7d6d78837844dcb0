"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    pass


class Group(TypedDict):
    """A set of people and applications that ACLs name and roles are given to."""

    name: str
    description: str
    roles: list[str]
    users: list[str]
    applications: list[str]


class GroupMembers(TypedDict):
    """Who is in a group; a field left out stays."""

    users: NotRequired[Sequence[str]]
    applications: NotRequired[Sequence[str]]


class GroupSettings(TypedDict):
    """What a group is; who is in it stays."""

    description: NotRequired[str]
    roles: NotRequired[Sequence[str]]
