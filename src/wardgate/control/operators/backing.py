"""Whether somebody who once asked for something still may: what waits for its time must not outlive their right to it."""

from __future__ import annotations

from wardgate.control.operators.holding import holdings_of
from wardgate.control.ports import Transaction
from wardgate.domain.actor import SYSTEM, is_local
from wardgate.domain.operator import EVERYWHERE, OwnerKind
from wardgate.domain.permission import Permission


async def still_may(tx: Transaction, principal: str, permission: Permission, project: str) -> bool:
    """Whether who has this id holds ``permission`` now, everywhere or in ``project``: an active person or service account,
    by their roles. The installation and who works on its machine always do."""
    if principal == SYSTEM.id or is_local(principal):
        return True
    kind: OwnerKind = "user"
    found = await tx.operators.person(principal)
    active = found is not None and found.status == "active"
    if found is None:
        kind = "service"
        accounts = await tx.operators.service_accounts()
        active = any(each.id == principal and each.status == "active" for each in accounts)
    if not active:
        return False
    held = await holdings_of(tx, kind, principal)
    return held.covers({permission}, project or EVERYWHERE)
