"""Service accounts: programs that act at the control plane, such as a pipeline that applies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.ids import new_id
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text
from wardgate.control.operators.escalation import require_above
from wardgate.control.operators.naming import checked_name, service_account_named
from wardgate.control.ports import Store
from wardgate.domain.audit import AuditEvent
from wardgate.domain.operator import ServiceAccount

_ID = "svc"


async def list_service_accounts(store: Store) -> list[ServiceAccount]:
    """Every service account by name. Raises ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        return await tx.operators.service_accounts()


async def show_service_account(store: Store, name: str) -> ServiceAccount:
    """One by name or id. Raises NotFoundError and ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "operators.view")
        return await service_account_named(tx, name)


async def add_service_account(
    store: Store, *, name: str, description: str = "", clock: Callable[[], float] = time.time
) -> ServiceAccount:
    """A new service account, which may do nothing yet.

    Raises:
        ForbiddenError: the actor may not make one.
        InvalidError: the name or the description cannot be used.
        ConflictError: the name is taken.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        if name.startswith(f"{_ID}_"):
            raise InvalidError("name", f"The name {name!r} looks like an id", f"Leave out the {_ID}_")
        account = ServiceAccount(
            id=new_id(_ID, now),
            name=checked_name("service_account", name),
            description=checked_text("description", description, MAX_DESCRIPTION),
            created_at=now,
        )
        if await tx.operators.service_account(account.name) is not None:
            raise ConflictError(
                "service_account_exists",
                f"There is a service account {account.name!r} already",
                "Choose another name",
            )
        await tx.operators.put_service_account(account)
        await tx.audit.record(
            AuditEvent(action="service_account.add", target=account.name, after={"id": account.id}), at=now
        )
    return account


async def describe_service_account(
    store: Store, name: str, *, description: str, clock: Callable[[], float] = time.time
) -> ServiceAccount:
    """Replaces the description.

    Raises:
        ForbiddenError: the actor may not, or the account may do more than they.
        NotFoundError: there is no such account.
        InvalidError: the description cannot be used.
    """
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        before = await service_account_named(tx, name)
        await require_above(tx, "service", before.id)
        account = replace(before, description=checked_text("description", description, MAX_DESCRIPTION))
        if account != before:
            await tx.operators.put_service_account(account)
            await tx.audit.record(
                AuditEvent(
                    action="service_account.set",
                    target=account.name,
                    before={"description": before.description},
                    after={"description": account.description},
                ),
                at=clock(),
            )
    return account


async def suspend_service_account(
    store: Store, name: str, *, clock: Callable[[], float] = time.time
) -> ServiceAccount:
    """Afterwards none of its tokens opens anything. Raises NotFoundError and ForbiddenError."""
    return await _set_status(store, name, "suspended", clock)


async def restore_service_account(
    store: Store, name: str, *, clock: Callable[[], float] = time.time
) -> ServiceAccount:
    """Afterwards the tokens of a suspended account count again. Raises NotFoundError and ForbiddenError."""
    return await _set_status(store, name, "active", clock)


async def remove_service_account(
    store: Store, name: str, *, clock: Callable[[], float] = time.time
) -> ServiceAccount:
    """Deletes the account with its roles and tokens.

    Raises:
        ForbiddenError: the actor may not, or the account may do more than they.
        NotFoundError: there is no such account.
    """
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        account = await service_account_named(tx, name)
        await require_above(tx, "service", account.id)
        await tx.operators.remove_service_account(account.id)
        await tx.audit.record(
            AuditEvent(action="service_account.remove", target=account.name, before={"id": account.id}),
            at=clock(),
        )
    return account


async def _set_status(
    store: Store, name: str, status: Literal["active", "suspended"], clock: Callable[[], float]
) -> ServiceAccount:
    async with store.writing() as tx:
        require(tx.actor, "operators.edit")
        before = await service_account_named(tx, name)
        await require_above(tx, "service", before.id)
        account = replace(before, status=status)
        if account != before:
            await tx.operators.put_service_account(account)
            await tx.audit.record(
                AuditEvent(
                    action="service_account.suspend" if status == "suspended" else "service_account.restore",
                    target=account.name,
                    before={"status": before.status},
                    after={"status": status},
                ),
                at=clock(),
            )
    return account
