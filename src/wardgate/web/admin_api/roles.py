"""Roles of people: named sets of scopes. A scope that some role carries is open to its holders only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from wardgate.control.errors import NotFoundError
from wardgate.domain.people import Role
from wardgate.identity.people import manage_roles
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Model, Page, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("roles")

RoleName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The role's name.")]
OpenScopes = Annotated[
    bool, Query(description="Let scopes that no role carries any more be open to everybody.")
]


class ScopeRoleSettings(Model):
    """What a role carries."""

    scopes: Annotated[list[Annotated[str, StringConstraints(max_length=256)]], Field(max_length=500)] = []
    description: Annotated[str, StringConstraints(max_length=500)] = ""


class ScopeRole(Thing):
    """A named set of scopes."""

    name: str
    scopes: list[str]
    description: str


@operations.get("/roles", permission="people.view")
async def list_roles(ask: Ask, page: Paging) -> Page[ScopeRole]:
    """Roles by name."""
    return page.of(await manage_roles.list_roles(ask.server), key=lambda each: each.name, show=_shown)


@operations.get("/roles/{role}", permission="people.view")
async def show_role(ask: Ask, role: RoleName) -> ScopeRole:
    """One role."""
    for each in await manage_roles.list_roles(ask.server):
        if each.name == role:
            return _shown(each)
    raise NotFoundError("role", role, "GET /roles shows those there are")


@operations.put("/roles/{role}", permission="people.edit", guard=show_role, creates=True)
async def set_role(
    ask: Ask, role: RoleName, body: ScopeRoleSettings, open_scopes: OpenScopes = False
) -> ScopeRole:
    """Make a role, or replace it. Access tokens of people who lose a scope by it are refused."""
    put = await manage_roles.put_role(
        ask.server, role, body.scopes, body.description, open_scopes=open_scopes
    )
    return _shown(put)


@operations.delete("/roles/{role}", permission="people.edit", guard=show_role)
async def remove_role(ask: Ask, role: RoleName, open_scopes: OpenScopes = False) -> None:
    """Delete a role; nobody holds it any more."""
    await manage_roles.remove_role(ask.server, role, open_scopes=open_scopes)


def _shown(role: Role) -> ScopeRole:
    return ScopeRole(name=role.name, scopes=list(role.scopes), description=role.description)
