"""Projects: APIs that are looked after together."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from wardgate.control.operators import projects
from wardgate.domain import operator
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("operators")

ProjectName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Project(Thing):
    """A set of APIs whose operators may be others than elsewhere."""

    name: str
    description: str
    created_at: Seconds


class ProjectSettings(Model):
    """What is said of a project."""

    description: Prose = ""


@operations.get("/projects", permission="apis.view")
async def list_projects(ask: Ask, page: Paging) -> Page[Project]:
    """Projects by name: those whose APIs whoever asks may see."""
    return page.of(await projects.list_projects(ask.store), key=lambda each: each.name, show=_shown)


@operations.get("/projects/{name}", permission="apis.view")
async def show_project(ask: Ask, name: ProjectName) -> Project:
    """One project."""
    return _shown(await projects.show_project(ask.store, name))


@operations.put("/projects/{name}", permission="operators.edit", guard=show_project, creates=True)
async def set_project(ask: Ask, name: ProjectName, body: ProjectSettings) -> Project:
    """Add a project, or describe it anew."""
    return _shown(
        await projects.set_project(ask.store, name=name, description=body.description, clock=ask.clock)
    )


@operations.delete("/projects/{name}", permission="operators.edit", guard=show_project)
async def remove_project(ask: Ask, name: ProjectName) -> None:
    """Delete a project without APIs, and the roles held in it."""
    await projects.remove_project(ask.store, name, clock=ask.clock)


def _shown(project: operator.Project) -> Project:
    return Project(name=project.name, description=project.description, created_at=project.created_at)
