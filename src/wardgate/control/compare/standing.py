"""What holds for an API beside its revisions: its life cycle, what is switched off, and who may find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.rules import Aspect, At, differences, elements, listed, neutral, replaced
from wardgate.domain.difference import Difference
from wardgate.domain.standing import Catalogue

#: From the narrowest to the widest.
_VISIBILITY = ("private", "group", "public")


STANDING: tuple[Aspect, ...] = (
    replaced(
        "lifecycle",
        lambda old, new: f"the API goes from {old} to {new}",
        weakens=lambda old, new: old == "retired",
    ),
    listed("off", "switched off:", weakens="removed", kind="switched_off"),
    neutral("deprecated_at", "sunset_at", "successor", "listed"),
)


def _visibility(at: At, before: Catalogue, after: Catalogue) -> Iterator[Difference]:
    if before.visibility != after.visibility:
        wider = _VISIBILITY.index(after.visibility) > _VISIBILITY.index(before.visibility)
        yield at.found(
            f"visibility_{'widened' if wider else 'narrowed'}",
            before.visibility,
            after.visibility,
            f"the API goes from {before.visibility} to {after.visibility}",
            weakens=wider,
        )
    if before.groups != after.groups:
        seen = "added" if after.visibility == "group" == before.visibility else "never"
        yield from elements(
            at, "visible_to", before.groups, after.groups, "visible to the group", weakens=seen
        )


CATALOGUE: tuple[Aspect, ...] = (
    Aspect(("visibility", "groups"), _visibility),
    replaced(
        "project",
        lambda old, new: f"the operators of the project {new} look after it, instead of those of {old}",
        weakens=lambda old, new: True,
    ),
    neutral("tags", "docs", "contact", "description"),
)


def standing(at: At, before: Any, after: Any) -> Iterator[Difference]:
    """How the standing of two APIs differs."""
    yield from differences(at.within(f"{at.place} standing"), before.standing, after.standing, STANDING)
