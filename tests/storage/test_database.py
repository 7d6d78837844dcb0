"""Opening the store: fresh, again, at once, damaged, newer."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from tests.storage.samples import count, digest_of, feed_of, orders

import wardgate.storage.migrate
from wardgate.control.applications import add
from wardgate.control.apply import apply_document
from wardgate.control.export import export_document
from wardgate.control.keys import issue, list_keys
from wardgate.domain.document import Document
from wardgate.storage import tables_identity
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.errors import MasterKeyError, NewerSchemaError, StoreError
from wardgate.storage.layout import SCHEMA, SCHEMAS, database_path
from wardgate.storage.ledger import Ledger

OPEN = """
import asyncio, sys
from pathlib import Path
from wardgate.storage.database import open_store
async def main():
    sys.stdin.readline()
    async with await open_store(Path(sys.argv[1])) as store, store.reading() as tx:
        print(store.master_key().hex(), [each.name for each in await tx.environments.all()])
print("ready", flush=True)
asyncio.run(main())
"""
ISSUE = """
import asyncio, sys
from pathlib import Path
from wardgate.control.export import export_document
from wardgate.control.keys import issue
from wardgate.storage.database import open_store
async def main():
    async with await open_store(Path(sys.argv[1])) as store:
        for number in range(int(sys.argv[2])):
            await issue(store, application="mobile", environment="development", name=f"{sys.argv[3]}-{number}")
asyncio.run(main())
"""
KILLED_APPLY = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.storage.samples import FREE, application, document, entry
from wardgate.control.apply import apply_document
from wardgate.storage.database import open_store
from wardgate.storage.repositories import feed
async def killed(self, kind, key, *, at):
    if kind == "application":
        os.kill(os.getpid(), signal.SIGKILL)
feed.SqlFeed.append = killed
async def main():
    store = await open_store(Path(sys.argv[1]))
    await apply_document(
        store, document([entry(targets=("http://127.0.0.1:1",)), entry("extra")], [FREE], [application("new")]),
        "development", "test", "",
    )
asyncio.run(main())
"""


async def test_a_fresh_directory_is_private_and_seeded(tmp_path: Path) -> None:
    """A new data directory, key and database are for their owner only, with three environments in order."""
    async with await open_store(tmp_path / "deep" / "data") as store:
        async with store.reading() as tx:
            found = [
                (each.name, each.tag, each.position, each.production) for each in await tx.environments.all()
            ]
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [store.data_dir, *store.data_dir.iterdir()]
        }
    assert modes.pop("data") == 0o700
    assert {"wardgate.db", "wardgate.db-wal", "master.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert found == [
        ("development", "dev", 1, False),
        ("staging", "stg", 2, False),
        ("production", "prod", 3, True),
    ]


async def test_the_database_is_durable_and_checked(store: SqlStore) -> None:
    """Connections use WAL, full synchronisation, foreign keys and wait five seconds for a lock."""
    async with store._backend.writers.connect() as connection:
        values = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert values == ["wal", 2, 1, 5000]


async def test_opening_again_keeps_everything_and_is_fast(store: SqlStore) -> None:
    """A second opening finds the same key and data without running a migration."""
    await add(store, name="mobile")
    started = time.perf_counter()
    async with await open_store(store.data_dir) as again:
        took = time.perf_counter() - started
        assert again.master_key() == store.master_key()
        async with again.reading() as tx:
            assert [each.name for each in await tx.applications.all()] == ["mobile"]
    assert took < 1.0


