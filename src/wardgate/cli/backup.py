"""``wardgate backup`` and ``wardgate restore``: of this machine's store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from wardgate.cli.acting import local
from wardgate.cli.errors import CommandError
from wardgate.cli.options import DATA_DIR, DataDir, Json
from wardgate.cli.output import print_json, shown_time
from wardgate.cli.store import require_store

if TYPE_CHECKING:
    from wardgate.storage.backup.archive import Manifest

_DatabaseUrl = Annotated[
    str,
    Parameter(name="--database-url", help="The PostgreSQL database, if it is not SQLite: postgresql://..."),
]


def backup(
    file: Annotated[Path, Parameter(help="The archive to write; there must be none.")],
    /,
    *,
    master_key: Annotated[
        Path | None, Parameter(help="Write the master key to this file too: keep it somewhere else.")
    ] = None,
    with_master_key: Annotated[
        bool, Parameter(negative=(), help="Refused: the key is never put into the archive it protects.")
    ] = False,
    database_url: _DatabaseUrl = "",
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """Write all that the store holds at this moment to an archive, while the service runs.

    The master key is not in it: without that the archive cannot be restored, and with both anybody is you.
    """
    if with_master_key:
        raise CommandError(
            "master_key_in_backup",
            "The master key is never put into the archive it protects",
            "Write it to a file of its own with --master-key FILE, and keep that somewhere else",
        )
    if not database_url:
        require_store(data_dir)
    from wardgate.storage.backup.service import back_up

    made = asyncio.run(
        back_up(data_dir, file, actor=local(), database_url=database_url or None, key_file=master_key)
    )
    if json_:
        print_json({"file": str(file), **_told(made)})
    else:
        print(f"{file}: {made.rows} rows of {len(made.tables)} tables, schema {made.schema}")


def restore(
    file: Annotated[Path, Parameter(help="The archive.")],
    /,
    *,
    master_key: Annotated[
        Path | None, Parameter(help="The master key kept with it, for a data directory that has none.")
    ] = None,
    force: Annotated[bool, Parameter(negative=(), help="Replace what the store holds now.")] = False,
    database_url: _DatabaseUrl = "",
    data_dir: DataDir = DATA_DIR,
    json_: Json = False,
) -> None:
    """Put what an archive holds in the place of what the store does.

    What was revoked or changed after the backup is as it was then: look through `wardgate audit list` of before, if you
    have it. Running services take it over by themselves.
    """
    from wardgate.storage.backup.service import bring_back

    made = asyncio.run(
        bring_back(
            data_dir, file, actor=local(), database_url=database_url or None, key_file=master_key, force=force
        )
    )
    if json_:
        print_json({"file": str(file), **_told(made)})
    else:
        print(f"{data_dir} holds what it did at {shown_time(made.created_at)}: {made.rows} rows")


def _told(made: Manifest) -> dict[str, object]:
    return {
        "version": made.version,
        "schema": made.schema,
        "created_at": made.created_at,
        "rows": {name: part.rows for name, part in made.tables.items()},
    }
