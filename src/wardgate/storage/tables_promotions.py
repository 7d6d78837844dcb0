"""The table of promotions, rollbacks, withdrawals and changes of environments that were asked for."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from wardgate.storage.tables import metadata

#: ``api`` is ``name/version``, empty for a change of the environment itself. ``weakenings`` and ``decisions`` are JSON
#: lists, ``settings`` JSON or empty, ``base`` a hash of the settings it was made from. Rows stay: they tell what was in
#: force when.
promotions = Table(
    "promotions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("api", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("revision", Integer),
    Column("replaced", Integer),
    Column("weakenings", Text, nullable=False),
    Column("decisions", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("requested_by_id", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("scheduled_at", Float),
    Column("done_at", Float),
    Column("failure", Text, nullable=False),
    Index("promotions_place", "environment", "api", "done_at"),
    Index("promotions_status", "status", "scheduled_at"),
)
