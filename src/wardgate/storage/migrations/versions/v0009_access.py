"""Asking for access, controls of subscriptions, groups, webhooks."""

from __future__ import annotations

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing so far."""
