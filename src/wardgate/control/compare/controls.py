"""What was set for a subscription beside its plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wardgate.control.compare.limits import limits
from wardgate.control.compare.networks import covered
from wardgate.control.compare.rules import Aspect, At, differences, elements, told
from wardgate.domain.consumer import Controls
from wardgate.domain.difference import Difference
from wardgate.domain.limit import Limit


def _limits(at: At, before: Controls, after: Controls) -> Iterator[Difference]:
    yield from set_limits(at, before.limits, after.limits)


def set_limits(at: At, before: Sequence[Limit], after: Sequence[Limit]) -> Iterator[Difference]:
    """Limits that stand before the plan's of their kind and period, which nobody here knows: one that is new may grant
    more, and where one goes the plan's may."""
    for found in limits(at, before, after):
        if found.kind == "limit_added":
            sentence = f"{found.sentence}, whatever the plan says"
            yield at.found("limit_set", None, found.after, sentence, weakens=True)
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
