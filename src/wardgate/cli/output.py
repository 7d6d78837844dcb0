"""What commands print: JSON for programs, aligned columns for people."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from wardgate.cli.values import shown_duration


def print_json(data: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their heads, columns as wide as their widest entry."""
    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        print(f"{name.ljust(width)}  {printable(value)}".rstrip())


def printable(text: str) -> str:
    """``text`` without anything that would move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shown_time(at: float | None) -> str:
    """A point in time in local time, or ``-``."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))


def shown_age(at: float | None, now: float) -> str:
    """How far a point in time is away: ``3 d ago``, ``in 5 h``, or ``-``."""
    if at is None:
        return "-"
    return f"{shown_duration(now - at)} ago" if at <= now else f"in {shown_duration(at - now)}"
