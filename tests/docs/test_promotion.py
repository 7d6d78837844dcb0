"""``docs/promotion.md``: its commands do what they show, and its table names differences there are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.control.compare.weaker import WEAKENINGS
from tests.docs.console import ROOT, Shell, run_page
from tests.e2e.second import approve_pending

PAGE = ROOT / "docs" / "promotion.md"


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last; Ben is somebody else than who types the commands."""

    def ben(shell: Shell, text: str) -> str:
        assert text.startswith("# ben")
        assert len(approve_pending(tmp_path / "wardgate-data")) == 1
        return "true"

    assert run_page(PAGE, tmp_path, ben) > 12


def test_the_kinds_in_the_table_are_found_by_the_comparison() -> None:
    """Each kind the page names is that of a weakening the comparison was tried on."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## What weakens") : text.index("`wardgate diff A B`")]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", table)) - {"max_age", "when_away", "on_exceeded"}
    tried = {kind for _, kind in WEAKENINGS.values()} | {"resource_removed", "condition_changed", "cors_on"}
    tried |= {"place_taken", "host_taken", "host_removed"}  # tests/control/test_gate_bypass.py
    assert named <= tried
