"""What one person put into an environment that is not the first, and that weakens: it is suspended, and held until another
person restores it, with a reason.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from wardgate.control.authority import require
from wardgate.control.errors import ConflictError
from wardgate.control.ports import Transaction
from wardgate.control.promotion_rules import required_reason
from wardgate.control.second_person import done_to, require_another_person
from wardgate.domain.audit import AuditEvent
from wardgate.domain.oauth import Client
from wardgate.domain.people import IdentityProvider

Holdable = TypeVar("Holdable", Client, IdentityProvider)


def hold(
    tx: Transaction,
    noun: Holdable,
    now: float,
    *,
    before: Holdable | None = None,
    makers: Collection[str] = (),
) -> Holdable:
    """``noun`` as it may be stored: suspended, and held by those who held ``before``, by ``makers`` and by the actor."""
    already: tuple[str, ...] = () if before is None else before.held_by
    since = now if before is None or not already else before.held_at
    return replace(
        noun,
        status="suspended",
        held_by=tuple(dict.fromkeys((*already, *makers, tx.actor.id))),
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


async def hold_ungated(tx: Transaction, environment: str, now: float, *, note: str = "") -> None:
    """``environment`` is the first and will not be any more. Afterwards what was put there past the gate, and would have
    been held elsewhere, is held: by the actor, and by whoever made it what it is, as far as the trail tells.

    Raises:
        ConflictError: some of it is in use.
    """
    providers = await tx.providers.list(environment)
    clients = [each for each in await tx.clients.list(environment=environment) if each.legacy]
    active = [
        *(f"the identity provider {each.id}" for each in providers if each.status == "active"),
        *(f"the client {each.id} with a legacy grant" for each in clients if each.status == "active"),
    ]
    if active:
        raise ConflictError(
            "environment_ungated",
            f"{environment} cannot leave the first place while it has {', '.join(active)}, which no second person agreed to",
            "Suspend them first, with `wardgate idp suspend ID` and `wardgate clients suspend ID`; another person restores "
            "them afterwards",
        )
    for provider in providers:
        makers = await _makers(tx, provider.id, ("provider.add", "provider.set", "provider.set_secret"))
        held = hold(tx, provider, now, before=provider, makers=makers)
        await tx.providers.replace(held)
        await _tell(tx, "provider.hold", held, provider.held_by, now, note)
    for client in clients:
        makers = await _makers(tx, client.id, ("client.add", "client.set"))
        kept = hold(tx, client, now, before=client, makers=makers)
        await tx.clients.replace(kept)
        await _tell(tx, "client.hold", kept, client.held_by, now, note)


async def _makers(tx: Transaction, target: str, actions: Collection[str]) -> list[str]:
    """Who did one of ``actions`` to it, as far as the trail tells."""
    found = [each.actor_id for action in actions async for each in done_to(tx, action, target, None)]
    return list(dict.fromkeys(found))


async def _tell(
    tx: Transaction,
    action: str,
    held: Client | IdentityProvider,
    before: tuple[str, ...],
    now: float,
    note: str,
) -> None:
    await tx.audit.record(
        AuditEvent(
            action=action,
            target=held.id,
            environment=held.environment,
            before={"held_by": before},
            after={"held_by": held.held_by},
            note=note,
        ),
        at=now,
    )
