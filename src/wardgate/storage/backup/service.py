"""Backing up and restoring as an operator does it: with leave, and told of in the audit trail."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from wardgate.control import audit, feed
from wardgate.control.authority import require
from wardgate.domain.actor import Actor
from wardgate.domain.audit import AuditEvent
from wardgate.storage.backup.archive import Manifest
from wardgate.storage.backup.dump import dump
from wardgate.storage.backup.restore import restore
from wardgate.storage.database import open_store
from wardgate.storage.errors import MasterKeyError, StoreError
from wardgate.storage.layout import MASTER_KEY, database_path
from wardgate.storage.masterkey import load_key, load_master_key, write_key

Clock = Callable[[], float]


async def back_up(
    data_dir: Path,
    file: Path,
    *,
    actor: Actor,
    database_url: str | None = None,
    key_file: Path | None = None,
    clock: Clock = time.time,
) -> Manifest:
    """Afterwards ``file`` holds the store as it was at one moment, and ``key_file``, if given, the master key.

    A service may go on meanwhile.

    Raises:
        ForbiddenError: the actor may not.
        StoreError: a file exists already, or something cannot be read or written.
    """
    now = clock()
    async with await open_store(data_dir, database_url) as store:
        async with store.acting(actor).reading() as tx:
            require(tx.actor, "system.backup")
        if key_file is not None:
            write_key(key_file, store.master_key())
        manifest = await asyncio.to_thread(
            dump, file, data_dir, database_url, master_key=store.master_key(), created_at=now
        )
        async with store.acting(actor).writing() as tx:
            after = {"rows": manifest.rows, "schema": manifest.schema, "with_key": key_file is not None}
            await tx.audit.record(AuditEvent(action="backup.make", target=file.name, after=after), at=clock())
    return manifest


async def bring_back(
    data_dir: Path,
    file: Path,
    *,
    actor: Actor,
    database_url: str | None = None,
    key_file: Path | None = None,
    force: bool = False,
    clock: Clock = time.time,
) -> Manifest:
    """Afterwards the store holds what ``file`` does. In a directory without a master key, ``key_file`` becomes it.

    The trail says who did it, and where it ended before, if there was one.

    Raises:
        ForbiddenError: the actor may not.
        MasterKeyError: the master key is missing or is not the one of ``file``.
        NewerSchemaError: ``file`` has a schema this version does not know.
        StoreError: ``file`` is damaged, or the store holds something and ``force`` is not given.
    """
    require(actor, "system.backup")
    had_key = (data_dir / MASTER_KEY).exists()
    given = None if key_file is None else load_key(key_file)
    if had_key:
        master_key = load_master_key(data_dir)
        if given is not None and given != master_key:
            raise MasterKeyError(
                f"{data_dir} has another master key than {key_file}",
                "Restore into a directory of its own, or move this one's away",
            )
    elif given is None:
        raise MasterKeyError(
            f"{data_dir} has no master key", "Give the one kept with the backup: --master-key FILE"
        )
    else:
        master_key = given
        _prepare(data_dir, master_key)
    before = await _end_of_trail(data_dir, database_url) if had_key else ""
    had_database = database_path(data_dir).exists()
    try:
        if database_url is None:
            os.close(os.open(database_path(data_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        manifest = await asyncio.to_thread(
            restore, file, data_dir, database_url, master_key=master_key, force=force
        )
    except BaseException:
        _take_back(data_dir, key=not had_key, database=not had_database)
        raise
    async with await open_store(data_dir, database_url) as store, store.acting(actor).writing() as tx:
        event = AuditEvent(
            action="backup.restore",
            target=file.name,
            before={"head": before} if before else {},
            after={"made_at": manifest.created_at, "rows": manifest.rows, "schema": manifest.schema},
        )
        await tx.audit.record(event, at=clock())
    feed.wake(data_dir)
    return manifest


def _take_back(data_dir: Path, *, key: bool, database: bool) -> None:
    """What was made for nothing goes: the directory may be tried again, with another key, and is no store to anybody."""
    made = [data_dir / MASTER_KEY] if key else []
    if database:
        made += [Path(f"{database_path(data_dir)}{end}") for end in ("", "-wal", "-shm")]
    for each in made:
        each.unlink(missing_ok=True)


def _prepare(data_dir: Path, master_key: bytes) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            "store_unavailable",
            f"The data directory {data_dir} cannot be used ({error.strerror or error})",
            "Check that it is a directory which this user owns",
        ) from error
    write_key(data_dir / MASTER_KEY, master_key)


async def _end_of_trail(data_dir: Path, database_url: str | None) -> str:
    """Where the trail ends that is about to be replaced; empty where there is none."""
    if database_url is None and not database_path(data_dir).exists():
        return ""
    async with await open_store(data_dir, database_url) as store:
        return str(await audit.head(store))
