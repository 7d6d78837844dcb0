"""Checks the environment a command was given."""

from __future__ import annotations

from pathlib import Path

from wardgate.cli.errors import CommandError
from wardgate.supervisor.prepare import PrepareError, check_environment


def existing_environment(data_dir: Path, environment: str) -> None:
    """Returns when the store has ``environment``. Raises CommandError."""
    try:
        check_environment(data_dir, environment)
    except PrepareError as error:
        raise CommandError("environment_not_found", str(error)) from error
