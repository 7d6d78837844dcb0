"""``docs/operators.md``: every command does what the page shows, and its table of roles is the code's."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.console import ROOT, run_page

from wardgate.domain.permission import BUILTIN_ROLES

PAGE = ROOT / "docs" / "operators.md"


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first owner to a suspended service account, on a store of their own."""
    store = "wardgate apply -f examples/orders/wardgate.yaml"
    assert run_page(PAGE, tmp_path, before=store) > 18


def test_the_table_of_roles_is_complete() -> None:
    """Each role of the installation has its row, in order."""
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(BUILTIN_ROLES)
