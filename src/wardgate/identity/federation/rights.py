"""Roles that a provider gives and takes: whoever loses one loses at once what tokens had on account of it."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.identity.people.standing import renew_tokens
from wardgate.identity.ports import Transaction
from wardgate.identity.revoking import end_grants
from wardgate.identity.scopes import open_to
from wardgate.identity.server import Server


async def set_roles(
    server: Server, tx: Transaction, user_id: str, roles: Collection[str], *, source: str
) -> None:
    """Afterwards the user has those of ``roles`` that exist from ``source``, besides what others gave.

    Where that takes something away, grants with scopes that are not the user's any more end with all their tokens, and of
    all other grants the access tokens end that name the lost role; what is refreshed names the roles that are left.
    """
    known = await tx.roles.all()
    before = set(await tx.users.roles(user_id))
    await tx.users.set_roles(user_id, set(roles) & {role.name for role in known}, source=source)
    after = set(await tx.users.roles(user_id))
    if before <= after:
        return
    grants = await tx.grants.find(subject=user_id, now=server.clock())
    lost = [grant for grant in grants if open_to(grant.scopes, after, known) != tuple(grant.scopes)]
    await end_grants(server, tx, lost)
    await renew_tokens(server, tx, [grant for grant in grants if grant not in lost])
