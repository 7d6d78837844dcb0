"""Options of what stands in an environment for the limits of a plan, and of how long it keeps what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from wardgate.cli.controlling import limits_in
from wardgate.cli.errors import CommandError

if TYPE_CHECKING:
    from wardgate.client import models

PlanTexts = Annotated[
    list[str] | None,
    Parameter(
        name="--plan",
        negative=(),
        help="Limits that stand here for those of a plan: 'gold=rate 100/minute'. Given again for the same plan, one "
        "limit more; 'gold=none' lifts all of them, 'gold=default' takes those of the plan again.",
    ),
]
RollupDays = Annotated[int | None, Parameter(help="Days that figures of traffic are kept.")]
AuditDays = Annotated[int | None, Parameter(help="Days that the audit trail is kept.")]


def overridden(
    present: Mapping[str, Sequence[models.LimitSettings]], texts: Sequence[str] | None
) -> dict[str, list[models.LimitSettingsInput]] | None:
    """The limits of all plans that have others here, after what was given; ``None`` where nothing was.

    Raises:
        CommandError: something given is not written as it must be.
    """
    if texts is None:
        return None
    given: dict[str, list[str]] = {}
    for text in texts:
        name, separator, limit = (part.strip() for part in text.partition("="))
        if not (name and separator and limit):
            raise CommandError(
                "plan_limits_invalid",
                f"{text!r} names no plan with limits",
                "Write it like 'gold=rate 100/minute', 'gold=none' or 'gold=default'",
            )
        given.setdefault(name, []).append(limit)
    found: dict[str, list[models.LimitSettingsInput]] = {
        name: [{**each} for each in limits] for name, limits in present.items() if name not in given
    }
    for name, limits in given.items():
        if "default" in limits or "none" in limits:
            if len(limits) > 1:
                raise CommandError(
                    "plan_limits_invalid",
                    f"{name} is given {' and '.join(limits)}",
                    "Give either limits, or none, or default",
                )
            if limits == ["none"]:
                found[name] = []
        else:
            found[name] = limits_in(limits)
    return found


def retained(
    present: models.RetentionModel, rollups: int | None, audit: int | None
) -> models.RetentionModelInput | None:
    """How long things are kept after what was given, in days; ``None`` where nothing was."""
    if rollups is None and audit is None:
        return None
    return {
        "rollups": present["rollups"] if rollups is None else rollups,
        "audit": present["audit"] if audit is None else audit,
    }
