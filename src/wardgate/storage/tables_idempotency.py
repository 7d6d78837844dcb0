"""The table of answers kept for requests that are sent twice."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, Table, Text

from wardgate.storage.tables import metadata

#: ``digest`` is of the actor and the key, ``fingerprint`` of the request; ``headers`` is JSON. No secret is kept here.
idempotency = Table(
    "idempotency",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Float, nullable=False),
    Index("idempotency_at", "at"),
)
