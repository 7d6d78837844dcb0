"""Nobody gives what they do not hold, and nobody takes over who holds more than they do."""

from __future__ import annotations

from collections.abc import Collection

from wardgate.control.errors import ForbiddenError
from wardgate.control.operators.holding import held_by, holdings_of, holdings_of_group
from wardgate.control.ports import Transaction
from wardgate.domain.actor import Actor
from wardgate.domain.operator import EVERYWHERE, Holdings, OwnerKind
from wardgate.domain.permission import Permission


def require_covering(actor: Actor, permissions: Collection[Permission], project: str = EVERYWHERE) -> None:
    """Returns when ``actor`` holds all of ``permissions`` that mean something in ``project``, there or everywhere.

    Raises:
        ForbiddenError: naming the first they lack.
    """
    lacking = held_by(actor).lacking(permissions, project)
    if lacking:
        raise ForbiddenError(min(lacking), project or None)


def require_including(actor: Actor, held: Holdings) -> None:
    """Returns when ``actor`` may do everything ``held`` allows. Raises ForbiddenError."""
    require_covering(actor, held.permissions)
    for project, permissions in sorted(held.projects.items()):
        require_covering(actor, permissions, project)


async def require_above(tx: Transaction, kind: OwnerKind, principal: str) -> None:
    """Returns when the actor may do everything that the user or service account may: so nobody becomes more than they
    are by setting another's password; nor by setting their own, with a token that is narrower than they are.

    Raises:
        ForbiddenError: they may not.
    """
    require_including(tx.actor, await holdings_of(tx, kind, principal))


async def require_above_group(tx: Transaction, group: str) -> None:
    """Returns when the actor may do everything that the group gives its members: whoever puts people in a group gives it
    to them.

    Raises:
        ForbiddenError: they may not.
    """
    require_including(tx.actor, await holdings_of_group(tx, group))
