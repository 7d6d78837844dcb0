"""Limits: what a plan grants, in the four kinds the field knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LimitKind = Literal["rate", "spike", "quota", "concurrency"]
Period = Literal["second", "minute", "hour", "day", "week", "month", "year"]
WhenAway = Literal["deny", "allow", "local"]
OnExceeded = Literal["stop", "soften"]
#: Whether who asks for a subscription on the plan has it at once, or once somebody approved.
Approval = Literal["auto", "required"]

#: Seconds in the periods of fixed length; quotas use calendar windows instead.
PERIOD_SECONDS: dict[str, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Soften:
    """The rate a caller is held to once a quota is used up: ``amount`` requests per ``per``, which has a fixed length."""

    amount: int
    per: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of a plan.

    * ``rate``: ``amount`` requests per ``per``, GCRA, of which ``burst`` (default: ``amount``) may come at once.
    * ``spike``: at most one request per ``per / amount``; early ones wait in a queue of ``queue`` seconds, or are refused.
    * ``quota``: ``amount`` requests per calendar window ``per`` in ``timezone``.
    * ``concurrency``: ``amount`` requests in flight.

    ``when_away`` says what happens when the counter's authority cannot be asked. ``on_exceeded`` is of quotas: a request
    past it is refused, or held to the rate of ``soften`` until the window ends.
    """

    kind: LimitKind
    amount: int
    per: Period | None = None
    burst: int | None = None
    queue: float | None = None
    timezone: str = "UTC"
    when_away: WhenAway = "deny"
    on_exceeded: OnExceeded = "stop"
    soften: Soften | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A named set of limits an API offers to its subscribers. The name never changes."""

    name: str
    limits: tuple[Limit, ...] = ()
    description: str = ""
    approval: Approval = "auto"
