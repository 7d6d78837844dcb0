"""Data directories as earlier versions left them."""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool
from tests.conftest import Place
from tests.postgres import Postgres

import wardgate.storage.migrate
from wardgate.storage.layout import database_path
from wardgate.storage.masterkey import create_master_key, load_master_key
from wardgate.storage.signing import new_signing_key
from wardgate.storage.vault import Vault


def at_schema(data_dir: Path, schema: str) -> None:
    """Afterwards ``data_dir`` is new and its database has ``schema`` and the first rows."""
    data_dir.mkdir(mode=0o700)
    create_master_key(data_dir)
    engine = create_engine(f"sqlite:///{database_path(data_dir)}")
    _fill(engine, data_dir, schema)
    engine.dispose()
    database_path(data_dir).chmod(0o600)


def postgres_at_schema(place: Place, postgres: Postgres, schema: str) -> Engine:
    """The same on PostgreSQL, in the database of ``place``, which is emptied; close what is returned."""
    assert place.url is not None
    name = place.url.partition("@/")[2].partition("?")[0]
    postgres.run(f"DROP DATABASE {name}")
    postgres.run(f"CREATE DATABASE {name}")
    engine = create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    _fill(engine, place.data_dir, schema)
    return engine


def _fill(engine: Engine, data_dir: Path, schema: str) -> None:
    config = Config()
    folder = Path(wardgate.storage.migrate.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    kid, sealed = new_signing_key(Vault(load_master_key(data_dir)))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
        for name, tag, position, production in wardgate.storage.migrate.ENVIRONMENTS:
            connection.execute(
                text("INSERT INTO environments VALUES (:name, :tag, :position, :production)"),
                {"name": name, "tag": tag, "position": position, "production": production},
            )
        connection.execute(
            text("INSERT INTO signing_keys VALUES (:kid, 'ES256', :sealed, :now, NULL)"),
            {"kid": kid, "sealed": sealed, "now": time.time()},
        )
        if inspect(connection).has_table("instance_keys"):
            wardgate.storage.migrate._begin_signing(connection, time.time(), load_master_key(data_dir))
        if inspect(connection).has_table("audit_ends"):
            wardgate.storage.migrate._begin_trail(connection, load_master_key(data_dir))
