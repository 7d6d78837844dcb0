"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    pass


class HeldRole(TypedDict):
    """A role somebody holds."""

    role: str
    project: str
    granted_at: float
    granted_by: str
    provider: str
