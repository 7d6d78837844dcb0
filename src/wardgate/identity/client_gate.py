"""The gate before clients of every environment but the first: legacy grants, and no credential where there was one, need a
second person. The client is suspended until one restores it, with a reason.
"""

from __future__ import annotations

from dataclasses import replace

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError
from wardgate.control.promotion_rules import required_reason
from wardgate.control.second_person import require_another_person
from wardgate.domain.oauth import Client
from wardgate.identity.ports import Transaction


def weakening(before: Client | None, after: Client) -> str:
    """What makes ``after`` weaker than ``before`` (``None``: a new client), in words; empty where nothing does."""
    had = () if before is None else before.legacy
    found = [f"would have the legacy grant {grant}" for grant in after.legacy if grant not in had]
    if before is not None and after.public and not before.public:
        found.append("would prove by nothing who it is")
    return " and ".join(found)


async def held(tx: Transaction, before: Client | None, after: Client, now: float) -> Client:
    """``after`` as it may be stored: suspended, and held until another person restores it, where it is weaker than
    ``before`` and not of the first environment. Whoever changes a client that is held is no second person either.

    Raises:
        ConflictError: it is weaker, and in use: it is not for one person to put others out of work.
    """
    if before is not None and before.held_by:
        names = dict.fromkeys((*before.held_by, tx.actor.id))
        return replace(after, status="suspended", held_by=tuple(names))
    why = weakening(before, after)
    if not why or await in_first(tx, after.environment):
        return after
    if before is not None and before.status == "active":
        raise ConflictError(
            "client_weakened",
            f"{after.id} {why}, in {after.environment}: a second person has to agree first",
            f"Add another client like that, which waits suspended until another person restores it; or suspend {after.id} "
            "before you change it",
        )
    return replace(after, status="suspended", held_by=(tx.actor.id,), held_at=now)


async def require_release(tx: Transaction, client: Client, reason: str, now: float) -> None:
    """Returns when the actor may agree to what ``client`` is held for, and does with a reason.

    Raises:
        ForbiddenError: they may not approve.
        ConflictError: they are no other person than those who made it so.
        InvalidError: there is no reason.
    """
    require(tx.actor, "apis.approve")
    for each in client.held_by:
        asked = f"{each}, who made {client.id} what it is,"
        await require_another_person(tx, each, asked, client.held_at or client.created_at, now)
    required_reason(reason)


async def in_first(tx: Transaction, environment: str) -> bool:
    """Whether ``environment`` is the first, where everything takes effect at once."""
    return (await tx.environments.all())[0].name == environment
