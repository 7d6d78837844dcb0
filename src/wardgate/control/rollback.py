"""Rollback: a revision that was in force before comes back, in one step; and withdrawal, after which none is."""

from __future__ import annotations

import time
from dataclasses import replace

from wardgate.control.authority import require, require_somewhere
from wardgate.control.compare.places import PLACE_TAKEN
from wardgate.control.compare.secrets import SECRET_SENT
from wardgate.control.errors import ConflictError, NotFoundError
from wardgate.control.keys import Clock
from wardgate.control.lookup import environment_named
from wardgate.control.outlook import no_revision, outlook
from wardgate.control.ports import Environment, Store, Transaction
from wardgate.control.promote import PromotionRecord, admit
from wardgate.control.promotion_rules import (
    api_named,
    environment_before,
    opened,
    record,
    require_lifecycle,
    require_none_open,
    required_reason,
    skips,
    told,
)
from wardgate.control.state import check, read_state
from wardgate.domain.difference import Difference, weakenings
from wardgate.domain.promotion import Promotion, fingerprint


async def rollback(
    store: Store,
    *,
    api: str,
    environment: str,
    revision: int | None = None,
    reason: str,
    clock: Clock = time.time,
) -> PromotionRecord:
    """Puts ``revision`` (by default the one in force before this one) back in force in ``environment``.

    One that was in force there before is in force at once, with what it weakens recorded: it was agreed to then. One that
    never was goes through the gate of promotions, and so does one that would have a secret sent where nobody agreed to, or
    stand in the place of another API that came, or went, since: what the environment's variables are now may not be what
    they were, nor what else it serves.

    Raises:
        NotFoundError: there is no such API, revision or environment, or none before.
        ConflictError: the revision is in force already, is not as it was signed, or does not fit what is deployed there.
        BindingError: the environment lacks a variable or secret.
        InvalidError: there is no reason.
        ForbiddenError: the actor may not.
    """
    reason = required_reason(reason)
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.rollback")
        found_api = await api_named(tx, api)
        require(tx.actor, "apis.rollback", found_api.catalogue.project)
        target = await environment_named(tx, environment)
        first = target == (await tx.environments.all())[0]
        current = await tx.apis.deployment(target.name, api)
        number = revision
        if number is None:
            number = await _before(tx, target, api, current.revision if current else None, first=first)
        if current is not None and current.revision == number:
            raise ConflictError(
                "revision_in_force",
                f"Revision {number} of {api} is in force in {target.name}",
                "Name another revision",
            )
        known = first or (
            number in await _ever(tx, target, api) and not await _meets_anew(tx, target, api, number)
        )
        extra: tuple[Difference, ...] = ()
        if not known:
            require_lifecycle(found_api, target)
            await require_none_open(tx, target, api)
            if await tx.apis.check(api, number) is None:
                raise no_revision(api, number)
            extra = await skips(tx, target, api, number)
        found = await outlook(tx, target, api, number, extra=extra, subscribed=not known)
        if first:  # no gate stands here, and the other may have come since
            for each in found.differences:
                if each.kind == PLACE_TAKEN:
                    other = await api_named(tx, str(each.before))
                    require(tx.actor, "apis.edit", other.catalogue.project)
        weak = weakenings(found.differences)
        promotion = replace(
            opened(tx, found_api, target, reason, now),
            kind="rollback",
            status="pending" if weak and not known else "scheduled",
            revision=number,
            replaced=current.revision if current else None,
            weakenings=weak,
        )
        promotion = await admit(tx, promotion, found, now)
    return PromotionRecord(
        promotion=promotion, differences=found.differences, seen=fingerprint(promotion.weakenings)
    )


