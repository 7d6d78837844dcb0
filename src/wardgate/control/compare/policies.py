"""Pluggable policies. Nobody here knows what they do: one that goes, or whose settings change, weakens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.compare.rules import Aspect, At
from wardgate.domain.api import PolicyUse
from wardgate.domain.difference import REDACTED, Difference


def policies(at: At, before: Any, after: Any) -> Iterator[Difference]:
    """How the policies of two APIs or resources differ. Their settings are never shown: they may hold secrets."""
    old: list[PolicyUse] = list(before.policies)
    new: list[PolicyUse] = list(after.policies)
    for use in old:
        same = [each for each in new if each.name == use.name]
        if not same:
            yield at.found(
                "policy_removed", use.name, None, f"the policy {use.name} is switched off", weakens=True
            )
        elif use not in same:
            yield at.found(
                "policy_changed",
                {use.name: REDACTED},
                {use.name: REDACTED},
                f"the settings of the policy {use.name} changed, and nobody here knows what they mean",
                weakens=True,
            )
    names = {use.name for use in old}
    for use in new:
        if use.name not in names:
            yield at.found("policy_added", None, use.name, f"the policy {use.name} is switched on")
    kept_old = [use for use in old if use in new]
    kept_new = [use for use in new if use in old]
    if kept_old != kept_new:
        yield at.found(
            "policies_reordered",
            [use.name for use in old],
            [use.name for use in new],
            "the policies run in another order",
            weakens=True,
        )


POLICIES = Aspect(("policies",), policies)
#: The fields of a use, which is compared whole.
POLICY_USE = (Aspect(("name", "config"), policies),)
