"""Alembic's entry point: migrates on the connection it is handed, inside that connection's transaction."""

from __future__ import annotations

from alembic import context

from wardgate.storage import tables_identity
from wardgate.storage.layout import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables_identity.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
