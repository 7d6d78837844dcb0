"""What holds for an API beside its revisions: its life cycle, what is switched off, and who may find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.rules import Aspect, At, differences, elements, neutral
from wardgate.domain.difference import Difference
from wardgate.domain.standing import Catalogue, Standing

#: From the narrowest to the widest.
_VISIBILITY = ("private", "group", "public")


def _lifecycle(at: At, before: Standing, after: Standing) -> Iterator[Difference]:
    yield at.found(
        "lifecycle_changed",
        before.lifecycle,
        after.lifecycle,
        f"the API goes from {before.lifecycle} to {after.lifecycle}",
        weakens=before.lifecycle == "retired",
    )


def _off(at: At, before: Standing, after: Standing) -> Iterator[Difference]:
    yield from elements(at, "switched_off", before.off, after.off, "switched off:", weakens="removed")


STANDING: tuple[Aspect, ...] = (
    Aspect(("lifecycle",), _lifecycle),
    Aspect(("off",), _off),
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


def _project(at: At, before: Catalogue, after: Catalogue) -> Iterator[Difference]:
    yield at.found(
        "project_changed",
        before.project,
        after.project,
        f"the operators of the project {after.project} look after it, instead of those of {before.project}",
        weakens=True,
    )


CATALOGUE: tuple[Aspect, ...] = (
    Aspect(("visibility", "groups"), _visibility),
    Aspect(("project",), _project),
    neutral("tags", "docs", "contact", "description"),
)


def standing(at: At, before: Any, after: Any) -> Iterator[Difference]:
    """How the standing of two APIs differs."""
    yield from differences(at.within(f"{at.place} standing"), before.standing, after.standing, STANDING)
