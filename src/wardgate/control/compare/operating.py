"""How the control plane is divided, and what its operators may do: projects, and roles of the installation's own."""

from __future__ import annotations

from collections.abc import Iterator

from wardgate.control.compare.rules import Aspect, At, differences, elements, neutral, told
from wardgate.domain.difference import Difference
from wardgate.domain.document import Document
from wardgate.domain.operator import OperatorRole


def operating(before: Document, after: Document) -> Iterator[Difference]:
    """How projects and roles of operators differ. Whoever holds a role may do at once what it allows more."""
    projects = {each.name: each for each in before.projects}
    for project in after.projects:
        known, at = projects.get(project.name), At(place=f"project {project.name}")
        if known is None:
            yield at.found("project_added", None, project.name, "the project is new")
        elif known != project:
            yield at.found(
                "description_changed", known.description, project.description, "the description is another"
            )
    roles = {each.name: each for each in before.operator_roles}
    for role in after.operator_roles:
        old, at = roles.get(role.name), At(place=f"operator role {role.name}")
        if old is None:
            allowed = sorted(role.permissions)
            yield at.found("operator_role_added", None, allowed, f"the role is new, with {told(allowed)}")
        elif old != role:
            yield from differences(at, old, role, OPERATOR_ROLE)


def _permissions(at: At, before: OperatorRole, after: OperatorRole) -> Iterator[Difference]:
    old, new = sorted(before.permissions), sorted(after.permissions)
    yield from elements(at, "permission", old, new, "the permission", weakens="added")


OPERATOR_ROLE: tuple[Aspect, ...] = (
    neutral("name", "description", "builtin"),
    Aspect(("permissions",), _permissions),
)
