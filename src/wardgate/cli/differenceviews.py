"""How commands show what differs, and the exit status it comes to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wardgate.cli.output import printable

if TYPE_CHECKING:
    from wardgate.client import models

#: Exit statuses of commands that compare: nothing differs, something does, something is weaker.
SAME, CHANGED, WEAKER = 0, 2, 3


def status_of(found: Sequence[models.DifferenceShown]) -> int:
    """The exit status for what differs."""
    if any(each["weakens"] for each in found):
        return WEAKER
    return CHANGED if found else SAME


def print_differences(found: Sequence[models.DifferenceShown]) -> None:
    """One line each; those that weaken begin with an exclamation mark."""
    for each in found:
        mark = "!" if each["weakens"] else " "
        print(printable(f"{mark} {each['place']}: {each['sentence']}"))


def print_count(found: Sequence[models.DifferenceShown], what: str = "difference") -> None:
    """How many there are, on standard error."""
    count, weak = len(found), sum(each["weakens"] for each in found)
    if not count:
        print(f"no {what}", file=sys.stderr)
        return
    weaker = f", {weak} of which weaken{'s' if weak == 1 else ''} security" if weak else ""
    print(f"{count} {what}{'s' if count != 1 else ''}{weaker}", file=sys.stderr)
