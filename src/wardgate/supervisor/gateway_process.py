"""The entry of a gateway worker's process: gives :mod:`wardgate.gateway.main` the store it reads."""

from __future__ import annotations

import sys
from pathlib import Path

import uvloop

from wardgate.domain.serving import served
from wardgate.gateway.launch import EXIT_CONFIG, LaunchError, become_child
from wardgate.gateway.main import WorkerConfigError, serve
from wardgate.gateway.ports import StoreUnavailableError
from wardgate.storage.errors import StoreError
from wardgate.storage.layout import database_path
from wardgate.storage.masterkey import load_master_key
from wardgate.storage.reader import SqliteSource


def main() -> int:
    """Runs one worker; its exit status."""
    try:
        launch = become_child("gateway")
        data_dir = Path(launch.settings.data_dir)
        key = load_master_key(data_dir)
        sources = {name: SqliteSource(database_path(data_dir), name, key) for name in served(launch.settings)}
        uvloop.run(serve(launch, sources))
    except (LaunchError, StoreError, WorkerConfigError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_CONFIG
    except StoreUnavailableError as error:
        print(f"error: {error}; this worker will be started again", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
