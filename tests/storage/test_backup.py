"""Back-ups: whole, consistent, without the master key, and restored into either database."""

from __future__ import annotations

import asyncio
import json
import stat
import zipfile
from pathlib import Path

import pytest
from tests.conftest import Place
from tests.storage.samples import digest_of, feed_of, orders, rows_of
from tests.storage.schemas import at_schema

from wardgate.control import audit
from wardgate.control.applications import list_applications
from wardgate.control.apply import apply_document
from wardgate.control.errors import ForbiddenError
from wardgate.control.export import export_document
from wardgate.control.keys import issue, list_keys, show
from wardgate.domain.actor import Actor, local_actor
from wardgate.domain.audit import AuditFilter
from wardgate.storage.backup.archive import MANIFEST, Writer, open_archive, read_manifest
from wardgate.storage.backup.dump import write
from wardgate.storage.backup.service import back_up, bring_back
from wardgate.storage.database import SqlStore, open_store
from wardgate.storage.errors import MasterKeyError, NewerSchemaError, StoreError
from wardgate.storage.layout import SCHEMA, SCHEMAS, database_path
from wardgate.storage.masterkey import load_master_key
from wardgate.storage.postgres import plain_engine

ALICE = local_actor("alice")


async def filled(place: Place) -> bytes:
    """A store with an API, an application and a key; the key."""
    async with await open_store(place.data_dir, place.url) as store:
        await apply_document(store, orders(), "development", "test", "")
        _, key = await issue(store, application="mobile", environment="development")
        return key.reveal()


async def contents(store: SqlStore) -> object:
    """What an operator sees of a store."""
    return (
        await export_document(store, "development"),
        [each.application for each in await list_applications(store)],
        [each.credential for each in await list_keys(store)],
    )


@pytest.mark.every_database
async def test_a_backup_restored_is_the_same(place: Place, tmp_path: Path) -> None:
    """Restored over what came after it, a backup brings back all there was, keys included, and followers read anew."""
    await filled(place)
    async with await open_store(place.data_dir, place.url) as store:
        before = await contents(store)
    made = await back_up(place.data_dir, tmp_path / "a.zip", actor=ALICE, database_url=place.url)
    assert (made.schema, made.tables["applications"].rows) == (SCHEMA, 1)
    async with await open_store(place.data_dir, place.url) as store:
        later, _ = await issue(store, application="mobile", environment="development")
        head = await audit.head(store)
    newest = rows_of(place.data_dir, "SELECT max(seq) FROM changes")[0][0]
    with pytest.raises(StoreError) as refused:
        await bring_back(place.data_dir, tmp_path / "a.zip", actor=ALICE, database_url=place.url)
    assert refused.value.code == "store_not_empty"
    await bring_back(place.data_dir, tmp_path / "a.zip", actor=ALICE, database_url=place.url, force=True)
    async with await open_store(place.data_dir, place.url) as store:
        assert await contents(store) == before
        assert later.id not in repr(await list_keys(store))
        assert (await audit.verify(store)).intact
        assert (await audit.verify(store, head=head)).problem is not None
        [told] = await audit.records(store, AuditFilter(action="backup.restore"))
        assert (told.actor_name, told.event.before) == ("alice", {"head": str(head)})
        await issue(store, application="mobile", environment="development")
    changes = rows_of(place.data_dir, "SELECT seq, kind FROM changes ORDER BY seq")
    assert changes[0][1] == "everything"
    assert changes[0][0] > newest
    assert len(changes) == 2


