"""Keys found in public."""

from __future__ import annotations

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing so far."""
