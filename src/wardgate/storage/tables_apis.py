"""The tables of APIs, their revisions and deployments, and of what is particular to an environment."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from wardgate.storage.tables import metadata

#: ``document`` is the JSON form of ``EnvironmentSettings``; no row: all defaults.
environment_settings = Table(
    "environment_settings",
    metadata,
    Column("environment", Text, ForeignKey("environments.name"), primary_key=True),
    Column("document", Text, nullable=False),
)

#: ``sealed`` by the vault under ``secret/<environment>/<name>``.
environment_secrets = Table(
    "environment_secrets",
    metadata,
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    PrimaryKeyConstraint("environment", "name"),
)

#: ``catalogue`` is JSON, without the project. What holds for the API in every environment.
apis = Table(
    "apis",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("lifecycle", Text, nullable=False),
    Column("deprecated_at", Float),
    Column("sunset_at", Float),
    Column("successor", Text, nullable=False),
    Column("catalogue", Text, nullable=False),
    UniqueConstraint("name", "version"),
)

#: Never updated. ``resolved`` is the API with its variables left in, ``source`` its settings as written, ``plans`` the JSON
#: list of those it offers. ``signature`` (Ed25519) is that of the instance key ``key``.
revisions = Table(
    "revisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("api", Text, ForeignKey("apis.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("openapi_name", Text, nullable=False),
    Column("openapi_text", Text, nullable=False),
    Column("resolved", Text, nullable=False),
    Column("plans", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    UniqueConstraint("api", "number"),
)

#: What is served where. ``bound`` is the API with the environment's variables in place; ``off`` a JSON list of what the kill
#: switch shut. ``position`` keeps deployments in the order they were made.
deployments = Table(
    "deployments",
    metadata,
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("api", Text, ForeignKey("apis.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("bound", Text, nullable=False),
    Column("bound_hash", Text, nullable=False),
    Column("off", Text, nullable=False),
    Column("deployed_at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("environment", "api"),
    ForeignKeyConstraint(["api", "revision"], ["revisions.api", "revisions.number"]),
)

#: ``position`` keeps plans in the order they were added.
plans = Table(
    "plans",
    metadata,
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("environment", "name"),
)

#: Ed25519 keys that revisions are signed with; the newest signs. ``sealed`` by the vault under ``instance/<id>``.
instance_keys = Table(
    "instance_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)
