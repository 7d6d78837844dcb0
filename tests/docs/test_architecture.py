"""``ARCHITECTURE.md`` is true: what it names exists, and every package is named."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "wardgate"
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def rooms() -> dict[str, str]:
    """The rows of the table of rooms, by the room's first cell."""
    table = TEXT[TEXT.index("## Rooms") : TEXT.index("### The request path")]
    return {row[1]: row[2] for row in re.finditer(r"^\| (`.+?`) \| (.+) \|$", table, re.MULTILINE)}


def test_every_path_it_names_exists() -> None:
    """A path is one of the repository, or of ``src/wardgate``, wherever the page names it."""
    named = set(re.findall(r"(?<![\w./-])((?:[a-z_]+/)+(?:[\w-]+\.\w+)?)(?![\w/])", TEXT))
    assert len(named) > 60
    missing = [name for name in named if not (HOUSE / name).exists() and not (ROOT / name).exists()]
    assert missing == []


def test_files_in_tables_exist() -> None:
    """A bare file name in a room's row is a file of that room."""
    for cell, words in rooms().items():
        room = re.findall(r"`(.+?)/`", cell)[0]
        for name in re.findall(r"`(\w+\.py)`", words):
            assert (HOUSE / room / name).exists(), f"{room}/{name}"
    request_path = TEXT[TEXT.index("### The request path") : TEXT.index("## Invariants")]
    for name in re.findall(r"`(\w+\.py)`", request_path):
        assert (HOUSE / "gateway" / name).exists(), f"gateway/{name}"


def test_every_package_is_named() -> None:
    """No room is forgotten."""
    packages = {
        f"{path.parent.relative_to(HOUSE)}/" for path in HOUSE.rglob("__init__.py") if path.parent != HOUSE
    }
    assert packages == {f"{name}/" for cell in rooms() for name in re.findall(r"`(.+?)/`", cell)}


def test_every_file_of_the_request_path_is_named() -> None:
    """The hardest room is described file by file."""
    files = {path.name for path in (HOUSE / "gateway").glob("*.py")} - {"__init__.py", "ports.py", "hub.py"}
    table = TEXT[TEXT.index("### The request path") : TEXT.index("## Invariants")]
    assert files - set(re.findall(r"`(\w+\.py)`", table)) == set()
