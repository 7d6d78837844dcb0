"""The tables of operators: projects, roles and who holds them, service accounts, access tokens of the control plane."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from wardgate.storage.tables import metadata

projects = Table(
    "projects",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

#: Custom ones; ``permissions`` is a JSON list.
operator_roles = Table(
    "operator_roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("permissions", Text, nullable=False),
)

#: ``principal`` is a user's or service account's id, or a group's name. ``project`` is empty for everywhere, ``source``
#: for what an operator granted; else it is the id of the provider whose groups gave the role.
operator_grants = Table(
    "operator_grants",
    metadata,
    Column("kind", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("by", Text, nullable=False),
    PrimaryKeyConstraint("kind", "principal", "role", "project", "source"),
    CheckConstraint("kind IN ('user', 'group', 'service')", name="operator_grants_kind"),
    Index("operator_grants_role", "role"),
)

#: Who a provider says is in a group, besides whom operators put there. ``source`` is the provider's id.
federated_members = Table(
    "federated_members",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("group_name", Text, ForeignKey("groups.name", ondelete="CASCADE"), nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "group_name", "source"),
    Index("federated_members_group", "group_name"),
)

service_accounts = Table(
    "service_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    CheckConstraint("status IN ('active', 'suspended')", name="service_accounts_status"),
)

#: ``owner`` is a user's or service account's id. ``permissions`` is a JSON list; ``projects`` too, or null for all.
#: ``issued_by`` is an actor's id, or null for what is not known; ``issued_through`` a JSON list of such.
admin_tokens = Table(
    "admin_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("projects", Text),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
    Column("last_used_address", Text, nullable=False),
    Column("issued_by", Text),
    Column("issued_through", Text, nullable=False),
    CheckConstraint("kind IN ('user', 'service')", name="admin_tokens_kind"),
    Index("admin_tokens_owner", "kind", "owner"),
)
