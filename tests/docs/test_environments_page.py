"""``docs/environments.md``: its commands do what they show."""

from __future__ import annotations

from pathlib import Path

from tests.docs.console import ROOT, run_page


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last."""
    assert run_page(ROOT / "docs" / "environments.md", tmp_path) > 10
