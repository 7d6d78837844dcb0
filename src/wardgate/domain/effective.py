"""Which limits are in force for a caller: of each kind and period the one that was set closest to it.

Four places may set limits. In their order, each standing before those named earlier: the API's own (``default``), the
subscription's plan (where the environment replaces a plan's limits, those), the controls of the subscription, and what
was set for the application. What is not in force is kept beside what is, so that it can be told why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from wardgate.domain.limit import Limit, LimitKind, Period

Origin = Literal["default", "plan", "subscription", "application"]
#: Kind and period: what limits at different places must have in common for one to stand before the other.
Shape = tuple[LimitKind, Period | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """A limit that is not in force, and where it was set."""

    origin: Origin
    limit: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A limit in force, where it was set, and what it stands before, the nearest first."""

    origin: Origin
    limit: Limit
    shadows: tuple[Shadowed, ...] = ()


def effective(
    default: Iterable[Limit],
    plan: Iterable[Limit],
    controls: Iterable[Limit],
    application: Iterable[Limit],
) -> tuple[Effective, ...]:
    """The limits in force, in the order in which their kinds and periods are first named.

    Limits of one place never stand before each other: a plan with two quotas a day in different time zones has both.
    """
    places: tuple[tuple[Origin, Iterable[Limit]], ...] = (
        ("default", default),
        ("plan", plan),
        ("subscription", controls),
        ("application", application),
    )
    by_shape: dict[Shape, list[tuple[Origin, list[Limit]]]] = {}
    for origin, limits in places:
        for limit in limits:
            levels = by_shape.setdefault((limit.kind, limit.per), [])
            if not levels or levels[-1][0] != origin:
                levels.append((origin, []))
            levels[-1][1].append(limit)
    return tuple(
        Effective(
            origin=levels[-1][0],
            limit=limit,
            shadows=tuple(
                Shadowed(origin=origin, limit=shadowed)
                for origin, limits in reversed(levels[:-1])
                for shadowed in limits
            ),
        )
        for levels in by_shape.values()
        for limit in levels[-1][1]
    )
