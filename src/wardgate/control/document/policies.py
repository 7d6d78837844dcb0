"""``policies``: pluggable policies switched on at an API or a resource, with their own settings."""

from __future__ import annotations

from collections.abc import Iterable

from wardgate.control.document.fields import Fields
from wardgate.control.document.names import POLICY, POLICY_WORDS
from wardgate.control.document.templates import check_templates, names_any
from wardgate.domain.api import Api, PolicyUse
from wardgate.openapi.tree import plain
from wardgate.policy.pipeline import undeclared_resource
from wardgate.policy.registry import CompileContext, PolicyConfigError, PolicyRegistry


def read_policies(holder: Fields) -> tuple[PolicyUse, ...]:
    """The list under ``policies``; the report remembers each for :func:`check_policies`."""
    uses: list[PolicyUse] = []
    for item, path in holder.items("policies"):
        fields = Fields(holder.report, item, path, ())
        name = fields.required("use", POLICY, POLICY_WORDS)
        config = {key: plain(value) for key, value in fields.entries.items() if key != "use"}
        use = PolicyUse(name=name, config=config)
        check_templates(fields, config, (), secrets=True)
        uses.append(use)
        if name:
            holder.report.policies.append((use, fields))
    return tuple(uses)


def check_policies(
    uses: list[tuple[PolicyUse, Fields]], apis: Iterable[Api], registry: PolicyRegistry
) -> None:
    """Lets each policy check its own settings and compile them for what it guards in ``apis``, as a gateway will, and
    notes its objections where they stand in the document."""
    guarded = _guarded(apis)
    for use, fields in uses:
        try:
            policy = registry.get(use.name)
            if names_any(use.config):
                continue  # what it will be is not known before it is bound
            policy.validate(use.config)
            for context in guarded.get(id(use), ()):
                policy.compile(use.config, context)
        except PolicyConfigError as error:
            steps = tuple(step for step in error.path.split(".") if step)
            fields.problem_below(steps, error.message, error.remedy)
        except (
            Exception
        ) as error:  # whatever a third party's code does; its words may hold a secret of the settings
            message = f"the policy {use.name!r} fails on these settings with {type(error).__name__}"
            fields.problem(
                "use", message, "Correct the settings, or have the policy say what is wrong with them"
            )


def _guarded(apis: Iterable[Api]) -> dict[int, list[CompileContext]]:
    """By the identity of each use, the resources it stands before."""
    found: dict[int, list[CompileContext]] = {}
    for api in apis:
        others = [undeclared_resource(api)] if api.undeclared == "allow" else []
        for resource in (*api.resources, *others):
            for use in (*api.policies, *resource.policies):
                found.setdefault(id(use), []).append(CompileContext(api, resource))
    return found
