"""``run/``: the lock that keeps a second supervisor away, and ``serve.json`` that tells other commands where this one is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class AlreadyServingError(Exception):
    """Another ``wardgate serve`` runs this environment from this data directory."""

    def __init__(self, data_dir: Path, environment: str, pid: int | None) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(
            f"environment {environment} of {data_dir} is already served{who}: "
            "stop that process first, or choose another directory with --data-dir"
        )


def run_dir(data_dir: Path) -> Path:
    """``run/`` of the data directory; both exist afterwards, and what was made is closed to other users."""
    path = data_dir / "run"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@contextlib.contextmanager
def serving(data_dir: Path, environment: str) -> Iterator[None]:
    """While the block runs no other supervisor serves ``environment`` from ``data_dir``.

    Raises:
        AlreadyServingError: one does.
    """
    lock = run_dir(data_dir) / f"{environment}.lock"
    with lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            state = read_state(data_dir, environment)
            raise AlreadyServingError(data_dir, environment, state.get("pid")) from error
        try:
            yield
        finally:
            _state_path(data_dir, environment).unlink(missing_ok=True)


def write_state(data_dir: Path, environment: str, state: Mapping[str, Any]) -> None:
    """Publishes where this supervisor serves: its process id and addresses."""
    path = _state_path(data_dir, environment)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(state, indent=1) + "\n")
    draft.replace(path)


def read_state(data_dir: Path, environment: str) -> dict[str, Any]:
    """What the running supervisor published; empty when none runs (or none is ready yet)."""
    try:
        state = json.loads(_state_path(data_dir, environment).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _state_path(data_dir: Path, environment: str) -> Path:
    return data_dir / "run" / f"{environment}.json"
