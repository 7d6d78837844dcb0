"""Alembic's directory: one module per schema in ``versions``, run by ``storage/migrate.py``."""
