"""``docs/environments.md``: its commands do what they show."""

from __future__ import annotations

from pathlib import Path

from tests.docs.console import ROOT, Shell, run_page
from tests.e2e.second import approve_pending


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last; Ben is somebody else than who types the commands."""

    def ben(shell: Shell, text: str) -> str:
        assert text.startswith("# ben: wardgate promotions approve")
        assert len(approve_pending(tmp_path / "wardgate-data")) == 1
        return "true"

    assert run_page(ROOT / "docs" / "environments.md", tmp_path, ben) > 10
