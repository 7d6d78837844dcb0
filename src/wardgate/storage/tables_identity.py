"""The tables of the authorization server. ``document`` is a noun's JSON without what has a column (``documents.py``).

Secrets stand here as digests (BLAKE2b-256 keyed with the master key) or sealed by the vault. Every ``expires_at`` and
``until`` is in Unix seconds and indexed where rows are swept by it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
)

from wardgate.storage.tables import metadata as metadata  # with these, it holds every table

DIGEST_BYTES = 32

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("application", Text, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("document", Text, nullable=False),
    CheckConstraint("status IN ('active', 'suspended')", name="clients_status"),
    Index("clients_application", "application"),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("digest", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    PrimaryKeyConstraint("client", "digest"),
)

#: ``subject`` is a user's id, and has no foreign key: what a person let a client do outlives the account for a while.
grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("document", Text, nullable=False),
    Index("grants_subject", "subject"),
    Index("grants_client", "client"),
    Index("grants_session", "session"),
    Index("grants_expires", "expires_at"),
    Index("grants_revoked", "revoked_at"),
)

#: Single-use secrets by what they are for.
once = Table(
    "once",
    metadata,
    Column("space", Text, nullable=False),
    Column("digest", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("document", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
    PrimaryKeyConstraint("space", "digest"),
    Index("once_expires", "expires_at"),
)

#: What must not be seen twice: ``jti`` of assertions and of proofs of possession.
replay_guards = Table(
    "replay_guards",
    metadata,
    Column("guard", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("guard", "key"),
    Index("replay_guards_until", "until"),
    sqlite_with_rowid=False,
)

#: What refresh tokens that descend from one another have in common. Revoking is done here, so that a successor which
#: is added at the same moment is void as well.
refresh_families = Table(
    "refresh_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("grant_id", Text, ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
    Index("refresh_families_grant", "grant_id"),
    Index("refresh_families_client", "client"),
    Index("refresh_families_expires", "expires_at"),
)

#: ``scopes`` is a JSON list. ``successor`` and ``sealed`` are set with ``consumed_at``.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary(DIGEST_BYTES), primary_key=True),
    Column("family", Text, ForeignKey("refresh_families.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("jkt", Text, nullable=False),
    Column("x5t", Text, nullable=False),
    Column("parent", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("consumed_at", Float),
    Column("successor", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("refresh_tokens_family", "family"),
    Index("refresh_tokens_expires", "expires_at"),
)

#: Opaque access tokens. ``grant_id`` is empty where there is none; one whose grant is revoked or gone is void.
access_tokens = Table(
    "access_tokens",
    metadata,
    Column("digest", LargeBinary(DIGEST_BYTES), primary_key=True),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("document", Text, nullable=False),
    Index("access_tokens_client", "client"),
    Index("access_tokens_expires", "expires_at"),
)

device_codes = Table(
    "device_codes",
    metadata,
    Column("digest", LargeBinary(DIGEST_BYTES), primary_key=True),
    Column("user_code", LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("poll_interval", Float, nullable=False),
    Column("status", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("polled_at", Float, nullable=False),
    CheckConstraint("status IN ('pending', 'approved', 'denied', 'used')", name="device_codes_status"),
    Index("device_codes_client", "client"),
    Index("device_codes_expires", "expires_at"),
)

#: ``email_key`` is the address as it is compared: without case.
users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("email_key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("document", Text, nullable=False),
    CheckConstraint("status IN ('active', 'suspended')", name="users_status"),
    Index("users_email", "email_key"),
)

roles = Table(
    "roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("scopes", Text, nullable=False),
    Column("description", Text, nullable=False),
)

#: ``source`` is ``local`` or the id of the provider whose groups gave the role, which may have been defined or not.
user_roles = Table(
    "user_roles",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "role", "source"),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("client", Text, ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("at", Float, nullable=False),
    PrimaryKeyConstraint("user_id", "client"),
    Index("consents_client", "client"),
)

#: ``counter`` is the newest counter of a one-time code that was used.
factors = Table(
    "factors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float),
    Column("counter", BigInteger),
    CheckConstraint("kind IN ('password', 'totp', 'passkey', 'recovery')", name="factors_kind"),
    Index("factors_user", "user_id"),
)

#: ``amr`` is a JSON list.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary(DIGEST_BYTES), nullable=False, unique=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("auth_time", Float, nullable=False),
    Column("acr", Text, nullable=False),
    Column("amr", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("revoked_at", Float),
    Index("sessions_user", "user_id"),
    Index("sessions_expires", "expires_at"),
    Index("sessions_revoked", "revoked_at"),
)

throttle = Table(
    "throttle",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Index("throttle_until", "until"),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Float, nullable=False),
    Index("outbox_due", "not_before"),
)

#: ``settings`` is a JSON object.
#: ``held_by`` is a JSON list of ids of actors.
identity_providers = Table(
    "identity_providers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("preset", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("settings", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", Float, nullable=False),
    CheckConstraint("status IN ('active', 'suspended')", name="identity_providers_status"),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("provider", Text, ForeignKey("identity_providers.id", ondelete="CASCADE"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Float, nullable=False),
    PrimaryKeyConstraint("provider", "subject"),
    Index("identity_links_user", "user_id"),
)

#: ``public`` is a JWK; ``sealed_private`` is what ``identity/keys.py`` had sealed.
token_keys = Table(
    "token_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("environment", Text, ForeignKey("environments.name"), nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("public", Text, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("active_at", Float, nullable=False),
    Column("expires_at", Float),
    Index("token_keys_environment", "environment"),
)

#: Tokens issued up to ``at_ms`` are refused; after ``until`` there are none any more.
revocations = Table(
    "revocations",
    metadata,
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("kind", "key"),
    Index("revocations_until", "until"),
    sqlite_with_rowid=False,
)

issuer_documents = Table(
    "issuer_documents",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", Float, nullable=False),
)
