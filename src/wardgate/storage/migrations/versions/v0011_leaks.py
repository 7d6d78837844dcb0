"""Keys found in public."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an empty table."""
    op.create_table(
        "leaks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.UniqueConstraint("credential", "url"),
        sa.Index("leaks_action", "action"),
    )
