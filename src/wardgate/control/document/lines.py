"""What differs between things of one kind, in lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def compared(
    what: str,
    old: Iterable[T],
    new: Iterable[T],
    by: Callable[[T], str],
    text: Callable[[T], str],
    changes: Callable[[T, T], Iterable[str]],
    named: Callable[[str], str] = str,
) -> Iterator[str]:
    """What is gone (``-``), came (``+``) or changed (``~``), each known ``by`` a name; ``text`` says a thing in one line."""
    before, after = {by(each): each for each in old}, {by(each): each for each in new}
    for name, item in before.items():
        if name not in after:
            yield f"- {what} {named(name)}: {text(item)}"
    for name, item in after.items():
        if name not in before:
            yield f"+ {what} {named(name)}: {text(item)}"
        elif item != before[name]:
            yield from (f"~ {what} {named(name)}: {line}" for line in changes(before[name], item))
