"""The tables, in SQLAlchemy Core. Times are Unix seconds (UTC), JSON is text, digests are 32 bytes."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

environments = Table(
    "environments",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tag", Text, nullable=False, unique=True),
    Column("position", Integer, nullable=False, unique=True),
    Column("production", Boolean, nullable=False),
)

#: ``limits`` and ``throttle`` are JSON lists of limits, empty for none.
applications = Table(
    "applications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("limits", Text, nullable=False, server_default=""),
    Column("throttle", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('active', 'suspended')", name="applications_status"),
)

#: ``api`` is ``name/version``. ``controls`` is JSON, empty for none (``storage/controls.py``).
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application_id", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("api", Text, nullable=False),
    Column("plan", Text),
    Column("created_at", Float, nullable=False),
    Column("status", Text, nullable=False, server_default="active"),
    Column("controls", Text, nullable=False, server_default=""),
    Column("expires_at", Float),
    CheckConstraint("status IN ('active', 'pending', 'suspended', 'rejected')", name="subscriptions_status"),
    ForeignKeyConstraint(["environment", "plan"], ["plans.environment", "plans.name"]),
    UniqueConstraint("application_id", "environment", "api"),
    Index("subscriptions_plan", "environment", "plan"),
)

#: Never the key itself. ``lookup`` is the start of ``digest`` as a number (``storage/digests.py``): being SQLite's
#: row number it finds a credential among a million in one descent, and it keeps digests unique without a second
#: index. ``restrictions`` is JSON, or empty for none.
credentials = Table(
    "credentials",
    metadata,
    Column("lookup", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("application_id", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("replaced_by", Text),
    Column("lineage", Text, nullable=False),
    Column("restrictions", Text, nullable=False),
    Index("credentials_application", "application_id"),
)

#: Apart from ``credentials``, and narrow: a busy service changes as many of these rows a second as it has callers. In the
#: order of ids, so that what is written together lies together. ``last_at`` is in Unix seconds.
credential_uses = Table(
    "credential_uses",
    metadata,
    Column("credential", Text, ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("address", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: AUTOINCREMENT: a ``seq`` is never given twice, even after the rows before it were swept.
changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)

#: ``encrypted_private`` is a PKCS #8 PEM sealed by the vault under the label ``kid``.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("encrypted_private", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("retired_at", Float),
)

#: ``window`` is the ISO 8601 interval of a calendar window of the limit ``key`` (``limits/window.py``).
quota_windows = Table(
    "quota_windows",
    metadata,
    Column("key", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("key", "window"),
    sqlite_with_rowid=False,
)

#: ``buckets`` is a JSON list: requests per latency bucket.
rollups = Table(
    "rollups",
    metadata,
    Column("minute", Integer, nullable=False),
    Column("environment", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("bytes_in", Integer, nullable=False),
    Column("bytes_out", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("buckets", Text, nullable=False),
    PrimaryKeyConstraint("minute", "environment", "api", "resource", "application", "status", "reason"),
    sqlite_with_rowid=False,
)
