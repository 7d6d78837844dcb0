"""One thing in which two states differ, and whether the way from the one to the other weakens security."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: What stands for a value nobody is shown.
REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``kind`` is stable and for programs (``scope_removed``); ``place`` names what differs (``orders/v1 GET /items``,
    ``plan gold``). ``before`` and ``after`` have a JSON form and hold no secret, ``None`` where there is nothing.
    ``sentence`` says it to people, without the place. ``weakens``: somebody may get in, see or do more than before, or
    nobody can tell.
    """

    kind: str
    place: str
    before: Any = None
    after: Any = None
    weakens: bool = False
    sentence: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


def weakenings(found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Those that weaken, in the order of their places and kinds: equal exactly when the same is weakened."""
    return tuple(sorted((each for each in found if each.weakens), key=_order))


def _order(each: Difference) -> tuple[str, str, str, str]:
    return each.place, each.kind, repr(each.before), repr(each.after)