@pytest.mark.parametrize("url", ["sqlite", "postgresql"])
@pytest.mark.every_database
async def test_a_backup_fits_the_other_database(
    place: Place, url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What SQLite held PostgreSQL can hold, and the other way round: with the master key in a directory of its own."""
    key = await filled(place)
    await back_up(
        place.data_dir,
        tmp_path / "a.zip",
        actor=ALICE,
        database_url=place.url,
        key_file=tmp_path / "master.key",
    )
    async with await open_store(place.data_dir, place.url) as store:
        before, digest = await contents(store), digest_of_bytes(store, key)
    other: str | None = None
    if url == "postgresql":
        server = request.getfixturevalue("postgres")
        name = f"restored_{tmp_path.name.replace('-', '_').lower()}"[:60]
        server.run(f'CREATE DATABASE "{name}"')
        other = server.url(name)
    await bring_back(
        tmp_path / "new",
        tmp_path / "a.zip",
        actor=ALICE,
        database_url=other,
        key_file=tmp_path / "master.key",
    )
    async with await open_store(tmp_path / "new", other) as store:
        assert await contents(store) == before
        async with store.reading() as tx:
            assert await tx.credentials.by_digest(digest) is not None
        assert (await audit.verify(store)).intact
        await issue(store, application="mobile", environment="development")
    if other is not None:
        server.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def digest_of_bytes(store: SqlStore, key: bytes) -> bytes:
    """The digest a key is looked up under."""
    from wardgate.domain.secret import Secret

    return digest_of(store, Secret(key))


@pytest.mark.every_database
async def test_a_backup_under_load_is_one_moment(place: Place, tmp_path: Path) -> None:
    """While keys are issued, a backup holds those of one moment: with the links of the trail that tell of them."""
    await filled(place)
    stop = asyncio.Event()

    async def load() -> int:
        made = 0
        async with await open_store(place.data_dir, place.url) as store:
            while not stop.is_set():
                await issue(store, application="mobile", environment="development")
                made += 1
        return made

    loading = asyncio.create_task(load())
    for number in range(3):
        await asyncio.sleep(0.1)
        await back_up(place.data_dir, tmp_path / f"{number}.zip", actor=ALICE, database_url=place.url)
    stop.set()
    assert await loading > 3
    key = place.data_dir / "master.key"
    for number in range(3):
        await bring_back(tmp_path / str(number), tmp_path / f"{number}.zip", actor=ALICE, key_file=key)
        async with await open_store(tmp_path / str(number)) as store:
            keys = {each.credential.id for each in await list_keys(store)}
            told = {each.event.target async for each in audit.export(store, AuditFilter(action="key.issue"))}
            assert keys == told
            assert (await audit.verify(store)).intact


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_backups_of_every_schema_are_restored(tmp_path: Path, schema: str) -> None:
    """A backup that an earlier version made is restored and migrated."""
    old = tmp_path / "old"
    at_schema(old, schema)
    rows = "INSERT INTO applications (id, name, owner, status, created_at{}) VALUES ('app_1', 'mobile', '', 'active', 1.0{})"
    from sqlalchemy import create_engine, inspect

    engine = create_engine(f"sqlite:///{database_path(old)}")
    with engine.begin() as connection:
        more = {each["name"] for each in inspect(connection).get_columns("applications")} - {
            "id", "name", "owner", "status", "created_at",
        }  # fmt: skip
        extra = "".join(f", {name}" for name in sorted(more))
        connection.exec_driver_sql(rows.format(extra, ", ''" * len(more) if more else ""))
    with engine.connect() as connection, zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        made = write(connection, Writer(target), master_key=load_master_key(old), created_at=1.0)
    engine.dispose()
    assert made.schema == schema
    await bring_back(tmp_path / "new", tmp_path / "a.zip", actor=ALICE, key_file=old / "master.key")
    async with await open_store(tmp_path / "new") as store:
        assert [each.application.name for each in await list_applications(store)] == ["mobile"]
        assert (await audit.verify(store)).intact
        await apply_document(store, orders(), "development", "test", "")
    async with await open_store(old) as store:
        assert [each.application.name for each in await list_applications(store)] == ["mobile"]


async def test_a_backup_is_private_and_holds_no_master_key(place: Place, tmp_path: Path) -> None:
    """The archive and the key are files of their own, of this user alone, and no key is in the archive."""
    key = await filled(place)
    await back_up(place.data_dir, tmp_path / "a.zip", actor=ALICE, key_file=tmp_path / "k")
    for file in (tmp_path / "a.zip", tmp_path / "k"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (tmp_path / "k").read_text() == (place.data_dir / "master.key").read_text()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        everything = b"".join(archive.read(each) for each in archive.namelist())
    assert load_master_key(place.data_dir).hex().encode() not in everything
    assert key not in everything
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip", "data", "k"]


async def test_nothing_is_overwritten(place: Place, tmp_path: Path) -> None:
    """Neither a backup nor a key file is replaced."""
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(StoreError) as refused:
        await back_up(place.data_dir, tmp_path / "a.zip", actor=ALICE)
    assert refused.value.code == "backup_exists"
    with pytest.raises(StoreError) as refused:
        await back_up(place.data_dir, tmp_path / "b.zip", actor=ALICE, key_file=tmp_path / "a.zip")
    assert refused.value.code == "master_key_unwritable"
    with pytest.raises(StoreError) as refused:
        await back_up(place.data_dir, tmp_path / "none" / "b.zip", actor=ALICE)
    assert refused.value.code == "backup_unwritable"


async def test_another_master_key_is_refused(place: Place, tmp_path: Path) -> None:
    """A backup is restored with its own master key alone; the directory stays as it was."""
    await filled(place)
    await back_up(place.data_dir, tmp_path / "a.zip", actor=ALICE, key_file=tmp_path / "k")
    async with await open_store(tmp_path / "other") as store:
        before = await contents(store)
    with pytest.raises(MasterKeyError, match="was not made with this master key"):
        await bring_back(tmp_path / "other", tmp_path / "a.zip", actor=ALICE, force=True)
    with pytest.raises(MasterKeyError, match="has another master key"):
        await bring_back(
            tmp_path / "other", tmp_path / "a.zip", actor=ALICE, key_file=tmp_path / "k", force=True
        )
    with pytest.raises(MasterKeyError, match="has no master key"):
        await bring_back(tmp_path / "new", tmp_path / "a.zip", actor=ALICE)
    with pytest.raises(MasterKeyError, match="was not made with this master key"):
        await bring_back(
            tmp_path / "new", tmp_path / "a.zip", actor=ALICE, key_file=tmp_path / "other" / "master.key"
        )
    assert not [
        each for each in (tmp_path / "new").iterdir() if each.name.startswith(("master", "wardgate.db"))
    ]
    async with await open_store(tmp_path / "other") as store:
        assert await contents(store) == before
    await bring_back(tmp_path / "new", tmp_path / "a.zip", actor=ALICE, key_file=tmp_path / "k")


def rewritten(source: Path, target: Path, **parts: bytes | None) -> None:
    """The archive with some of its members replaced, or left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = parts.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)


