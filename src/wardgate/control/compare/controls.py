"""What was set for a subscription beside its plan."""

from __future__ import annotations

from collections.abc import Iterator

from wardgate.control.compare.limits import limits
from wardgate.control.compare.networks import covered
from wardgate.control.compare.rules import Aspect, At, differences, elements, told
from wardgate.domain.consumer import Controls
from wardgate.domain.difference import Difference


def _limits(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    """They stand before the plan's of their kind and period, which nobody here knows: any that is new may grant more."""
    for found in limits(at, before.limits, after.limits):
        if found.kind == "limit_added":
            yield at.found(
                "limit_set", None, found.after, f"{found.sentence}, whatever the plan says", weakens=True
            )
        else:
            yield found


def _cidrs(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    wider = not covered(after.cidrs, before.cidrs)
    yield at.found(
        f"networks_{'widened' if wider else 'narrowed'}",
        before.cidrs,
        after.cidrs,
        f"it may be used from {_from(after.cidrs)}, instead of {_from(before.cidrs)}",
        weakens=wider,
    )


def _from(cidrs: tuple[str, ...]) -> str:
    return told(cidrs) if cidrs else "anywhere"


def _scopes(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    wider = bool(before.scopes) and (not after.scopes or not set(after.scopes) <= set(before.scopes))
    yield at.found(
        f"scopes_{'widened' if wider else 'narrowed'}",
        before.scopes,
        after.scopes,
        f"tokens may use {told(after.scopes) if after.scopes else 'every scope'} here, "
        f"instead of {told(before.scopes) if before.scopes else 'every scope'}",
        weakens=wider,
    )


def _roles(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    yield from elements(at, "role", before.roles, after.roles, "the role", weakens="added")


CONTROLS: tuple[Aspect, ...] = (
    Aspect(("limits",), _limits),
    Aspect(("cidrs",), _cidrs),
    Aspect(("scopes",), _scopes),
    Aspect(("roles",), _roles),
)


def controls(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    """How the controls of a subscription differ."""
    yield from differences(at, before, after, CONTROLS)
