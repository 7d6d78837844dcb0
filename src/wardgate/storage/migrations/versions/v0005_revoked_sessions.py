"""Lets the sweep find sessions that were ended without reading those that were not."""

from __future__ import annotations

from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index."""
    op.create_index("sessions_revoked", "sessions", ["revoked_at"])