async def test_a_damaged_backup_changes_nothing(place: Place, tmp_path: Path) -> None:
    """Rows that were changed, taken out or put in, a manifest that was changed, and half a file are found."""
    await filled(place)
    good = tmp_path / "a.zip"
    await back_up(place.data_dir, good, actor=ALICE)
    with zipfile.ZipFile(good) as archive:
        keys = archive.read("rows/credentials.jsonl")
        manifest = json.loads(archive.read(MANIFEST))
    manifest["tables"]["credentials"]["rows"] = 2
    wrong: dict[str, tuple[dict[str, bytes | None], str]] = {
        "changed": ({"rows/credentials.jsonl": keys.replace(b"mobile", b"mobilf") + b" "}, "backup_damaged"),
        "twice": ({"rows/credentials.jsonl": keys * 2}, "backup_damaged"),
        "none": ({"rows/credentials.jsonl": b""}, "backup_damaged"),
        "nonsense": ({"rows/credentials.jsonl": b"{"}, "backup_damaged"),
        "missing": ({"rows/credentials.jsonl": None}, "backup_damaged"),
        "manifest": ({MANIFEST: json.dumps(manifest).encode()}, "master_key_unusable"),
        "no manifest": ({MANIFEST: None}, "backup_damaged"),
    }
    async with await open_store(place.data_dir) as store:
        before = await contents(store)
    for name, (parts, code) in wrong.items():
        bad = tmp_path / f"{name}.zip"
        rewritten(good, bad, **parts)
        with pytest.raises(StoreError) as refused:
            await bring_back(place.data_dir, bad, actor=ALICE, force=True)
        assert refused.value.code == code, name
    (tmp_path / "half.zip").write_bytes(good.read_bytes()[:-100])
    with pytest.raises(StoreError, match="it is no archive"):
        await bring_back(place.data_dir, tmp_path / "half.zip", actor=ALICE, force=True)
    with pytest.raises(StoreError, match="cannot be read"):
        await bring_back(place.data_dir, tmp_path / "no.zip", actor=ALICE, force=True)
    async with await open_store(place.data_dir) as store:
        assert await contents(store) == before


