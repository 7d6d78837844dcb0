"""Asking for access, controls of subscriptions, groups, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whatever is subscribed stays so, uncontrolled; the rest begins empty."""
    op.execute(
        "ALTER TABLE subscriptions ADD COLUMN status TEXT NOT NULL DEFAULT 'active' "
        "CONSTRAINT subscriptions_status CHECK (status IN ('active', 'pending', 'suspended', 'rejected'))"
    )
    op.add_column("subscriptions", sa.Column("controls", sa.Text, nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("expires_at", sa.Float))
    for column in ("limits", "throttle"):
        op.add_column("applications", sa.Column(column, sa.Text, nullable=False, server_default=""))
    _requests()
    _groups()
    _webhooks()


def _requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("subscription", sa.Text, nullable=False),
        sa.Column(
            "application_id", sa.Text, sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.name"), nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", sa.Float, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Float),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("controls", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'withdrawn')", name="access_requests_status"
        ),
        sa.Index("access_requests_status_id", "status", "id"),
        sa.Index("access_requests_application", "application_id"),
        sa.Index(
            "access_requests_open",
            "subscription",
            unique=True,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        ),
    )


def _groups() -> None:
    name = ("groups.name",)
    op.create_table(
        "groups",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "group_roles",
        sa.Column("group_name", sa.Text, sa.ForeignKey(*name, ondelete="CASCADE"), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("group_name", "role"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_users",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("group_name", sa.Text, sa.ForeignKey(*name, ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "group_name"),
        sa.Index("group_users_group", "group_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_applications",
        sa.Column(
            "application_id", sa.Text, sa.ForeignKey("applications.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("group_name", sa.Text, sa.ForeignKey(*name, ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("application_id", "group_name"),
        sa.Index("group_applications_group", "group_name"),
        sqlite_with_rowid=False,
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("environments", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("sealed_previous", sa.LargeBinary),
        sa.Column("previous_until", sa.Float),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("failing_since", sa.Float),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'disabled')", name="webhooks_status"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("webhook", sa.Text, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name="webhook_deliveries_status"),
        sa.Index("webhook_deliveries_due", "status", "not_before"),
        sa.Index("webhook_deliveries_webhook", "webhook", "id"),
        sa.Index("webhook_deliveries_created", "created_at"),
    )
