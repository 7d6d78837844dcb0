"""Promotions and their approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an empty table."""
    op.create_table(
        "promotions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("replaced", sa.Integer),
        sa.Column("weakenings", sa.Text, nullable=False),
        sa.Column("decisions", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("requested_by_id", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("scheduled_at", sa.Float),
        sa.Column("done_at", sa.Float),
        sa.Column("failure", sa.Text, nullable=False),
    )
    op.create_index("promotions_place", "promotions", ["environment", "api", "done_at"])
    op.create_index("promotions_status", "promotions", ["status", "scheduled_at"])
