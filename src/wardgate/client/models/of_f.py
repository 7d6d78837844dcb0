"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    pass


class Finding(TypedDict):
    """One thing that was looked at."""

    what: str
    right: bool
    detail: str
