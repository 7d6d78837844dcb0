"""Makes or migrates the store, in a process of its own: what that needs is slow to import and used once in its life."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from wardgate.control.errors import ControlError
from wardgate.storage.layout import MASTER_KEY, database_path
from wardgate.storage.masterkey import load_master_key
from wardgate.storage.migrate import check_master_key, is_current


class PrepareError(Exception):
    """The store cannot be used; the message says what to do."""


def prepare_store(data_dir: Path) -> None:
    """Afterwards ``data_dir`` holds a master key and a database of this version's schema.

    Raises:
        PrepareError: it does not, and why.
    """
    try:
        if (data_dir / MASTER_KEY).exists() and is_current(database_path(data_dir)):
            check_master_key(database_path(data_dir), load_master_key(data_dir))
            return
    except ControlError as error:
        raise PrepareError(str(error)) from error
    done = subprocess.run(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-m", __name__, str(data_dir)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PrepareError(done.stderr.strip() or f"making the store in {data_dir} failed")


def hosts_of(data_dir: Path) -> dict[str, tuple[str, ...]]:
    """The hosts of each environment's gateways.

    Raises:
        PrepareError: the store cannot be read.
    """
    try:
        with closing(_opened(data_dir)) as connection:
            rows = connection.execute("SELECT environment, document FROM environment_settings").fetchall()
        return {name: tuple(json.loads(document).get("hosts", ())) for name, document in rows}
    except (sqlite3.Error, ValueError) as error:
        raise PrepareError(f"the store in {data_dir} cannot be read: {error}") from error


def _opened(data_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database_path(data_dir).absolute().as_uri()}?mode=ro", uri=True)


def check_environment(data_dir: Path, environment: str) -> None:
    """Returns when the store in ``data_dir`` has ``environment``.

    Raises:
        PrepareError: it has not; the message lists those there are.
    """
    try:
        with closing(_opened(data_dir)) as connection:
            rows = connection.execute("SELECT name FROM environments ORDER BY position").fetchall()
    except sqlite3.Error as error:
        raise PrepareError(f"the store in {data_dir} cannot be read: {error}") from error
    known = [row[0] for row in rows]
    if environment not in known:
        raise PrepareError(f"There is no environment {environment!r}. Environments: {', '.join(known)}")


async def _open_once(data_dir: Path) -> None:
    from wardgate.storage.database import open_store  # imports SQLAlchemy

    store = await open_store(data_dir)
    await store.close()


def main() -> int:
    """``python -m wardgate.supervisor.prepare DATA_DIR``: opens the store once, which makes what is missing."""
    try:
        asyncio.run(_open_once(Path(sys.argv[1])))
    except ControlError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
