"""What a document says of an environment as a whole: so far, who answers its token endpoint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an empty table."""
    op.create_table(
        "environment_settings",
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), primary_key=True),
        sa.Column("token_endpoint", sa.Text, nullable=False),
    )
