"""Limits and controls, as every body and answer that has some writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from wardgate.control.controls import LARGEST, LONGEST_QUEUE, MAX_LIMITS
from wardgate.control.restrict import MAX_ENTRIES
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit, LimitKind, OnExceeded, Period, Soften, WhenAway
from wardgate.web.admin_api.models import Model

Amount = Annotated[int, Field(ge=1, le=LARGEST)]
_Entry = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Entries = Annotated[list[_Entry], Field(max_length=MAX_ENTRIES)]


class SoftenedTo(Model):
    """The rate a caller is held to once a quota is used up."""

    amount: Amount
    per: Period


class LimitSettings(Model):
    """One limit; docs/limits.md says what each kind needs."""

    kind: LimitKind
    amount: Amount
    per: Period | None = None
    burst: Amount | None = None
    queue: float | None = Field(default=None, ge=0, le=LONGEST_QUEUE)
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"
    when_away: WhenAway = "deny"
    on_exceeded: OnExceeded = "stop"
    soften: SoftenedTo | None = None


LimitList = Annotated[list[LimitSettings], Field(max_length=MAX_LIMITS)]


class ControlSettings(Model):
    """What is set for a subscription beside its plan; empty narrows nothing."""

    limits: LimitList = []
    cidrs: Entries = Field(default=[], description="Networks it may be used from.")
    scopes: Entries = Field(default=[], description="All that tokens may use here.")
    roles: Entries = Field(default=[], description="What the application itself holds here.")


def limit_shown(limit: Limit) -> LimitSettings:
    """A limit as answers have it."""
    return LimitSettings(
        kind=limit.kind,
        amount=limit.amount,
        per=limit.per,
        burst=limit.burst,
        queue=limit.queue,
        timezone=limit.timezone,
        when_away=limit.when_away,
        on_exceeded=limit.on_exceeded,
        soften=None if limit.soften is None else SoftenedTo(amount=limit.soften.amount, per=limit.soften.per),
    )


def limits_of(settings: Iterable[LimitSettings]) -> tuple[Limit, ...]:
    """The limits of a body; use cases check them."""
    return tuple(
        Limit(
            kind=each.kind,
            amount=each.amount,
            per=each.per,
            burst=each.burst,
            queue=each.queue,
            timezone=each.timezone,
            when_away=each.when_away,
            on_exceeded=each.on_exceeded,
            soften=None if each.soften is None else Soften(amount=each.soften.amount, per=each.soften.per),
        )
        for each in settings
    )


def controls_shown(controls: Controls) -> ControlSettings:
    """Controls as answers have them."""
    return ControlSettings(
        limits=[limit_shown(limit) for limit in controls.limits],
        cidrs=list(controls.cidrs),
        scopes=list(controls.scopes),
        roles=list(controls.roles),
    )


def controls_of(settings: ControlSettings) -> Controls:
    """The controls of a body; use cases check them."""
    return Controls(
        limits=limits_of(settings.limits),
        cidrs=tuple(settings.cidrs),
        scopes=tuple(settings.scopes),
        roles=tuple(settings.roles),
    )
