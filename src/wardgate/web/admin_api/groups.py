"""Groups: what they are, and who is in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from wardgate.identity.people import manage_groups
from wardgate.identity.people.manage_groups import GroupRecord
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import Line, Model, Name, Page, Prose, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("groups")

GroupName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="A group's name.")]
_Members = Annotated[list[Line], Field(max_length=10_000)]


class Group(Thing):
    """A set of people and applications that ACLs name and roles are given to."""

    name: str
    description: str
    roles: list[str] = Field(description="Held by who is in it.")
    users: list[str] = Field(description="Names of the people whom operators put in it.")
    applications: list[str] = Field(description="Names.")


class GroupSettings(Model):
    """What a group is; who is in it stays."""

    description: Prose = ""
    roles: list[Name] = Field(default=[], max_length=100)


class GroupMembers(Model):
    """Who is in a group; a field left out stays."""

    users: _Members = Field(default=[], description="Names or ids.")
    applications: _Members = Field(default=[], description="Names or ids.")


@operations.get("/groups", permission="people.view")
async def list_groups(ask: Ask, page: Paging) -> Page[Group]:
    """Groups by name."""
    return page.of(await manage_groups.list_groups(ask.server), key=lambda each: each.group.name, show=_shown)


@operations.get("/groups/{name}", permission="people.view")
async def show_group(ask: Ask, name: GroupName) -> Group:
    """One group."""
    return _shown(await manage_groups.show_group(ask.server, name))


@operations.put("/groups/{name}", permission="people.edit", guard=show_group, creates=True)
async def set_group(ask: Ask, name: GroupName, body: GroupSettings) -> Group:
    """Add a group, or replace its description and roles."""
    return _shown(
        await manage_groups.set_group(ask.server, name, description=body.description, roles=body.roles)
    )


@operations.delete("/groups/{name}", permission="people.edit", guard=show_group)
async def remove_group(ask: Ask, name: GroupName) -> None:
    """Remove a group; what its members held by it they hold no more."""
    await manage_groups.remove_group(ask.server, name)


@operations.put("/groups/{name}/members", permission="people.edit", guard=show_group, action="group.set")
async def set_group_members(ask: Ask, name: GroupName, body: GroupMembers) -> Group:
    """Say who is in a group."""
    given = body.model_fields_set
    return _shown(
        await manage_groups.set_members(
            ask.server,
            name,
            users=body.users if "users" in given else None,
            applications=body.applications if "applications" in given else None,
        )
    )


@operations.post(
    "/groups/{name}/members:add",
    permission="people.edit",
    guard=show_group,
    status=200,
    action="group.set",
)
async def add_group_members(ask: Ask, name: GroupName, body: GroupMembers) -> Group:
    """Put people and applications in a group."""
    return _shown(
        await manage_groups.add_members(ask.server, name, users=body.users, applications=body.applications)
    )


@operations.post(
    "/groups/{name}/members:remove",
    permission="people.edit",
    guard=show_group,
    status=200,
    action="group.set",
)
async def remove_group_members(ask: Ask, name: GroupName, body: GroupMembers) -> Group:
    """Take people and applications out of a group."""
    return _shown(
        await manage_groups.remove_members(ask.server, name, users=body.users, applications=body.applications)
    )


def _shown(record: GroupRecord) -> Group:
    return Group(
        name=record.group.name,
        description=record.group.description,
        roles=list(record.group.roles),
        users=list(record.users),
        applications=list(record.applications),
    )
