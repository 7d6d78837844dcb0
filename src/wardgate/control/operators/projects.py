"""Projects: APIs that are looked after together, by operators whose roles hold there alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from wardgate.control.authority import require, require_somewhere
from wardgate.control.errors import ConflictError
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text
from wardgate.control.operators.naming import all_projects, checked_name, project_named
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import DEFAULT_PROJECT, Project


async def list_projects(store: Store) -> list[Project]:
    """The projects whose APIs the actor may see, by name. Raises ForbiddenError."""
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        return [each for each in await all_projects(tx) if tx.actor.may("apis.view", each.name)]


async def show_project(store: Store, name: str) -> Project:
    """One project. Raises NotFoundError and ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "apis.view", name)
        return await project_named(tx, name)


async def set_project(
    store: Store, *, name: str, description: str = "", clock: Callable[[], float] = time.time
) -> Project:
    """Adds the project, or replaces the description of the one of that name.

    Raises:
        ForbiddenError: the actor may not.
        InvalidError: the name or the description cannot be used.
    """
    now = clock()
    async with store.writing() as tx:
        return await put_project(tx, name, description, now)


async def put_project(tx: Transaction, name: str, description: str, now: float) -> Project:
    """As :func:`set_project`, within a transaction."""
    require(tx.actor, "operators.edit")
    project = Project(
        name=checked_name("project", name),
        description=checked_text("description", description, MAX_DESCRIPTION),
        created_at=now,
    )
    before = next((each for each in await tx.operators.projects() if each.name == name), None)
    if before is not None and before.description == project.description:
        return before
    await tx.operators.put_project(project)
    await tx.audit.record(
        AuditEvent(
            action="project.set",
            target=name,
            project=name,
            before={} if before is None else {"description": before.description},
            after={"description": project.description},
        ),
        at=now,
    )
    return await project_named(tx, name)


async def remove_project(store: Store, name: str, *, clock: Callable[[], float] = time.time) -> None:
    """Deletes a project that holds no API, with the grants of roles in it.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: there is no such project.
        ConflictError: it is the default one, or APIs are in it.
    """
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        project = await project_named(tx, name)
        if name == DEFAULT_PROJECT:
            raise ConflictError(
                "project_default", "The default project cannot be removed", "APIs that name none are in it"
            )
        inside = sorted(each.api for each in await tx.apis.all() if each.catalogue.project == name)
        if inside:
            raise ConflictError(
                "project_in_use",
                f"The project {name!r} holds {len(inside)} APIs, {inside[0]} among them",
                "Move them to another project first",
            )
        await tx.operators.remove_project(name)
        await tx.audit.record(
            AuditEvent(
                action="project.remove",
                target=name,
                project=name,
                before={"description": project.description},
            ),
            at=clock(),
        )
