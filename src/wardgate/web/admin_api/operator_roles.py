"""Roles of operators: those that come with the installation, and its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from wardgate.control.operators import roles
from wardgate.domain.operator import OperatorRole
from wardgate.domain.permission import PERMISSIONS
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("operators")

RoleName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Role(Thing):
    """A named set of permissions."""

    name: str
    description: str
    permissions: list[str]
    builtin: bool = Field(description="Comes with the installation, and cannot be changed.")


class RoleSettings(Model):
    """What a role of the installation's own is to allow."""

    permissions: list[Line] = Field(min_length=1, max_length=len(PERMISSIONS))
    description: Prose = ""


@operations.get("/operator-roles", permission="operators.view")
async def list_operator_roles(ask: Ask, page: Paging) -> Page[Role]:
    """Roles by name."""
    return page.of(await roles.list_roles(ask.store), key=lambda each: each.name, show=_shown)


@operations.get("/operator-roles/{name}", permission="operators.view")
async def show_operator_role(ask: Ask, name: RoleName) -> Role:
    """One role."""
    return _shown(await roles.show_role(ask.store, name))


@operations.put("/operator-roles/{name}", permission="operators.edit", guard=show_operator_role, creates=True)
async def set_operator_role(ask: Ask, name: RoleName, body: RoleSettings) -> Role:
    """Add a role or change it; who does must hold all of it, before and after."""
    return _shown(
        await roles.set_role(
            ask.store,
            name=name,
            permissions=body.permissions,
            description=body.description,
            clock=ask.clock,
        )
    )


@operations.delete("/operator-roles/{name}", permission="operators.edit", guard=show_operator_role)
async def remove_operator_role(ask: Ask, name: RoleName) -> None:
    """Delete a role; nobody holds it any more."""
    await roles.remove_role(ask.store, name, clock=ask.clock)


def _shown(role: OperatorRole) -> Role:
    return Role(
        name=role.name,
        description=role.description,
        permissions=sorted(role.permissions),
        builtin=role.builtin,
    )
