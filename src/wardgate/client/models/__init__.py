"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from wardgate.client.models.of_i import IssuedKey
from wardgate.client.models.of_k import (
    Key,
    KeyIssue,
    KeyPresented,
    KeyRestrictions,
    KeyRestrictionsInput,
    KeyRotation,
    KeyVerdict,
)

__all__ = [
    "IssuedKey",
    "Key",
    "KeyIssue",
    "KeyPresented",
    "KeyRestrictions",
    "KeyRestrictionsInput",
    "KeyRotation",
    "KeyVerdict",
]
