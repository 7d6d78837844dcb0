"""Groups within a transaction: changed, and announced to whoever enforces what they mean.

Roles that people hold through groups are looked after by who calls this (``identity/people/manage_groups.py``).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from wardgate.control.errors import InvalidError, NotFoundError
from wardgate.control.operators.escalation import require_above_group
from wardgate.control.operators.owners import keeping_an_owner
from wardgate.control.ports import Transaction
from wardgate.domain.access import Group

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_group_name(name: str) -> str:
    """``name``, if it can be a group's. Raises InvalidError."""
    if not _NAME.fullmatch(name):
        raise InvalidError(
            "group",
            "This is no name of a group",
            "Use up to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit",
        )
    return name


async def group_named(tx: Transaction, name: str) -> Group:
    """The group called ``name``. Raises NotFoundError."""
    found = await tx.groups.get(name)
    if found is None:
        known = ", ".join(each.name for each in await tx.groups.all())
        raise NotFoundError("group", name, f"Groups: {known or 'none'}")
    return found


async def put_group(tx: Transaction, group: Group, now: float) -> bool:
    """Adds the group, or gives the one of that name its description and roles; whether anything differed."""
    before = await tx.groups.get(group.name)
    if before is not None and (before.description, set(before.roles)) == (
        group.description,
        set(group.roles),
    ):
        return False
    await tx.groups.put(group.name, group.description, group.roles, at=now)
    if before is not None and set(before.roles) != set(group.roles):
        await announce_applications(tx, before.applications, now)
    return True


async def drop_group(tx: Transaction, group: Group, now: float) -> None:
    """Deletes the group with all that was granted to it.

    Raises:
        ForbiddenError: it gives its members what the actor may not do.
        ConflictError: the installation would be left without an owner.
    """
    await require_above_group(tx, group.name)
    people = await tx.groups.everyone(group.name)
    async with keeping_an_owner(tx):
        await tx.operators.forget("group", group.name)
        await tx.groups.remove(group.name)
    await announce_people(tx, people, now)
    await announce_applications(tx, group.applications, now)


async def announce_people(tx: Transaction, user_ids: Collection[str], now: float) -> None:
    """Gateways ask anew which groups these people are in."""
    for user_id in sorted(user_ids):
        await tx.feed.append("subject", user_id, at=now)


async def announce_applications(tx: Transaction, application_ids: Collection[str], now: float) -> None:
    """Gateways read these applications anew."""
    for application_id in sorted(application_ids):
        await tx.feed.append("application", application_id, at=now)
