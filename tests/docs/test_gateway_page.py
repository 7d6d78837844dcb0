"""``docs/gateway.md``: what it says of the steps and bounds is so."""

from __future__ import annotations

import re

from tests.docs.console import ROOT

from wardgate.policy.pipeline import TABLE

PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")


def test_the_steps_are_those_of_the_table_in_its_order() -> None:
    """Each built-in step with its phase, and no other."""
    shown = re.findall(r"^\| (\w+) \| `(\w+)` \|", PAGE.partition("## Steps")[2], re.MULTILINE)
    assert shown == [(row.phase, row.policy) for row in TABLE]
