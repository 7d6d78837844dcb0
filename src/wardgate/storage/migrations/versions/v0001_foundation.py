"""APIs, plans, applications, credentials, the change feed, quota windows and roll-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates every table of the first schema."""
    _create_apis()
    _create_consumers()
    _create_machinery()
    _create_counters()


def _create_apis() -> None:
    op.create_table(
        "environments",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tag", sa.Text, nullable=False, unique=True),
        sa.Column("position", sa.Integer, nullable=False, unique=True),
        sa.Column("production", sa.Boolean, nullable=False),
    )
    op.create_table(
        "apis",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.UniqueConstraint("environment", "name", "version"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("api", sa.Text, sa.ForeignKey("apis.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("openapi_name", sa.Text, nullable=False),
        sa.Column("openapi_text", sa.Text, nullable=False),
        sa.Column("resolved", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("api", "number"),
    )
    op.create_table(
        "plans",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_consumers() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended')", name="applications_status"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "application_id", sa.Text, sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, sa.ForeignKey("plans.name")),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("application_id", "environment", "api"),
    )
    op.create_index("subscriptions_plan", "subscriptions", ["plan"])
    op.create_table(
        "credentials",
        sa.Column(
            "lookup",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column(
            "application_id", sa.Text, sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("last_four", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
        sa.Column("replaced_by", sa.Text),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("restrictions", sa.Text, nullable=False),
        sa.Column("last_used_at", sa.Float),
        sa.Column("last_used_address", sa.Text),
        sa.Column("use_count", sa.Integer, nullable=False),
    )
    op.create_index("credentials_application", "credentials", ["application_id"])


def _create_machinery() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("encrypted_private", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("retired_at", sa.Float),
    )


def _create_counters() -> None:
    op.create_table(
        "quota_windows",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", "window"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollups",
        sa.Column("minute", sa.Integer, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("application", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("bytes_in", sa.Integer, nullable=False),
        sa.Column("bytes_out", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("buckets", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "environment", "api", "resource", "application", "status", "reason"
        ),
        sqlite_with_rowid=False,
    )
