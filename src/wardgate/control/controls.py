"""Checks what is set for a subscription or an application: limits, networks, scopes, roles, expiry."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection, Sequence

from wardgate.control.errors import InvalidError
from wardgate.control.restrict import MAX_ENTRIES, network
from wardgate.domain.consumer import Controls
from wardgate.domain.instant import LATEST
from wardgate.domain.limit import PERIOD_SECONDS, Limit

#: Limits set at one place: each costs a counter.
MAX_LIMITS = 20
LARGEST = 10**15
LONGEST_QUEUE = 60.0
_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


def checked_controls(controls: Controls, scopes: Collection[str]) -> Controls:
    """``controls`` in canonical form: networks normalised, order kept, duplicates dropped. ``scopes`` are the API's own.

    Raises:
        InvalidError: something cannot be; the message names it.
    """
    for kind, entries in (("cidrs", controls.cidrs), ("scopes", controls.scopes), ("roles", controls.roles)):
        if len(entries) > MAX_ENTRIES:
            raise InvalidError(
                "controls",
                f"A subscription may have at most {MAX_ENTRIES} {kind}, not {len(entries)}",
                "Combine them",
            )
    for scope in controls.scopes:
        if not _SCOPE.fullmatch(scope):
            raise InvalidError("scope", "This is no scope", "Leave out spaces, quotes and backslashes")
        if scopes and scope not in scopes:
            raise InvalidError(
                "scope", f"The API has no scope {scope!r}", f"Its scopes: {', '.join(sorted(scopes))}"
            )
    for role in controls.roles:
        if not _ROLE.fullmatch(role):
            raise InvalidError(
                "role",
                "This is no name of a role",
                "Use up to 64 letters, digits, dots, hyphens, underscores",
            )
    return Controls(
        limits=checked_limits(controls.limits),
        cidrs=tuple(dict.fromkeys(network(entry) for entry in controls.cidrs)),
        scopes=tuple(dict.fromkeys(controls.scopes)),
        roles=tuple(dict.fromkeys(controls.roles)),
    )


def checked_expiry(expires_at: float | None, now: float) -> float | None:
    """``expires_at``, if it is none or lies ahead. Raises InvalidError."""
    if expires_at is not None and not (now < expires_at <= LATEST):
        raise InvalidError("expiry", "The expiry is no point in the future", "Give a later one, or none")
    return expires_at


def checked_limits(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """``limits``, each once. Raises InvalidError for one that cannot be, and for more than ``MAX_LIMITS``."""
    if len(limits) > MAX_LIMITS:
        raise InvalidError("limit", f"There are {len(limits)} limits", f"Set at most {MAX_LIMITS}")
    for limit in limits:
        problem = _problem(limit)
        if problem:
            shown = f"{limit.kind} {limit.amount}" + (f" per {limit.per}" if limit.per else "")
            raise InvalidError("limit", f"The limit `{shown}` cannot be: {problem}", "See docs/limits.md")
    return tuple(dict.fromkeys(limits))


def _problem(limit: Limit) -> str:
    """What is wrong with a limit; the same as ``control/document/plans.py`` finds in a document."""
    if not 1 <= limit.amount <= LARGEST:
        return "its amount must be at least 1"
    if limit.kind == "concurrency":
        if limit.per is not None:
            return "a limit of kind concurrency has no period"
    elif limit.per is None:
        return f"a limit of kind {limit.kind} needs a period"
    elif limit.kind == "quota" and limit.per == "second":
        return "a quota counts in calendar windows of a minute or longer"
    elif limit.kind != "quota" and limit.per not in PERIOD_SECONDS:
        return f"a limit of kind {limit.kind} needs a period of a fixed length"
    if limit.burst is not None and (limit.kind != "rate" or not 1 <= limit.burst <= LARGEST):
        return "only a rate has a burst, of at least 1"
    if limit.queue is not None and (limit.kind != "spike" or not 0 <= limit.queue <= LONGEST_QUEUE):
        return f"only a spike arrest has a queue, of up to {LONGEST_QUEUE:g} s"
    return _quota_problem(limit)


def _quota_problem(limit: Limit) -> str:
    if limit.kind != "quota":
        if limit.timezone != "UTC":
            return "only a quota has a time zone"
        return "" if limit.on_exceeded == "stop" and limit.soften is None else "only a quota can soften"
    try:
        zoneinfo.ZoneInfo(limit.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return "its time zone is none of the IANA database"
    if (limit.on_exceeded == "soften") != (limit.soften is not None):
        return "a quota that softens says to which rate, and no other does"
    if limit.soften is not None and not (
        1 <= limit.soften.amount <= LARGEST and limit.soften.per in PERIOD_SECONDS
    ):
        return "it softens to a rate of at least 1 per period of a fixed length"
    return ""
