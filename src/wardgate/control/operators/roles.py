"""The roles of operators: those that come with the installation, and its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text
from wardgate.control.operators.escalation import require_covering
from wardgate.control.operators.naming import all_roles, checked_name, checked_permissions, role_named
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import OperatorRole
from wardgate.domain.permission import BUILTIN_ROLES, Permission


async def list_roles(store: Store) -> list[OperatorRole]:
    """Every role: those that come with the installation first. Raises ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        return await all_roles(tx)


async def show_role(store: Store, name: str) -> OperatorRole:
    """One role. Raises NotFoundError and ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        return await role_named(tx, name)


async def set_role(
    store: Store,
    *,
    name: str,
    permissions: Collection[str],
    description: str = "",
    clock: Callable[[], float] = time.time,
) -> OperatorRole:
    """Adds the role or replaces the one of that name; whoever holds it may do at once what it says now.

    Raises:
        ForbiddenError: the actor lacks something that the role allowed or is to allow.
        InvalidError: the name, the description or a permission is none.
        ConflictError: the role comes with the installation.
    """
    async with store.writing() as tx:
        return await put_role(tx, name, permissions, description, clock())


async def put_role(
    tx: Transaction, name: str, permissions: Collection[str], description: str, now: float
) -> OperatorRole:
    """As :func:`set_role`, within a transaction."""
    require(tx.actor, "operators.edit")
    wanted = checked_permissions(permissions)
    if not wanted:
        raise InvalidError("permissions", "A role needs a permission", "Give it one, such as apis.view")
    _check_custom(name)
    role = OperatorRole(
        name=checked_name("role", name),
        permissions=wanted,
        description=checked_text("description", description, MAX_DESCRIPTION),
    )
    before = next((each for each in await tx.operators.roles() if each.name == name), None)
    require_covering(tx.actor, wanted | (before.permissions if before is not None else frozenset()))
    await tx.operators.put_role(role)
    await tx.audit.record(
        AuditEvent(
            action="operator_role.set",
            target=name,
            before={} if before is None else {"permissions": _sorted(before.permissions)},
            after={"permissions": _sorted(wanted)},
        ),
        at=now,
    )
    return role


async def remove_role(store: Store, name: str, *, clock: Callable[[], float] = time.time) -> None:
    """Deletes a role of the installation's own; nobody holds it any more.

    Raises:
        ForbiddenError: the actor lacks something that the role allows.
        NotFoundError: there is no such role.
        ConflictError: the role comes with the installation.
    """
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        _check_custom(name)
        role = await role_named(tx, name)
        require_covering(tx.actor, role.permissions)
        await tx.operators.remove_role(name)
        await tx.audit.record(
            AuditEvent(
                action="operator_role.remove", target=name, before={"permissions": _sorted(role.permissions)}
            ),
            at=clock(),
        )


def _check_custom(name: str) -> None:
    if name in BUILTIN_ROLES:
        raise ConflictError(
            "role_builtin", f"The role {name!r} comes with the installation", "Make one of another name"
        )


def _sorted(permissions: Collection[Permission]) -> list[str]:
    return sorted(permissions)
