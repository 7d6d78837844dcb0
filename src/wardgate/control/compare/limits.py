"""Limits: whether those after let nobody do more than those before.

A limit implies another when whoever keeps to the first keeps to the second. A set of limits is no weaker than another when
each of the other's is implied by one of it. Rates are compared as amount per time; quotas of different periods where
windows of the one always lie within windows of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from fractions import Fraction

from wardgate.control.compare.rules import Aspect, At
from wardgate.domain.difference import Difference
from wardgate.domain.limit import PERIOD_SECONDS, Limit, Soften

#: From the strictest to the weakest.
_AWAY = ("deny", "local", "allow")
#: How many windows of the first period lie within one of the second at most, where they never straddle its edges.
_WITHIN: dict[tuple[str, str], int] = {
    ("minute", "hour"): 60,
    ("minute", "day"): 25 * 60,
    ("minute", "week"): (7 * 24 + 1) * 60,
    ("minute", "month"): (31 * 24 + 1) * 60,
    ("minute", "year"): (366 * 24 + 1) * 60,
    ("hour", "day"): 25,
    ("hour", "week"): 7 * 24 + 1,
    ("hour", "month"): 31 * 24 + 1,
    ("hour", "year"): 366 * 24 + 1,
    ("day", "week"): 7,
    ("day", "month"): 31,
    ("day", "year"): 366,
    ("month", "year"): 12,
}
_KNOWN = frozenset(
    ("kind", "amount", "per", "burst", "queue", "timezone", "when_away", "on_exceeded", "soften")
)


def implies(one: Limit, other: Limit) -> bool:
    """Whether whoever keeps to ``one`` keeps to ``other``; no, where that cannot be told."""
    if any(
        getattr(one, field.name) != getattr(other, field.name)
        for field in fields(one)
        if field.name not in _KNOWN
    ):
        return False
    if _AWAY.index(one.when_away) > _AWAY.index(other.when_away):
        return False
    if one == other:
        return True
    paced = not {"rate", "spike"}.isdisjoint((one.kind, other.kind))
    if paced and not (one.per in PERIOD_SECONDS and other.per in PERIOD_SECONDS):
        return False
    if other.kind == "rate":
        return one.kind in ("rate", "spike") and _rate(one) <= _rate(other) and _burst(one) <= _burst(other)
    if one.kind != other.kind:
        return False
    if other.kind == "spike":
        return _rate(one) <= _rate(other)
    if other.kind == "concurrency":
        return one.amount <= other.amount
    return one.timezone == other.timezone and _quota(one, other) and _softened(one, other)


def no_weaker(before: Sequence[Limit], after: Sequence[Limit]) -> bool:
    """Whether who keeps to ``after`` keeps to ``before``."""
    return all(any(implies(limit, known) for limit in after) for known in before)


def limits(at: At, before: Sequence[Limit], after: Sequence[Limit]) -> Iterator[Difference]:
    """How two sets of limits differ, each limit beside the one it takes the place of."""
    left = [limit for limit in after if limit not in before]
    gone = [limit for limit in before if limit not in after]
    for limit in gone:
        follower = _follower(limit, left)
        if follower is not None:
            left.remove(follower)
        weaker = not any(implies(each, limit) for each in after)
        if follower is not None:
            verb = "raised" if weaker else "lowered"
            sentence = f"{described(limit)} becomes {described(follower)}"
            yield at.found(f"limit_{verb}", limit, follower, sentence, weakens=weaker)
        else:
            yield at.found("limit_removed", limit, None, f"{described(limit)} is gone", weakens=weaker)
    for limit in left:
        yield at.found("limit_added", None, limit, f"{described(limit)} is new")
    if not gone and not left and tuple(before) != tuple(after):
        yield at.found("limits_reordered", tuple(before), tuple(after), "limits: another order")


def _follower(limit: Limit, among: Sequence[Limit]) -> Limit | None:
    alike = [each for each in among if each.kind == limit.kind]
    same = [each for each in alike if each.per == limit.per]
    return next(iter(same or alike), None)


def _rate(limit: Limit | Soften) -> Fraction:
    """Requests a second."""
    return Fraction(limit.amount, PERIOD_SECONDS[limit.per or "second"])


def _burst(limit: Limit) -> int:
    if limit.kind == "spike":
        return 1
    return limit.amount if limit.burst is None else limit.burst


def _quota(one: Limit, other: Limit) -> bool:
    if one.per == other.per:
        return one.amount <= other.amount
    count = _WITHIN.get((one.per or "", other.per or ""))
    return count is not None and one.amount * count <= other.amount


def _softened(one: Limit, other: Limit) -> bool:
    """Whether past ``one`` no more is let through than past ``other``."""
    if one.on_exceeded == "stop":
        return True
    if other.on_exceeded == "stop" or one.per != other.per:
        return False
    if one.soften is None or other.soften is None:
        return other.soften is None
    if one.soften.per not in PERIOD_SECONDS or other.soften.per not in PERIOD_SECONDS:
        return one.soften == other.soften
    return _rate(one.soften) <= _rate(other.soften) and one.soften.amount <= other.soften.amount


def described(limit: Limit) -> str:
    """A limit in a sentence."""
    text = f"the {limit.kind} of {limit.amount}"
    if limit.per is not None:
        text += f" per {limit.per}"
    if limit.burst is not None:
        text += f" (burst {limit.burst})"
    if limit.queue is not None:
        text += f" (queue {limit.queue:g} s)"
    if limit.kind == "quota" and limit.timezone != "UTC":
        text += f" ({limit.timezone})"
    if limit.on_exceeded == "soften":
        soft = limit.soften
        text += f", softened to {soft.amount} per {soft.per}" if soft else ", softened"
    return text if limit.when_away == "deny" else f"{text}, {limit.when_away} when away"


def _whole(at: At, before: Limit, after: Limit) -> Iterator[Difference]:
    yield from limits(at, (before,), (after,))


#: The fields of a limit, which is compared whole.
LIMIT = (Aspect(tuple(sorted(_KNOWN)), _whole),)
SOFTEN = (Aspect(("amount", "per"), _whole),)
