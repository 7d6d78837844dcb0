"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    pass


class Withdrawal(TypedDict):
    """What is to go."""

    api: str
    environment: str
    reason: str
