"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    pass


class Me(TypedDict):
    """Whoever presented the token."""

    kind: str
    id: str
    name: str
    token: str
    permissions: list[str]
    projects: dict[str, list[str]]
