"""Revisions belong to APIs and are signed; what is deployed where; plans and settings of environments."""

from __future__ import annotations

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing so far."""
