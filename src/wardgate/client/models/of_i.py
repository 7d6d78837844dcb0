"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class IssuedAdminToken(TypedDict):
    """A new token."""

    credential: models.AdminToken
    token: str | None


class IssuedKey(TypedDict):
    """A new key."""

    credential: models.Key
    key: str | None
