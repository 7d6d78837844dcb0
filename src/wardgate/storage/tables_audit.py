"""The tables of the audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, Table, Text

from wardgate.storage.tables import metadata

#: ``before`` and ``after`` are JSON. ``hash`` is a MAC over the row and ``previous``, the hash of the row before.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("audit_at", "at"),
    Index("audit_target", "target", "seq"),
    Index("audit_actor", "actor_id", "seq"),
    Index("audit_action", "action", "seq"),
)

#: ``first``: where the chain begins once older links were let go; ``last``: where it ends. ``mac`` seals seq and hash.
audit_ends = Table(
    "audit_ends",
    metadata,
    Column("end", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)
