"""``docs/accounts.md``: every command does what the page shows."""

from __future__ import annotations

from pathlib import Path

from tests.docs.console import ROOT, run_page


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last, on a store of their own."""
    store = "wardgate apply -f examples/orders/wardgate.yaml"
    assert run_page(ROOT / "docs" / "accounts.md", tmp_path, before=store) > 8
