"""``docs/access.md``: its commands do what they show, and it names every event there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.console import ROOT, run_page

from wardgate.domain.webhook import EVENTS
from wardgate.identity.webhook_delivery import PAUSES

PAGE = ROOT / "docs" / "access.md"


def test_every_command_of_the_page_does_what_it_shows(tmp_path: Path) -> None:
    """From the first to the last."""
    assert run_page(PAGE, tmp_path) > 12


def test_every_event_is_named() -> None:
    """The table has each event, and no other."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| event |") : text.index("Messages hold")]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == set(EVENTS)


def test_the_pauses_are_those_of_the_page() -> None:
    """What is written of retries is what is done."""
    words = [
        f"{int(p)} s" if p < 60 else f"{p / 60:g} min" if p < 3600 else f"{p / 3600:g} h" for p in PAUSES
    ]
    assert f"{', '.join(words[:-1])} and {words[-1]}" in PAGE.read_text(encoding="utf-8").replace("\n", " ")
