"""The plans an API offers: what each grants together with the API's own limits, and which are new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wardgate.control.compare.limits import limits, no_weaker
from wardgate.control.compare.rules import Aspect, At, differences, neutral
from wardgate.domain.api import Api
from wardgate.domain.difference import Difference
from wardgate.domain.effective import effective
from wardgate.domain.limit import Limit, Plan


def in_force(api: Api | None, plan: Plan) -> tuple[Limit, ...]:
    """The limits of a subscriber on ``plan`` whom nobody set others for."""
    default = api.limits if api is not None else ()
    return tuple(each.limit for each in effective(default, plan.limits, (), ()))


def _limits(at: At, before: Plan, after: Plan) -> Iterator[Difference]:
    yield from limits(at, in_force(at.before, before), in_force(at.after, after))
    if in_force(at.before, before) == in_force(at.after, after):
        yield at.found(
            "limits_rewritten", before.limits, after.limits, "the same limits are written otherwise"
        )


def _approval(at: At, before: Plan, after: Plan) -> Iterator[Difference]:
    open_now = after.approval == "auto"
    sentence = "who asks for it has it at once" if open_now else "who asks for it waits for an approval"
    yield at.found("approval_changed", before.approval, after.approval, sentence, weakens=open_now)


PLAN: tuple[Aspect, ...] = (
    neutral("name", "description"),
    Aspect(("limits",), _limits),
    Aspect(("approval",), _approval),
)


def plans(at: At, before: Sequence[Plan], after: Sequence[Plan]) -> Iterator[Difference]:
    """How the plans offered differ. With the last of them the limits of all go."""
    old, new = {plan.name: plan for plan in before}, {plan.name: plan for plan in after}
    for name in old:
        if name not in new:
            yield at.found("plan_removed", name, None, f"the plan {name} is no longer offered")
    if old and not new:
        yield at.found(
            "plans_off", tuple(old), None, "no plan is offered: callers have no plan's limits", weakens=True
        )
    for name, plan in new.items():
        inner = at.within(f"{at.place} plan {name}")
        if name in old:
            yield from _kept(inner, old[name], plan)
        else:
            yield _added(inner, plan, tuple(old.values()))


def _kept(at: At, before: Plan, after: Plan) -> Iterator[Difference]:
    yield from differences(at, before, after, PLAN)
    if before.limits == after.limits:
        # What the API sets for all may have changed below the plan.
        yield from limits(at, in_force(at.before, before), in_force(at.after, after))


def _added(at: At, plan: Plan, known: Sequence[Plan]) -> Difference:
    granted = in_force(at.after, plan)
    weaker = bool(known) and not any(
        no_weaker(in_force(at.before, each), granted) and each.approval in ("auto", plan.approval)
        for each in known
    )
    sentence = f"the plan {plan.name} is offered"
    if weaker:
        sentence += ", which grants more than any plan before"
    return at.found("plan_added", None, plan.limits, sentence, weakens=weaker)
