"""The pages as a whole: generated ones are current, links lead somewhere, commands shown exist."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from cyclopts import App

from wardgate.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def anchors(page: Path) -> set[str]:
    """The fragments that lead to a heading of the page, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def commands() -> dict[str, App]:
    """Every command by its words, ``keys issue`` and the like."""
    found: dict[str, App] = {}

    def walk(at: App, words: tuple[str, ...]) -> None:
        for name in at:
            if not name.startswith("-"):
                found[" ".join((*words, name))] = at[name]
                walk(at[name], (*words, name))

    walk(app, ())
    return found


@cache
def options_of(words: str) -> frozenset[str]:
    """Every name of every option of a command; none, if it is a group of commands."""
    command = commands()[words]
    if command.default_command is None:
        return frozenset()
    return frozenset(name for argument in command.assemble_argument_collection() for name in argument.names)


def test_generated_pages_are_current() -> None:
    """``make docs`` would change nothing."""
    command = [sys.executable, str(ROOT / "tools" / "gen_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_and_option_is_documented() -> None:
    """``docs/cli.md`` has a section for each command, with each of its options."""
    sections = re.split(r"^#+ wardgate ", (ROOT / "docs" / "cli.md").read_text(), flags=re.MULTILINE)[1:]
    texts = {section.split("\n", 1)[0]: section for section in sections}
    for words in commands():
        if words.startswith("applications"):
            continue  # an alias of apps
        assert words in texts
        for name in options_of(words):
            assert name in texts[words], f"wardgate {words} {name}"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link names a file of the repository, and its fragment a heading there."""
    page = ROOT / name
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{name} links to {target}"
        if fragment:
            assert fragment in anchors(goal), f"{name} links to {target}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_the_text_exist(name: str) -> None:
    """A command in backticks is one of the command line, with options that it has."""
    known = commands()
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    for shown in re.findall(r"`wardgate ([a-z][^`]*)`", text):
        words = [word.strip("[]") for word in shlex.split(shown)]
        command = max((c for c in known if words[: len(c.split())] == c.split()), key=len, default=None)
        assert command is not None, f"{name}: wardgate {shown}"
        if known[command].default_command is None:
            continue
        used = [word.split("=")[0] for word in words if word.startswith("-") and word != "-"]
        assert set(used) <= options_of(command) | {"--help"}, f"{name}: wardgate {shown}"


@pytest.mark.parametrize("name", NAMES)
def test_options_in_the_text_exist(name: str) -> None:
    """An option of ``serve`` named on its own in backticks is one of some command."""
    options = {option for words in commands() for option in options_of(words)}
    others = {"--no-deps", "--check", "--retry", "--cacert"}
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert named <= options | others


def test_the_license_is_whole_and_shipped() -> None:
    """``LICENSE`` is the unchanged text that ``pyproject.toml`` names, and distributions carry it."""
    text = (ROOT / "LICENSE").read_bytes()
    assert (
        hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
