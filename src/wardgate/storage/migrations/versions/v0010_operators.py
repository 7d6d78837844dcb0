"""Operators, their roles and projects, access tokens of the control plane."""

from __future__ import annotations

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing so far."""
