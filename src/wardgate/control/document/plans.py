"""``plans``: named sets of limits, each limit checked for what its kind needs and what it cannot take."""

from __future__ import annotations

import zoneinfo
from typing import get_args

from wardgate.control.document.fields import Fields, Report, suggestion
from wardgate.control.document.names import NAME, NAME_WORDS
from wardgate.domain.limit import (
    PERIOD_SECONDS,
    Approval,
    Limit,
    LimitKind,
    OnExceeded,
    Period,
    Plan,
    Soften,
    WhenAway,
)
from wardgate.openapi.tree import Node, Path

KINDS: tuple[LimitKind, ...] = get_args(LimitKind)
PERIODS: tuple[Period, ...] = get_args(Period)
AWAY: tuple[WhenAway, ...] = get_args(WhenAway)
APPROVALS: tuple[Approval, ...] = get_args(Approval)
EXCEEDED: tuple[OnExceeded, ...] = get_args(OnExceeded)
QUOTA_PERIODS = tuple(period for period in PERIODS if period != "second")
LONGEST_QUEUE = 60.0

#: The keys that belong to some kinds only.
_ONLY: dict[str, tuple[LimitKind, ...]] = {
    "per": ("rate", "spike", "quota"),
    "burst": ("rate",),
    "queue": ("spike",),
    "timezone": ("quota",),
    "on_exceeded": ("quota",),
    "soften": ("quota",),
}


def read_plan(report: Report, node: Node, path: Path) -> tuple[Plan, Fields]:
    """One plan with its fields, for problems found later; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description", "approval", "limits"))
    plan = Plan(
        name=fields.required("name", NAME, NAME_WORDS),
        description=fields.text("description", ""),
        limits=read_limits(fields),
        approval=fields.choice("approval", APPROVALS, "auto"),
    )
    return plan, fields


def read_limits(fields: Fields) -> tuple[Limit, ...]:
    """The limits under ``limits``; what is wrong with them is noted."""
    return tuple(
        limit
        for item, where in fields.items("limits")
        if (limit := _read_limit(fields.report, item, where)) is not None
    )


def _read_limit(report: Report, node: Node, path: Path) -> Limit | None:
    fields = Fields(report, node, path, ("kind", "amount", "when_away", *_ONLY))
    kind = fields.choice("kind", KINDS, None)
    if kind is None:
        if "kind" not in fields:
            fields.problem(None, "the key 'kind' is missing", f"Add `kind:` with one of {', '.join(KINDS)}")
        return None
    if "amount" not in fields:
        fields.problem(None, "the key 'amount' is missing", "Add `amount:` with a whole number of at least 1")
    for key, kinds in _ONLY.items():
        if key in fields and kind not in kinds:
            fields.problem(
                key,
                f"a limit of kind {kind} takes no {key!r}",
                f"Remove it; {key!r} belongs to {' and '.join(kinds)}",
            )
    softens = fields.choice("on_exceeded", EXCEEDED, "stop") == "soften" and kind == "quota"
    return Limit(
        kind=kind,
        amount=fields.integer("amount", 1),
        per=_per(fields, kind),
        burst=fields.integer("burst", None) if kind == "rate" else None,
        queue=fields.number("queue", None, 0.0, LONGEST_QUEUE) if kind == "spike" else None,
        timezone=_timezone(fields) if kind == "quota" else "UTC",
        when_away=fields.choice("when_away", AWAY, "deny"),
        on_exceeded="soften" if softens else "stop",
        soften=_soften(fields, softens=softens),
    )


def _soften(fields: Fields, *, softens: bool) -> Soften | None:
    """The rate past a quota, which stands exactly where the quota softens."""
    if "soften" in fields and not softens:
        fields.problem(
            "soften",
            "'soften' says what follows a quota that stops",
            "Add `on_exceeded: soften`, or remove it",
        )
    if not softens:
        return None
    inner = fields.child("soften", ("amount", "per"))
    allowed = tuple(period for period in PERIODS if period in PERIOD_SECONDS)
    if inner is None:
        fields.problem(
            "on_exceeded", "a quota that softens needs 'soften'", "Add `soften: { amount: 1, per: minute }`"
        )
        return None
    for key in ("amount", "per"):
        if key not in inner:
            inner.problem(None, f"the key {key!r} is missing", "Write `soften: { amount: 1, per: minute }`")
    per = inner.choice("per", allowed, None)
    return None if per is None else Soften(amount=inner.integer("amount", 1), per=per)


def _per(fields: Fields, kind: LimitKind) -> Period | None:
    if kind == "concurrency":
        return None
    allowed = QUOTA_PERIODS if kind == "quota" else tuple(p for p in PERIODS if p in PERIOD_SECONDS)
    if "per" not in fields:
        fields.problem(
            None, f"a limit of kind {kind} needs 'per'", f"Add `per:` with one of {', '.join(allowed)}"
        )
        return None
    per = fields.choice("per", PERIODS, None)
    if per is not None and per not in allowed:
        why = (
            "a quota counts in calendar windows" if kind == "quota" else "its period must have a fixed length"
        )
        remedy = f"Use one of {', '.join(allowed)}"
        if kind != "quota":
            remedy += ", or a limit of kind quota"
        fields.problem("per", f"a limit of kind {kind} cannot be per {per}: {why}", remedy)
        return None
    return per


def _timezone(fields: Fields) -> str:
    name = fields.text("timezone", "UTC")
    if name != "UTC":
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            close = suggestion(name, zoneinfo.available_timezones(), "time zones")
            remedy = close if close.startswith("Did") else "Use a name such as UTC or Europe/Berlin"
            fields.problem("timezone", f"{name!r} is no time zone of the IANA database", remedy)
            return "UTC"
    return name
