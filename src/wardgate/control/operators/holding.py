"""What somebody holds, by every way they hold it."""

from __future__ import annotations

from collections.abc import Iterable

from wardgate.control.ports import Transaction
from wardgate.domain.actor import Actor
from wardgate.domain.operator import EVERYWHERE, Holdings, OperatorGrant, OwnerKind
from wardgate.domain.permission import BUILTIN_ROLES, OF_PROJECT, Permission


async def holdings_of(tx: Transaction, kind: OwnerKind, principal: str) -> Holdings:
    """What a user or service account may do now: granted to them, to a group they are in, here or there, together."""
    groups = await tx.operators.groups_of(principal) if kind == "user" else frozenset()
    return await holdings_by(tx, await tx.operators.grants_to(kind, principal, groups))


async def holdings_of_group(tx: Transaction, group: str) -> Holdings:
    """What everyone in the group may do on account of it."""
    return await holdings_by(tx, await tx.operators.grants(kind="group", principal=group))


async def holdings_by(tx: Transaction, grants: Iterable[OperatorGrant]) -> Holdings:
    """What ``grants`` allow together; a role that is not there allows nothing."""
    given = list(grants)
    custom: dict[str, frozenset[Permission]] = {}
    if any(each.role not in BUILTIN_ROLES for each in given):
        custom = {role.name: role.permissions for role in await tx.operators.roles()}
    everywhere: frozenset[Permission] = frozenset()
    projects: dict[str, frozenset[Permission]] = {}
    for each in given:
        permissions = BUILTIN_ROLES.get(each.role) or custom.get(each.role, frozenset())
        if each.project == EVERYWHERE:
            everywhere |= permissions
        else:
            projects[each.project] = projects.get(each.project, frozenset()) | permissions & OF_PROJECT
    return Holdings(permissions=everywhere, projects=projects)


def held_by(actor: Actor) -> Holdings:
    """What ``actor`` may do in this transaction: as narrow as the token that they came with."""
    return Holdings(permissions=actor.permissions, projects=actor.projects)
