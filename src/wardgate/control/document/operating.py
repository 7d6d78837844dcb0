"""``projects`` and ``operator_roles``: how the control plane is divided, and what its operators may be let do.

Who holds a role is no part of a document: what lets somebody in is granted by a person, to a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.limit_text import shown
from wardgate.control.document.names import DESCRIPTION, DESCRIPTION_WORDS
from wardgate.domain.operator import OperatorRole, Project
from wardgate.domain.permission import BUILTIN_ROLES, PERMISSIONS, Permission
from wardgate.openapi.tree import Node, Path

_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_NAME_WORDS = "up to 64 lower-case letters, digits, dots, hyphens or underscores, the first a letter or digit"
_KNOWN: dict[str, Permission] = {each: each for each in PERMISSIONS}


def read_project(report: Report, node: Node, path: Path) -> tuple[Project, Fields]:
    """One project with its fields; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description"))
    project = Project(
        name=fields.required("name", _NAME, _NAME_WORDS),
        description=fields.text("description", "", DESCRIPTION, DESCRIPTION_WORDS),
    )
    return project, fields


def read_operator_role(report: Report, node: Node, path: Path) -> tuple[OperatorRole, Fields]:
    """One role of operators with its fields; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, ("name", "description", "permissions"))
    name = fields.required("name", _NAME, _NAME_WORDS)
    if name in BUILTIN_ROLES:
        fields.problem("name", f"the role {name!r} comes with the installation", "Give this one another name")
    if "permissions" not in fields:
        fields.problem(None, "the key 'permissions' is missing", "Add it, with one such as apis.view")
    permissions = fields.texts("permissions", r"[a-z]+\.[a-z]+", "a permission such as apis.view")
    if "permissions" in fields and not list(fields.items("permissions")):
        fields.problem("permissions", "a role needs a permission", "Give it one, such as apis.view")
    fields.unknown("permissions", permissions, _KNOWN, "there is no permission {}", "permissions")
    role = OperatorRole(
        name=name,
        permissions=frozenset(_KNOWN[each] for each in permissions if each in _KNOWN),
        description=fields.text("description", "", DESCRIPTION, DESCRIPTION_WORDS),
    )
    return role, fields


def project_data(project: Project) -> dict[str, Any]:
    """The keys that :func:`read_project` reads as an equal project."""
    data: dict[str, Any] = {"name": project.name}
    return data | {"description": project.description} if project.description else data


def operator_role_data(role: OperatorRole) -> dict[str, Any]:
    """The keys that :func:`read_operator_role` reads as an equal role."""
    data: dict[str, Any] = {"name": role.name}
    if role.description:
        data["description"] = role.description
    return data | {"permissions": sorted(role.permissions)}


def project_text(project: Project) -> str:
    """A project in one line."""
    return project.description or "no description"


def project_changes(old: Project, new: Project) -> Iterator[str]:
    """What differs between two states of a project."""
    yield f"description: {shown(old.description)} -> {shown(new.description)}"


def operator_role_text(role: OperatorRole) -> str:
    """A role of operators in one line."""
    return " ".join(sorted(role.permissions))


def operator_role_changes(old: OperatorRole, new: OperatorRole) -> Iterator[str]:
    """What differs between two states of a role of operators."""
    if old.description != new.description:
        yield f"description: {shown(old.description)} -> {shown(new.description)}"
    for each in sorted(old.permissions - new.permissions):
        yield f"- permission {each}"
    for each in sorted(new.permissions - old.permissions):
        yield f"+ permission {each}"