async def test_the_migrations_make_the_tables(store: SqlStore) -> None:
    """The migrated schema is the one in tables.py, and its name the newest migration's."""
    engine = create_engine(f"sqlite:///{database_path(store.data_dir)}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables_identity.metadata) == []
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == SCHEMA
    engine.dispose()
    config = Config()
    folder = Path(wardgate.storage.migrate.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == SCHEMA
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == SCHEMAS


def test_two_processes_may_make_the_store_at_the_same_time(tmp_path: Path) -> None:
    """Processes that open a fresh directory at once all succeed, with one master key and one set of rows."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(tmp_path / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    said = {_finish(child, "go\n") for child in children}
    assert len(said) == 1
    assert "['development', 'staging', 'production']" in said.pop()


async def test_concurrent_writers_lose_nothing(store: SqlStore) -> None:
    """Keys that two processes and this one issue at the same time are all there, and all announced."""
    await add(store, name="mobile")
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", ISSUE, str(store.data_dir), "20", name, stderr=subprocess.PIPE
        )
        for name in ("left", "right")
    ]
    for number in range(20):
        await issue(store, application="mobile", environment="development", name=f"own-{number}")
        await asyncio.sleep(0.05)
    for child in children:
        _, errors = await child.communicate()
        assert child.returncode == 0, errors.decode()
    names = [record.credential.name for record in await list_keys(store)]
    assert sorted(names) == sorted(f"{who}-{n}" for who in ("own", "left", "right") for n in range(20))
    announced = [key for kind, key in feed_of(store.data_dir) if kind == "credential"]
    assert len(set(announced)) == 60


async def test_a_killed_apply_leaves_the_old_state_whole(store: SqlStore) -> None:
    """A process killed in the middle of an apply changes nothing, and the next apply works."""
    await apply_document(store, orders(), "development", "test", "")
    before = _dump(store.data_dir)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_APPLY, str(store.data_dir))
    assert await child.wait() == -9
    assert _dump(store.data_dir) == before
    again = await apply_document(store, orders(), "development", "test", "")
    assert again.changes == ()


async def test_a_failed_transaction_changes_nothing(store: SqlStore) -> None:
    """What a block wrote before it raised is gone."""
    with pytest.raises(RuntimeError, match="halfway"):
        async with store.writing() as tx:
            await tx.feed.append("everything", "", at=1.0)
            raise RuntimeError("halfway")
    assert feed_of(store.data_dir) == []


async def test_a_newer_schema_is_refused(store: SqlStore) -> None:
    """A database that a later version migrated is refused by name, not touched."""
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    with pytest.raises(NewerSchemaError, match="v9999") as caught:
        await open_store(store.data_dir)
    assert caught.value.code == "store_newer"
    assert "backup" in caught.value.remedy


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Something else called wardgate.db is named in the error."""
    (tmp_path / "wardgate.db").write_text("not a database at all, but long enough to be read as one" * 20)
    with pytest.raises(StoreError, match=r"wardgate\.db cannot be read") as caught:
        await open_store(tmp_path)
    assert caught.value.code == "store_unreadable"


async def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A path that cannot be a directory is an error with a remedy."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        await open_store(tmp_path / "data")
    assert caught.value.code == "store_unavailable"


async def test_a_database_without_its_master_key_is_refused(store: SqlStore) -> None:
    """A lost master key is never replaced by a new one."""
    (store.data_dir / "master.key").unlink()
    with pytest.raises(MasterKeyError, match="does not exist"):
        await open_store(store.data_dir)
    assert not (store.data_dir / "master.key").exists()


async def test_another_master_key_is_refused(store: SqlStore) -> None:
    """A master key of another installation is noticed at once, and not shown."""
    path = store.data_dir / "master.key"
    path.write_text("ab" * 32)
    with pytest.raises(MasterKeyError, match="not the one this database was made with") as caught:
        await open_store(store.data_dir)
    assert "abab" not in str(caught.value)


async def test_secrets_are_nowhere_in_clear(store: SqlStore) -> None:
    """Neither a key's text, nor a private key, nor the master key stands in any file of the database."""
    await add(store, name="mobile")
    _, key = await issue(store, application="mobile", environment="development")
    text = key.reveal()
    found = b"".join(path.read_bytes() for path in store.data_dir.glob("wardgate.db*"))
    assert b"mobile" in found
    for secret in (text, text[11:43], b"PRIVATE KEY", store.master_key(), store.master_key().hex().encode()):
        assert secret not in found


async def test_a_store_that_stays_locked_says_so(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that cannot get the lock fails with a remedy and changes nothing."""
    monkeypatch.setattr("wardgate.storage.sqlite.BUSY_TIMEOUT_MS", 50)
    async with await open_store(store.data_dir) as impatient:
        with closing(sqlite3.connect(database_path(store.data_dir), isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked") as caught:
                await add(impatient, name="mobile")
            holder.execute("ROLLBACK")
    assert caught.value.code == "store_unavailable"


def _finish(child: subprocess.Popen[str], line: str) -> str:
    output, _ = child.communicate(line, timeout=60)
    assert child.returncode == 0, output
    return output


def _dump(data_dir: Path) -> str:
    with closing(sqlite3.connect(database_path(data_dir))) as connection:
        return json.dumps(
            [line for line in connection.iterdump() if not line.startswith("PRAGMA")], ensure_ascii=True
        )


async def test_any_path_can_be_a_data_directory(tmp_path: Path) -> None:
    """Characters that mean something in URLs and patterns mean nothing in a data directory's name."""
    data_dir = tmp_path / "a b%20?x=1#y;'é"
    async with await open_store(data_dir) as store:
        await add(store, name="mobile")
    assert [path.name for path in tmp_path.iterdir()] == [data_dir.name]
    async with await open_store(data_dir) as store, store.reading() as tx:
        assert len(await tx.applications.all()) == 1


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("UPDATE plans SET document = '{}'", "a plan"),
        ("UPDATE revisions SET resolved = '[]'", "revision 1 of API api_"),
        ("UPDATE revisions SET source = 'nonsense'", "revision 1 of API api_"),
        ("UPDATE credentials SET restrictions = '[]'", "the restrictions of key_"),
    ],
)
async def test_damaged_rows_are_named(store: SqlStore, statement: str, names: str) -> None:
    """What cannot be decoded is an error that says which row it is."""
    await apply_document(store, orders(), "development", "test", "")
    await issue(store, application="mobile", environment="development")
    with closing(sqlite3.connect(database_path(store.data_dir))) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StoreError, match=names) as caught:
        await export_document(store, "development")
        await list_keys(store)
    assert caught.value.code == "store_damaged"


async def test_a_second_row_of_one_digest_is_refused(store: SqlStore) -> None:
    """A digest, or one that shares its row with another, is stored once."""
    await add(store, name="mobile")
    credential, key = await issue(store, application="mobile", environment="development")
    digest = digest_of(store, key)
    with pytest.raises(StoreError, match="contradicts") as caught:
        async with store.writing() as tx:
            await tx.credentials.add(replace(credential, id="key_other"), digest[:8] + bytes(24))
    assert caught.value.code == "store_conflict"


async def test_uses_go_with_their_credential(store: SqlStore) -> None:
    """A deleted application leaves no uses behind, and a use counted late brings none back."""
    await apply_document(store, orders(), "development", "test", "")
    credential, _ = await issue(store, application="mobile", environment="development")
    ledger = Ledger(database_path(store.data_dir))
    use = (credential.id, 1, 1.0, "192.0.2.1")
    ledger.write([], [use], [])
    assert count(store.data_dir, "credential_uses") == 1
    await apply_document(store, Document(), "development", "test", "", prune=True)
    assert count(store.data_dir, "credential_uses") == 0
    ledger.write([], [use], [])
    assert count(store.data_dir, "credential_uses") == 0
    ledger.close()
