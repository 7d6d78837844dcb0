"""The tables of access: requests for it, groups, and webhooks that tell of it."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from wardgate.storage.tables import metadata

_PENDING = text("status = 'pending'")

#: ``subscription`` has no foreign key: a request is remembered when what it asked for has ended. ``requester`` is the
#: actor's id, ``requested_by`` the actor for people. ``controls`` is JSON, or empty for none. One request at a time may
#: be open for a subscription.
access_requests = Table(
    "access_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subscription", Text, nullable=False),
    Column("application_id", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("api", Text, nullable=False),
    Column("plan", Text),
    Column("requester", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Float),
    Column("reason", Text, nullable=False),
    Column("controls", Text, nullable=False),
    Column("expires_at", Float),
    CheckConstraint(
        "status IN ('pending', 'approved', 'rejected', 'withdrawn')", name="access_requests_status"
    ),
    Index("access_requests_status_id", "status", "id"),
    Index("access_requests_application", "application_id"),
    Index(
        "access_requests_open",
        "subscription",
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
)

groups = Table(
    "groups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

#: Who is in the group holds the role, which may have been defined or not.
group_roles = Table(
    "group_roles",
    metadata,
    Column("group_name", Text, ForeignKey("groups.name", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("group_name", "role"),
    sqlite_with_rowid=False,
)

#: In the order of members: what is asked on the request path is the groups of one.
group_users = Table(
    "group_users",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("group_name", Text, ForeignKey("groups.name", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("user_id", "group_name"),
    Index("group_users_group", "group_name"),
    sqlite_with_rowid=False,
)

group_applications = Table(
    "group_applications",
    metadata,
    Column("application_id", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("group_name", Text, ForeignKey("groups.name", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("application_id", "group_name"),
    Index("group_applications_group", "group_name"),
    sqlite_with_rowid=False,
)

#: ``events`` and ``environments`` are JSON lists, empty for all. ``sealed_secret`` is sealed by the vault under
#: ``webhook/<id>``, as is ``sealed_previous``, which signs besides it until ``previous_until``. ``failing_since`` is when
#: the first of the deliveries that failed in a row did.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("environments", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_previous", LargeBinary),
    Column("previous_until", Float),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("failing_since", Float),
    Column("last_error", Text, nullable=False),
    CheckConstraint("status IN ('active', 'paused', 'disabled')", name="webhooks_status"),
)

#: ``message`` is the ``webhook-id``: one event's, the same at every webhook and every try.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("message", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("last_error", Text, nullable=False),
    CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name="webhook_deliveries_status"),
    Index("webhook_deliveries_due", "status", "not_before"),
    Index("webhook_deliveries_webhook", "webhook", "id"),
    Index("webhook_deliveries_created", "created_at"),
)
