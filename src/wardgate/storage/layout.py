"""Where things are in the data directory, and the schema this version reads and writes."""

from __future__ import annotations

from pathlib import Path

DATABASE = "wardgate.db"
MASTER_KEY = "master.key"
LOCK = "store.lock"

#: Every schema this version can migrate from, oldest first; the last is the one it works on.
SCHEMAS = (
    "v0001",
    "v0002",
    "v0003",
    "v0004",
    "v0005",
    "v0006",
    "v0007",
    "v0008",
    "v0009",
    "v0010",
    "v0011",
    "v0012",
    "v0013",
)
SCHEMA = SCHEMAS[-1]
#: Alembic's own table holding the schema of a database.
VERSION_TABLE = "alembic_version"

#: Milliseconds a connection waits for another writer before it gives up.
BUSY_TIMEOUT_MS = 5000


def database_path(data_dir: Path) -> Path:
    """The SQLite file of ``data_dir``."""
    return data_dir / DATABASE
