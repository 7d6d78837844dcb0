"""``docs/audit.md``, ``docs/secret-scanning.md`` and ``docs/backup.md``: their commands do what they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.console import ROOT, run_page


@pytest.mark.parametrize(("page", "least"), [("audit", 7), ("secret-scanning", 6), ("backup", 8)])
def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path, page: str, least: int) -> None:
    """From the first to the last, in one shell."""
    assert run_page(ROOT / "docs" / f"{page}.md", tmp_path) >= least
