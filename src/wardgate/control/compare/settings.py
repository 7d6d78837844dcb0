"""An environment's own settings. What they do to the APIs deployed there is seen by comparing those as bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.providers import providers
from wardgate.control.compare.rules import Aspect, At, bound, differences, elements, neutral
from wardgate.control.compare.trust import TOKEN_ENDPOINT
from wardgate.domain.difference import Difference
from wardgate.domain.environment import EnvironmentSettings, Retention

#: From the strictest to the weakest.
_LEAKS = ("revoke", "rotate", "notify")


def _hosts(at: At, before: Any, after: Any) -> Iterator[Difference]:
    if before.hosts and not after.hosts:
        yield at.found("hosts_removed", before.hosts, None, "it answers under every host", weakens=True)
    elif not before.hosts:
        yield at.found("hosts_added", None, after.hosts, f"it answers at {', '.join(after.hosts)} only")
    else:
        # One that is given up may go to another environment, with the requests of whoever calls it.
        yield from elements(at, "host", before.hosts, after.hosts, "the host", weakens="both")


def _variables(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    for name in sorted(before.variables.keys() | after.variables.keys()):
        old, new = before.variables.get(name), after.variables.get(name)
        if old != new:
            yield at.found(
                "variable_changed", {name: old}, {name: new}, f"the variable {name} goes from {old} to {new}"
            )


def _overrides(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    """What the overrides do is seen in the plans they stand for; that they changed is said here."""
    for name in sorted(before.plans.keys() | after.plans.keys()):
        old, new = before.plans.get(name), after.plans.get(name)
        if old != new:
            yield at.found(
                "plan_override_changed",
                old,
                new,
                f"the limits of the plan {name} are {'set' if new is not None else 'no longer set'} here",
            )


def _audit(at: At, before: Retention, after: Retention) -> Iterator[Difference]:
    shorter = after.audit < before.audit
    yield at.found(
        "audit_retention_changed",
        before.audit,
        after.audit,
        f"the audit trail is kept {after.audit} days, instead of {before.audit}",
        weakens=shorter,
    )


RETENTION: tuple[Aspect, ...] = (Aspect(("audit",), _audit), neutral("rollups"))


def _retention(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    yield from differences(at.within(f"{at.place} retention"), before.retention, after.retention, RETENTION)


def _leaks(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    yield at.found(
        "leaks_changed",
        before.leaks,
        after.leaks,
        f"a leaked key is answered by {after.leaks}, instead of {before.leaks}",
        weakens=_LEAKS.index(after.leaks) > _LEAKS.index(before.leaks),
    )


SETTINGS: tuple[Aspect, ...] = (
    Aspect(("hosts",), _hosts),
    Aspect(("variables",), _variables),
    Aspect(("plans",), _overrides),
    Aspect(("retention",), _retention),
    TOKEN_ENDPOINT,
    Aspect(("leaks",), _leaks),
    bound("leak_overlap", "how long a leaked key still works where it is rotated", unit="s"),
    Aspect(("identity_providers",), providers),
)


def settings(at: At, before: EnvironmentSettings, after: EnvironmentSettings) -> Iterator[Difference]:
    """How the settings of an environment differ in themselves."""
    yield from differences(at, before, after, SETTINGS)
