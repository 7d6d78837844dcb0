"""Databases of earlier versions, brought up to date with all that is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.storage.samples import digest_of, source_of
from tests.storage.schemas import at_schema

from wardgate.control.applications import add
from wardgate.control.keys import issue, list_keys, revoke
from wardgate.domain.secret import Secret
from wardgate.storage.database import open_store
from wardgate.storage.digests import lookup_of
from wardgate.storage.layout import SCHEMA, database_path
from wardgate.storage.masterkey import load_master_key
from wardgate.storage.migrate import schema_of

CREDENTIAL = (
    "INSERT INTO credentials (lookup, id, application_id, environment, digest, prefix, last_four, name, description,"
    " created_at, lineage, restrictions{more}) VALUES (?, ?, 'app_1', 'development', ?, 'wg_dev_ab', 'wxyz', 'ios',"
    " '', 1.0, 'key_1', ''{values})"
)
DIGESTS = {"key_1": bytes([1]) * 32, "key_2": bytes([255]) * 32}


def fill(data_dir: Path, more: str, values: dict[str, str]) -> None:
    """Writes an application with two credentials into an old database."""
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.execute(
            "INSERT INTO applications VALUES ('app_1', 'mobile', 'a@example.com', 'active', 1.0)"
        )
        connection.execute("INSERT INTO changes (kind, key, at) VALUES ('application', 'app_1', 1.0)")
        for key, digest in DIGESTS.items():
            statement = CREDENTIAL.format(more=more, values=values[key])
            connection.execute(statement, (lookup_of(digest), key, digest))


async def test_uses_counted_by_an_older_version_are_kept(tmp_path: Path) -> None:
    """A database whose credentials hold their uses themselves is brought up to date with every figure."""
    at_schema(tmp_path / "data", "v0001")
    fill(
        tmp_path / "data",
        ", use_count, last_used_at, last_used_address",
        {"key_1": ", 7, 50.5, '192.0.2.1'", "key_2": ", 0, NULL, NULL"},
    )
    async with await open_store(tmp_path / "data") as store:
        found = {view.credential.id: view.credential for view in await list_keys(store)}
    told = [
        (each.use_count, each.last_used_at, each.last_used_address)
        for each in (found["key_1"], found["key_2"])
    ]
    assert told == [(7, 50.5, "192.0.2.1"), (0, None, None)]


async def test_the_second_schema_becomes_the_third_with_its_data(tmp_path: Path) -> None:
    """Applications, keys, their uses and the feed of a v0002 database are there afterwards, and all goes on working."""
    data_dir = tmp_path / "data"
    at_schema(data_dir, "v0002")
    fill(data_dir, "", {"key_1": "", "key_2": ""})
    with closing(sqlite3.connect(database_path(data_dir))) as connection, connection:
        connection.execute("INSERT INTO credential_uses VALUES ('key_1', 3, 9.0, '192.0.2.1')")
    assert schema_of(database_path(data_dir)) == "v0002"
    key_before = load_master_key(data_dir)
    async with await open_store(data_dir) as store:
        assert schema_of(database_path(data_dir)) == SCHEMA
        assert store.master_key() == key_before
        found = {view.credential.id: view.credential for view in await list_keys(store)}
        assert (found["key_1"].use_count, found["key_2"].use_count) == (3, 0)
        source = source_of(store)
        assert [source.principal(digest) is not None for digest in DIGESTS.values()] == [True, True]
        assert source.position() == 1
        await revoke(store, "key_2")
        assert source.position() == 2
        await add(store, name="other")
        _, key = await issue(store, application="other", environment="development")
        assert isinstance(key, Secret)
        assert source.principal(digest_of(store, key)) is not None
        source.close()
