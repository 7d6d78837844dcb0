"""Data directories as earlier versions left them."""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import wardgate.storage.migrate
from wardgate.storage.layout import database_path
from wardgate.storage.masterkey import create_master_key, load_master_key
from wardgate.storage.signing import new_signing_key
from wardgate.storage.vault import Vault


def at_schema(data_dir: Path, schema: str) -> None:
    """Afterwards ``data_dir`` is new and its database has ``schema`` and the first rows."""
    data_dir.mkdir(mode=0o700)
    create_master_key(data_dir)
    config = Config()
    folder = Path(wardgate.storage.migrate.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    kid, sealed = new_signing_key(Vault(load_master_key(data_dir)))
    engine = create_engine(f"sqlite:///{database_path(data_dir)}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
        for row in wardgate.storage.migrate.ENVIRONMENTS:
            connection.exec_driver_sql("INSERT INTO environments VALUES (?, ?, ?, ?)", row)
        connection.execute(
            text("INSERT INTO signing_keys VALUES (:kid, 'ES256', :sealed, :now, NULL)"),
            {"kid": kid, "sealed": sealed, "now": time.time()},
        )
    engine.dispose()
    database_path(data_dir).chmod(0o600)
