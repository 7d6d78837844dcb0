"""Groups as an operator looks after them: sets of people and applications that ACLs name and roles are given to.

Who is in a group holds its roles. Whoever loses one, with the group or by leaving it, loses at once what access tokens
had on account of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wardgate.control.authority import require
from wardgate.control.errors import NotFoundError
from wardgate.control.groups import (
    announce_applications,
    announce_people,
    checked_group_name,
    drop_group,
    group_named,
    put_group,
)
from wardgate.control.lookup import application_named, checked_text
from wardgate.control.operators.escalation import require_above_group
from wardgate.control.operators.owners import keeping_an_owner
from wardgate.domain.access import Group
from wardgate.domain.audit import AuditEvent
from wardgate.identity.people.manage_roles import narrowing
from wardgate.identity.ports import Transaction
from wardgate.identity.server import Server

_MOST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """A group, and what people call who operators put in it: ``users`` and ``applications`` are names, in order."""

    group: Group
    users: tuple[str, ...]
    applications: tuple[str, ...]


async def list_groups(server: Server) -> list[GroupRecord]:
    """Every group by name. Raises ForbiddenError."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.view")
        return await _records(tx, await tx.groups.all())


async def show_group(server: Server, name: str) -> GroupRecord:
    """One group. Raises ForbiddenError, NotFoundError."""
    async with server.store.reading() as tx:
        require(tx.actor, "people.view")
        return (await _records(tx, [await group_named(tx, name)]))[0]


async def set_group(
    server: Server, name: str, *, description: str = "", roles: Collection[str] = ()
) -> GroupRecord:
    """Adds the group, or replaces description and roles of the one of that name; members stay.

    Raises:
        ForbiddenError: the actor may not.
        InvalidError: the name or the description is not one that can be.
        NotFoundError: no such role.
    """
    now = server.clock()
    checked_group_name(name)
    description = checked_text("description", description, _MOST_DESCRIPTION)
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        known = {role.name for role in await tx.roles.all()}
        for role in roles:
            if role not in known:
                raise NotFoundError("role", role, f"Roles: {', '.join(sorted(known)) or 'none'}")
        before = await tx.groups.get(name)
        people = await tx.groups.everyone(name)
        group = Group(name=name, description=description, roles=tuple(sorted(set(roles))))
        async with narrowing(tx, now, people=people):
            changed = await put_group(tx, group, now)
        if changed:
            await tx.audit.record(
                AuditEvent(
                    action="group.set",
                    target=name,
                    before={} if before is None else _settings(before),
                    after=_settings(group),
                ),
                at=now,
            )
        return (await _records(tx, [await group_named(tx, name)]))[0]


async def remove_group(server: Server, name: str) -> None:
    """Deletes the group. What its members held by it they hold no more, and ACLs that name it let nobody in by it.

    Raises:
        ForbiddenError: the actor may not, or the group gives its members what the actor may not do.
        NotFoundError: no such group.
        ConflictError: the installation would be left without an owner.
    """
    now = server.clock()
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        group = await group_named(tx, name)
        async with narrowing(tx, now, people=await tx.groups.everyone(name)):
            await drop_group(tx, group, now)
        await tx.audit.record(AuditEvent(action="group.remove", target=name, before=_settings(group)), at=now)


async def set_members(
    server: Server,
    name: str,
    *,
    users: Sequence[str] | None = None,
    applications: Sequence[str] | None = None,
) -> GroupRecord:
    """Exactly these people and applications (by name or id) are in the group; ``None``: those who are. Whom a foreign
    provider puts in it stays.

    Raises:
        ForbiddenError: the actor may not, or the group gives its members what the actor may not do.
        NotFoundError: no such group, user or application.
        ConflictError: the installation would be left without an owner.
    """
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        group = await group_named(tx, name)
        wanted_users = group.users if users is None else await _user_ids(tx, users)
        wanted = group.applications if applications is None else await _application_ids(tx, applications)
        return await _set_members(tx, group, set(wanted_users), set(wanted), server.clock())


async def add_members(
    server: Server, name: str, *, users: Sequence[str] = (), applications: Sequence[str] = ()
) -> GroupRecord:
    """These are in the group as well. Raises as :func:`set_members`."""
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        group = await group_named(tx, name)
        wanted_users = {*group.users, *await _user_ids(tx, users)}
        wanted = {*group.applications, *await _application_ids(tx, applications)}
        return await _set_members(tx, group, wanted_users, wanted, server.clock())


async def remove_members(
    server: Server, name: str, *, users: Sequence[str] = (), applications: Sequence[str] = ()
) -> GroupRecord:
    """These are in the group no more, unless a foreign provider puts them there. Raises as :func:`set_members`."""
    async with server.store.writing() as tx:
        require(tx.actor, "people.edit")
        group = await group_named(tx, name)
        kept_users = set(group.users) - set(await _user_ids(tx, users))
        kept = set(group.applications) - set(await _application_ids(tx, applications))
        return await _set_members(tx, group, kept_users, kept, server.clock())


async def _set_members(
    tx: Transaction, group: Group, users: set[str], applications: set[str], now: float
) -> GroupRecord:
    people = users ^ set(group.users)
    programs = applications ^ set(group.applications)
    if people:
        await require_above_group(tx, group.name)
        async with keeping_an_owner(tx), narrowing(tx, now, people=people):
            await tx.groups.set_users(group.name, users)
        await announce_people(tx, people, now)
    if programs:
        await tx.groups.set_applications(group.name, applications)
        await announce_applications(tx, programs, now)
    after = await group_named(tx, group.name)
    if people or programs:
        await tx.audit.record(
            AuditEvent(
                action="group.set",
                target=group.name,
                before={"users": list(group.users), "applications": list(group.applications)},
                after={"users": list(after.users), "applications": list(after.applications)},
            ),
            at=now,
        )
    return (await _records(tx, [after]))[0]


async def _records(tx: Transaction, groups: Collection[Group]) -> list[GroupRecord]:
    people = {user.id: user.name for user in await tx.users.list()} if any(g.users for g in groups) else {}
    programs = {each.id: each.name for each in await tx.applications.all()}
    return [
        GroupRecord(
            group=group,
            users=tuple(sorted(people.get(each, each) for each in group.users)),
            applications=tuple(sorted(programs.get(each, each) for each in group.applications)),
        )
        for group in groups
    ]


async def _user_ids(tx: Transaction, names: Sequence[str]) -> tuple[str, ...]:
    found = []
    for name in names:
        user = await tx.users.named(name) or await tx.users.get(name)
        if user is None:
            raise NotFoundError("user", name, "`wardgate users list` shows those there are")
        found.append(user.id)
    return tuple(found)


async def _application_ids(tx: Transaction, names: Sequence[str]) -> tuple[str, ...]:
    return tuple([(await application_named(tx, name)).id for name in names])


def _settings(group: Group) -> dict[str, object]:
    return {"description": group.description, "roles": list(group.roles)}