async def test_a_later_schema_is_refused(place: Place, tmp_path: Path) -> None:
    """A backup of a later version is not restored, and the error says so."""
    key = load_master_key(place.data_dir)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        Writer(target).finish(version="9.0", schema="v9999", created_at=1.0, master_key=key)
    with pytest.raises(NewerSchemaError, match="v9999"):
        await bring_back(place.data_dir, tmp_path / "a.zip", actor=ALICE, force=True)
    rewritten(tmp_path / "a.zip", tmp_path / "b.zip", **{MANIFEST: b'{"format": 99}'})
    with pytest.raises(StoreError) as refused:
        await bring_back(place.data_dir, tmp_path / "b.zip", actor=ALICE, force=True)
    assert refused.value.code == "backup_newer"


async def test_only_who_may_back_up_does(place: Place, tmp_path: Path) -> None:
    """Both need the permission ``system.backup``."""
    eve = Actor(kind="user", id="usr_1", name="eve")
    with pytest.raises(ForbiddenError, match=r"system\.backup"):
        await back_up(place.data_dir, tmp_path / "a.zip", actor=eve)
    with pytest.raises(ForbiddenError, match=r"system\.backup"):
        await bring_back(place.data_dir, tmp_path / "a.zip", actor=eve)
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.only_postgresql
async def test_a_postgresql_snapshot_is_read_in_steps(place: Place, tmp_path: Path) -> None:
    """Tables longer than one step are written whole, and the manifest counts their rows."""
    assert place.url is not None
    await filled(place)
    async with await open_store(place.data_dir, place.url) as store, store.writing() as tx:
        for number in range(2500):
            await tx.feed.append("application", str(number), at=1.0)
    await back_up(place.data_dir, tmp_path / "a.zip", actor=ALICE, database_url=place.url)
    with open_archive(tmp_path / "a.zip") as source:
        manifest, _ = read_manifest(source, "a.zip")
    assert manifest.tables["changes"].rows == len(feed_of(place.data_dir))
    plain_engine(place.url).dispose()
    assert await show_all(place) == 1


async def show_all(place: Place) -> int:
    """How many keys can be shown."""
    async with await open_store(place.data_dir, place.url) as store:
        return len([await show(store, each.credential.id) for each in await list_keys(store)])


@pytest.mark.parametrize("flag", ["encrypted", "compression", "data"])
async def test_an_archive_no_zip_reader_takes_is_refused_in_words(
    place: Place, tmp_path: Path, flag: str
) -> None:
    """Also where the zip itself says something that its reader chokes on."""
    await filled(place)
    file = tmp_path / "one.zip"
    await back_up(place.data_dir, file, actor=ALICE)
    raw = bytearray(file.read_bytes())
    at = raw.rindex(b"PK\x01\x02")  # the manifest's entry of the directory
    local = int.from_bytes(raw[at + 42 : at + 46], "little")
    if flag == "encrypted":
        raw[at + 8] |= 1
        raw[local + 6] |= 1
    elif flag == "compression":
        raw[at + 10 : at + 12] = raw[local + 8 : local + 10] = (97).to_bytes(2, "little")
    else:
        start = local + 30 + int.from_bytes(raw[local + 26 : local + 28], "little")
        raw[start : start + 8] = b"\xff" * 8
    file.write_bytes(bytes(raw))
    with pytest.raises(StoreError) as caught, open_archive(file) as source:
        read_manifest(source, "one.zip")
    assert caught.value.code == "backup_damaged"
