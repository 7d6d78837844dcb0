"""The table of keys found in public."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Table, Text, UniqueConstraint

from wardgate.storage.tables import metadata

#: ``credential`` is the id of an API key or of an operator's token; ``environment`` is empty for the latter.
leaks = Table(
    "leaks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("action", Text, nullable=False),
    UniqueConstraint("credential", "url"),
    Index("leaks_action", "action"),
)
