"""``policies``: pluggable policies switched on at an API or a resource, with their own settings."""

from __future__ import annotations

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import POLICY, POLICY_WORDS
from wardgate.domain.api import PolicyUse
from wardgate.openapi.tree import plain
from wardgate.policy.registry import PolicyConfigError, PolicyRegistry


def read_policies(holder: Fields) -> tuple[PolicyUse, ...]:
    """The list under ``policies``; the report remembers each for :func:`check_policies`."""
    uses: list[PolicyUse] = []
    for item, path in holder.items("policies"):
        fields = Fields(holder.report, item, path, ())
        name = fields.required("use", POLICY, POLICY_WORDS)
        config = {key: plain(value) for key, value in fields.entries.items() if key != "use"}
        use = PolicyUse(name=name, config=config)
        uses.append(use)
        if name:
            holder.report.policies.append((use, fields))
    return tuple(uses)


def check_policies(uses: list[tuple[PolicyUse, Fields]], registry: PolicyRegistry) -> None:
    """Lets each policy check its own settings, and notes its objections where they stand in the document."""
    for use, fields in uses:
        try:
            registry.get(use.name).validate(use.config)
        except PolicyConfigError as error:
            steps = tuple(step for step in error.path.split(".") if step)
            fields.problem_below(steps, error.message, error.remedy)
