"""The lock and the published state of a running service."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.supervisor.state import AlreadyServingError, read_state, run_dir, serving, write_state


def test_one_supervisor_an_environment(tmp_path: Path) -> None:
    """A second one is refused with the first's process id; another environment is served beside it."""
    with serving(tmp_path, "development"):
        write_state(tmp_path, "development", {"pid": 41})
        second = serving(tmp_path, "development")
        with pytest.raises(AlreadyServingError, match=r"already served \(process 41\).*--data-dir"):
            second.__enter__()
        with serving(tmp_path, "production"):
            pass
        assert read_state(tmp_path, "development") == {"pid": 41}
    assert read_state(tmp_path, "development") == {}
    with serving(tmp_path, "development"):
        pass


def test_the_run_directory_is_closed_to_others(tmp_path: Path) -> None:
    """Sockets and locks stand where no other user reaches them."""
    assert run_dir(tmp_path / "new").stat().st_mode & 0o077 == 0
