"""Limits and other values in lines for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wardgate.domain.limit import Limit

_LONGEST = 120


def limits_text(limits: Iterable[Limit]) -> str:
    """Limits in one line."""
    return "; ".join(limit_text(limit) for limit in limits) or "no limits"


def limit_text(limit: Limit) -> str:
    """A limit in a few words: ``rate 100 per minute, burst 20``."""
    text = f"{limit.kind} {limit.amount}"
    if limit.per is not None:
        text += f" per {limit.per}"
    if limit.kind == "quota":
        text += f" ({limit.timezone})"
    if limit.burst is not None:
        text += f", burst {limit.burst}"
    if limit.queue is not None:
        text += f", queue {limit.queue:g} s"
    if limit.soften is not None:
        text += f", then {limit.soften.amount} per {limit.soften.per}"
    return text if limit.when_away == "deny" else f"{text}, {limit.when_away} when away"


def shown(value: Any) -> str:
    """A value, cut where it is long."""
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
