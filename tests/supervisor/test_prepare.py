"""The store is made, or refused, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.storage.layout import database_path
from wardgate.storage.migrate import is_current
from wardgate.supervisor.prepare import PrepareError, prepare_store


def test_a_store_is_made_once(tmp_path: Path) -> None:
    """A fresh directory gets a key of mode 0600 and a database; a second call changes neither."""
    data_dir = tmp_path / "data"
    prepare_store(data_dir)
    key = (data_dir / "master.key").read_bytes()
    assert (data_dir / "master.key").stat().st_mode & 0o777 == 0o600
    assert is_current(database_path(data_dir))
    prepare_store(data_dir)
    assert (data_dir / "master.key").read_bytes() == key


def test_a_lost_or_exchanged_master_key_is_refused(tmp_path: Path) -> None:
    """Without the key the database was made with nothing is served, and the message says what to do."""
    data_dir = tmp_path / "data"
    prepare_store(data_dir)
    (data_dir / "master.key").unlink()
    with pytest.raises(PrepareError, match=r"master.key does not exist\. Restore master.key from the backup"):
        prepare_store(data_dir)
    (data_dir / "master.key").write_text("00" * 32)
    (data_dir / "master.key").chmod(0o600)
    with pytest.raises(PrepareError, match="master"):
        prepare_store(data_dir)


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file of something else is named, never overwritten."""
    data_dir = tmp_path / "data"
    prepare_store(data_dir)
    database_path(data_dir).write_bytes(b"not a database" * 100)
    with pytest.raises(PrepareError, match=r"wardgate.db cannot be read as a Wardgate database"):
        prepare_store(data_dir)
    assert database_path(data_dir).read_bytes().startswith(b"not a database")
