"""What one person put into an environment that is not the first, and that weakens: it is suspended, and held until another
person restores it, with a reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from wardgate.control.authority import require
from wardgate.control.promotion_rules import required_reason
from wardgate.control.second_person import require_another_person
from wardgate.domain.oauth import Client
from wardgate.domain.people import IdentityProvider
from wardgate.identity.ports import Transaction

Holdable = TypeVar("Holdable", Client, IdentityProvider)


def hold(tx: Transaction, noun: Holdable, now: float, *, before: Holdable | None = None) -> Holdable:
    """``noun`` as it may be stored: suspended, and held by the actor, and by those who held ``before``."""
    already: tuple[str, ...] = () if before is None else before.held_by
    since = now if before is None or not already else before.held_at
    return replace(
        noun,
        status="suspended",
        held_by=tuple(dict.fromkeys((*already, tx.actor.id))),
        held_at=since,
    )


async def released(
    tx: Transaction, noun: Client | IdentityProvider, since: float, reason: str, now: float
) -> None:
    """Returns when the actor may agree to what ``noun`` is held for, and does with a reason. ``since``: when the first of
    those who hold it did, at the earliest.

    Raises:
        ForbiddenError: they may not approve.
        SecondPersonError: they are no other person than those who made it so.
        InvalidError: there is no reason.
    """
    require(tx.actor, "apis.approve")
    for each in noun.held_by:
        await require_another_person(tx, each, f"{each}, who made {noun.id} what it is,", since, now)
    required_reason(reason)


async def in_first(tx: Transaction, environment: str) -> bool:
    """Whether ``environment`` is the first, where everything takes effect at once."""
    return (await tx.environments.all())[0].name == environment