async def withdraw(
    store: Store, *, api: str, environment: str, reason: str, clock: Clock = time.time
) -> Promotion:
    """Afterwards ``environment``, which is not the first, does not serve ``api`` any more; its revisions stay.

    Raises:
        NotFoundError: there is no such API or environment, or it is not deployed there.
        ConflictError: the environment is the first, or applications are subscribed there.
        InvalidError: there is no reason.
        ForbiddenError: the actor may not promote, or something of it is switched off and they may not switch that on.
    """
    reason = required_reason(reason)
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.promote")
        found_api = await api_named(tx, api)
        require(tx.actor, "apis.promote", found_api.catalogue.project)
        target = await environment_named(tx, environment)
        await environment_before(tx, target)
        current = await tx.apis.deployment(target.name, api)
        if current is None:
            raise NotFoundError("deployment", f"{api} in {target.name}", "It is not deployed there")
        if current.off:  # it would be on again when it comes back
            require(tx.actor, "apis.switch", found_api.catalogue.project)
        state = await read_state(tx, target.name)
        left = tuple(each for each in state.document.apis if each.api.id != api)
        check(replace(state.document, apis=left))
        await tx.apis.withdraw(target.name, api)
        await tx.feed.append("api", f"{target.name} {api}", at=now)
        done = replace(
            opened(tx, found_api, target, reason, now),
            kind="withdraw",
            status="done",
            replaced=current.revision,
            done_at=now,
        )
        await tx.promotions.add(done)
        await record(tx, "api.withdraw", done, now, note=reason)
        await tx.webhooks.emit("promotion.done", told(done))
    return done


async def _ever(tx: Transaction, target: Environment, api: str) -> set[int]:
    """Every revision that was in force there, as far as is known."""
    history = await tx.promotions.in_force(target.name, api)
    return {number for pair in history for number in pair if number is not None}


async def _meets_anew(tx: Transaction, target: Environment, api: str, number: int) -> bool:
    """Whether it would do what nobody agreed to when it was in force: send a secret elsewhere, or take another's place."""
    found = await outlook(tx, target, api, number, subscribed=False)
    sent = [each for each in found.weakenings if each.kind == SECRET_SENT]
    taken = [each for each in found.weakenings if each.kind == PLACE_TAKEN]
    if not sent and not taken:
        return False
    known = [
        promotion
        for name in (api, "")
        for promotion in await tx.promotions.list(environment=target.name, api=name)
        if promotion.status == "done"
    ]
    agreed = [(each.place, each.after) for promotion in known for each in promotion.weakenings]
    if any((each.place, each.after) not in agreed for each in sent):
        return True
    for other in {str(each.before) for each in taken}:
        since = await _moved_at(tx, target, other)
        if not any(_gave_place(promotion, number, other, since) for promotion in known):
            return True
    return False


async def _moved_at(tx: Transaction, target: Environment, api: str) -> float:
    """When the API came to where it is in ``target``, or went."""
    deployed = await tx.apis.deployment(target.name, api)
    if deployed is not None:
        return deployed.deployed_at
    ended = await tx.promotions.list(environment=target.name, api=api)
    return max((each.done_at for each in ended if each.done_at is not None), default=0.0)


def _gave_place(promotion: Promotion, number: int, other: str, since: float) -> bool:
    """Whether a second person agreed by it that revision ``number`` takes the place that ``other`` has had ``since``."""
    return (
        promotion.approved
        and promotion.revision == number
        and promotion.done_at is not None
        and promotion.done_at >= since
        and any((each.kind, each.before) == (PLACE_TAKEN, other) for each in promotion.weakenings)
    )


async def _before(tx: Transaction, target: Environment, api: str, current: int | None, *, first: bool) -> int:
    """The revision that was in force before the current one; in the first environment, also the one made before it."""
    for came, went in await tx.promotions.in_force(target.name, api):
        if came == current and went is not None:
            return went
    if first and current is not None:
        older = [each.number for each in await tx.apis.revisions(api) if each.number < current]
        if older:
            return max(older)
    raise NotFoundError(
        "revision",
        f"before the current one of {api} in {target.name}",
        "Name the revision to go back to",
    )
