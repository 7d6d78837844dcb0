"""Uses of credentials move to a table of their own, whose rows are small and lie in the order they are written in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keeps every count, time and address."""
    op.create_table(
        "credential_uses",
        sa.Column(
            "credential", sa.Text, sa.ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO credential_uses (credential, count, last_at, address) "
        "SELECT id, use_count, coalesce(last_used_at, 0), coalesce(last_used_address, '') FROM credentials "
        "WHERE use_count > 0 OR last_used_at IS NOT NULL ORDER BY id"
    )
    for column in ("last_used_at", "last_used_address", "use_count"):
        op.drop_column("credentials", column)
