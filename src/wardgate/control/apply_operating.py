"""Brings projects and the roles of operators to what a document says. It takes none away, and grants nothing."""

from __future__ import annotations

from wardgate.control.operators.projects import put_project
from wardgate.control.operators.roles import put_role
from wardgate.control.ports import Transaction
from wardgate.domain.document import Document


async def put_operating(tx: Transaction, old: Document, new: Document, now: float) -> None:
    """Adds and changes the projects and roles of operators that ``new`` has otherwise than ``old``.

    Raises:
        ForbiddenError: the actor may not, or lacks something that a role allowed or is to allow.
        InvalidError: a name or description cannot be used, or a role has no permission.
        ConflictError: the role is a built-in one.
    """
    projects = {each.name: each for each in old.projects}
    for project in new.projects:
        if projects.get(project.name) != project:
            await put_project(tx, project.name, project.description, now)
    roles = {each.name: each for each in old.operator_roles}
    for role in new.operator_roles:
        if roles.get(role.name) != role:
            await put_role(tx, role.name, role.permissions, role.description, now)
