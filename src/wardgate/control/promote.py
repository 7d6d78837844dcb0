"""Promotion: a revision goes from one environment to the next, past a gate.

What weakens nothing takes effect at once, or at its time. What weakens waits until another person agrees, with a reason, to
exactly the weakenings they were shown.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from wardgate.control.authority import require, require_somewhere
from wardgate.control.errors import ConflictError, ControlError, InvalidError, NotFoundError
from wardgate.control.gate_settings import settings_hash, settings_outlook
from wardgate.control.keys import Clock
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text, environment_named
from wardgate.control.operators.backing import still_may
from wardgate.control.outlook import Outlook, outlook, put_in_force
from wardgate.control.ports import Environment, Store, Transaction
from wardgate.control.promotion_rules import (
    api_named,
    environment_before,
    opened,
    order_skipped,
    record,
    require_lifecycle,
    require_none_open,
    require_second_person,
    required_reason,
    skips,
    told,
)
from wardgate.control.providers import Federation, providers_of, with_providers
from wardgate.control.settling import settle
from wardgate.domain.actor import SYSTEM
from wardgate.domain.audit import by
from wardgate.domain.difference import Difference, weakenings
from wardgate.domain.permission import Permission
from wardgate.domain.promotion import Decision, Promotion, PromotionStatus, fingerprint

_log = logging.getLogger("wardgate.promotions")

#: Seconds ahead that a promotion may be scheduled.
FARTHEST = 366 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """A promotion, and while it is open what it would change now. ``seen`` tells the weakenings of now from others: who
    approves says which they saw. ``changed``: they are not those that were asked for any more."""

    promotion: Promotion
    differences: tuple[Difference, ...] = ()
    seen: str = ""
    changed: bool = False
    #: Why it could not be carried out now; empty where it could.
    obstacle: str = ""


async def request(
    store: Store,
    *,
    api: str,
    environment: str,
    revision: int | None = None,
    reason: str = "",
    at: float | None = None,
    skip: bool = False,
    clock: Clock = time.time,
) -> PromotionRecord:
    """Asks for ``revision`` (by default what the environment before has in force) in ``environment``, ``at`` a time.

    Afterwards it is in force, ``scheduled``, or ``pending`` because it weakens something. With ``skip`` it need not be in
    force in the environment before, which is a weakening of its own.

    Raises:
        NotFoundError: there is no such API, revision or environment, or nothing to promote.
        ConflictError: the order of environments, the life cycle, what is deployed there or a request that is open does not
            allow it; or the revision is not as it was signed.
        BindingError: the environment lacks a variable or secret.
        InvalidError: the reason is too long or no plain line, or the time is not ahead.
        ForbiddenError: the actor may not promote, or not skip.
    """
    reason = checked_text("reason", reason, MAX_DESCRIPTION)
    now = clock()
    if at is not None and not now < at <= now + FARTHEST:
        raise InvalidError("schedule", "The time is not ahead, or more than a year away", "Name a later time")
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.promote")
        known = await api_named(tx, api)
        require(tx.actor, "apis.promote", known.catalogue.project)
        if skip:
            require(tx.actor, "apis.approve", known.catalogue.project)
        target = await environment_named(tx, environment)
        number, extra = await _ordered(tx, target, api, revision, skip=skip)
        require_lifecycle(known, target)
        await require_none_open(tx, target, api)
        found = await outlook(tx, target, api, number, extra=extra)
        weak = found.weakenings
        promotion = replace(
            opened(tx, known, target, reason, now),
            kind="promote",
            status="pending" if weak else "scheduled",
            revision=number,
            replaced=found.before.revision if found.before else None,
            weakenings=weak,
            scheduled_at=at,
        )
        promotion = await admit(tx, promotion, found, now)
    return PromotionRecord(
        promotion=promotion, differences=found.differences, seen=fingerprint(promotion.weakenings)
    )


async def approve(
    store: Store,
    promotion_id: str,
    *,
    reason: str,
    seen: str = "",
    federation: Federation | None = None,
    clock: Clock = time.time,
) -> PromotionRecord:
    """Afterwards what was asked for is in force, or scheduled. The actor is another person than the one who asked, and
    agrees to the weakenings that ``seen`` stands for: empty, those it was asked for with. ``federation`` changes identity
    providers, if there are any among what was asked for; the actor must be one who may.

    Raises:
        NotFoundError: there is no such promotion.
        ConflictError: it is not pending, was asked for by the actor, or weakens something else by now.
        InvalidError: there is no reason.
        ForbiddenError: the actor may not approve, in the project of every API that it weakens.
    """
    reason = required_reason(reason)
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.approve")
        promotion = await _pending(tx, promotion_id)
        require(tx.actor, "apis.approve", promotion.project or None)
        await require_second_person(tx, promotion, now)
        prospect = await _prospect(tx, promotion)
        for api in sorted({prospect.found.api, *prospect.found.others} if prospect.found else ()):
            require(tx.actor, "apis.approve", (await api_named(tx, api)).catalogue.project)
        present = prospect.differences
        if fingerprint(present) != (seen or fingerprint(promotion.weakenings)):
            raise ConflictError(
                "promotion_changed",
                f"What {promotion.id} would weaken is not what was looked at: what is deployed changed meanwhile",
                f"Look at it again with `wardgate promotions show {promotion.id}`, and decide anew",
            )
        decision = Decision(by_id=tx.actor.id, by=by(tx.actor), at=now, reason=reason, approved=True)
        approved = replace(
            promotion,
            weakenings=weakenings(present),
            decisions=(*promotion.decisions, decision),
            status="scheduled",
        )
        await record(tx, "promotion.approve", approved, now, note=reason)
        await tx.webhooks.emit("promotion.approved", told(approved))
        if not _waits(approved, now):
            approved = await _carry_out(tx, approved, prospect, now, federation)
        await _advance(tx, approved, "pending")
    return PromotionRecord(promotion=approved, differences=present, seen=fingerprint(present))


async def reject(
    store: Store, promotion_id: str, *, reason: str, clock: Clock = time.time
) -> PromotionRecord:
    """Afterwards it will not come into force. Raises as :func:`approve` does."""
    reason = required_reason(reason)
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.approve")
        promotion = await _pending(tx, promotion_id)
        require(tx.actor, "apis.approve", promotion.project or None)
        decision = Decision(by_id=tx.actor.id, by=by(tx.actor), at=now, reason=reason, approved=False)
        rejected = replace(promotion, status="rejected", decisions=(*promotion.decisions, decision))
        await _advance(tx, rejected, "pending")
        await record(tx, "promotion.reject", rejected, now, note=reason)
        await tx.webhooks.emit("promotion.rejected", told(rejected))
    return PromotionRecord(promotion=rejected)


async def cancel(
    store: Store, promotion_id: str, *, reason: str = "", clock: Clock = time.time
) -> PromotionRecord:
    """Takes back what is pending or scheduled: who asked for it may, and whoever may promote.

    Raises:
        NotFoundError: there is no such promotion.
        ConflictError: it is not open any more.
        InvalidError: the reason is too long or no plain line.
        ForbiddenError: the actor may not.
    """
    reason = checked_text("reason", reason, MAX_DESCRIPTION)
    now = clock()
    async with store.writing() as tx:
        require_somewhere(tx.actor, "apis.view")
        promotion = await _named(tx, promotion_id)
        if tx.actor.id != promotion.requested_by_id:
            require(tx.actor, "apis.promote", promotion.project or None)
        if not promotion.open:
            raise _closed(promotion)
        cancelled = replace(promotion, status="cancelled")
        await _advance(tx, cancelled, promotion.status)
        await record(tx, "promotion.cancel", cancelled, now, note=reason)
    return PromotionRecord(promotion=cancelled)


async def show(store: Store, promotion_id: str) -> PromotionRecord:
    """One promotion; if it is open, with what it would change now. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        promotion = await _named(tx, promotion_id)
        require(tx.actor, "apis.view", promotion.project or None)
        if not promotion.open:
            return PromotionRecord(promotion=promotion, seen=fingerprint(promotion.weakenings))
        try:
            present = (await _prospect(tx, promotion)).differences
        except ControlError as error:
            return PromotionRecord(
                promotion=promotion, seen=fingerprint(promotion.weakenings), obstacle=str(error)
            )
        return PromotionRecord(
            promotion=promotion,
            differences=present,
            seen=fingerprint(present),
            changed=fingerprint(present) != fingerprint(promotion.weakenings),
        )


async def list_promotions(
    store: Store,
    *,
    environment: str | None = None,
    api: str | None = None,
    statuses: Collection[PromotionStatus] = (),
) -> Sequence[Promotion]:
    """Those the actor may see, newest first. Raises NotFoundError, ForbiddenError."""
    async with store.reading() as tx:
        require_somewhere(tx.actor, "apis.view")
        if environment is not None:
            await environment_named(tx, environment)
        found = await tx.promotions.list(environment=environment, api=api, statuses=statuses)
        return [each for each in found if tx.actor.may("apis.view", each.project or None)]


async def carry_out_due(store: Store, *, clock: Clock = time.time) -> int:
    """Carries out every scheduled promotion whose time has come, each once and alone; how many there were.

    What cannot be carried out, weakens something else than was approved, or was asked for or approved by somebody who may
    not do so any more fails and says why. It is done on the installation's own account.

    Raises:
        ForbiddenError: the actor may not promote.
    """
    async with store.reading() as tx:
        require(tx.actor, "apis.promote")
        due = [each.id for each in await tx.promotions.due(clock())]
    store = store.acting(SYSTEM)
    for promotion_id in due:
        try:
            await _carry_out_one(store, promotion_id, clock())
        except ControlError as error:
            await _fail(store, promotion_id, error, clock())
    return len(due)


async def _carry_out_one(store: Store, promotion_id: str, now: float) -> None:
    async with store.writing() as tx:
        promotion = await _named(tx, promotion_id)
        if promotion.status != "scheduled" or _waits(promotion, now):
            return
        await _require_backed(tx, promotion)
        prospect = await _prospect(tx, promotion)
        if fingerprint(prospect.differences) != fingerprint(promotion.weakenings):
            raise ConflictError(
                "promotion_changed",
                "What it weakens is not what was agreed to: what is deployed changed meanwhile",
                "Ask for it again",
            )
        done = await _carry_out(tx, promotion, prospect, now)
        await _advance(tx, done, "scheduled")


async def _require_backed(tx: Transaction, promotion: Promotion) -> None:
    """Returns when who asked, and who approved, could do so now. Raises ConflictError."""
    asked: tuple[str, str, Permission] = (promotion.requested_by_id, promotion.requested_by, "apis.promote")
    approved: list[tuple[str, str, Permission]] = [
        (each.by_id, each.by, "apis.approve") for each in promotion.decisions if each.approved
    ]
    for principal, name, permission in (asked, *approved):
        if not await still_may(tx, principal, permission, promotion.project):
            raise ConflictError(
                "promotion_unbacked",
                f"{name} is not active any more, or has no permission {permission} by now",
                "Have it asked for, and approved, by people who may",
            )


async def _fail(store: Store, promotion_id: str, error: ControlError, now: float) -> None:
    _log.warning("promotion %s failed: %s", promotion_id, error.code)
    async with store.writing() as tx:
        promotion = await _named(tx, promotion_id)
        failed = replace(promotion, status="failed", failure=str(error))
        if await tx.promotions.advance(failed, "scheduled"):
            await record(tx, "promotion.carry_out", failed, now, outcome="failed", note=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prospect:
    """What would happen if a promotion were carried out now."""

    differences: tuple[Difference, ...]
    found: Outlook | None = None
    before: Environment | None = None
    after: Environment | None = None


async def _prospect(tx: Transaction, promotion: Promotion) -> _Prospect:
    environment = await environment_named(tx, promotion.environment)
    if promotion.settings is not None:
        if promotion.settings.identity_providers is not None:
            (environment,) = await with_providers(tx, [environment])
        if settings_hash(environment.settings) != promotion.base:
            raise ConflictError(
                "promotion_changed",
                f"The settings of {environment.name} were changed since {promotion.id} was asked for",
                f"Cancel it with `wardgate promotions cancel {promotion.id}`, and ask anew",
            )
        after = replace(environment, settings=promotion.settings)
        return _Prospect(
            differences=await settings_outlook(tx, environment, after), before=environment, after=after
        )
    if promotion.revision is None:
        raise ConflictError("promotion_empty", f"{promotion.id} names no revision", "Cancel it, and ask anew")
    require_lifecycle(await api_named(tx, promotion.api), environment)
    # What was rolled back or withdrawn in the environment before, since it was asked for, comes here as what skips it.
    extra = tuple(each for each in promotion.weakenings if each.kind == "order_skipped")
    extra = extra or await skips(tx, environment, promotion.api, promotion.revision, passed=True)
    found = await outlook(tx, environment, promotion.api, promotion.revision, extra=extra)
    return _Prospect(differences=found.differences, found=found)


async def admit(tx: Transaction, promotion: Promotion, found: Outlook, now: float) -> Promotion:
    """Stores a new request, and carries it out unless it waits for a person or its time; as it is then.

    Raises:
        ConflictError: what the environment would hold contradicts itself.
    """
    if promotion.kind != "rollback" or promotion.status == "pending":
        await record(tx, "promotion.request", promotion, now, note=promotion.reason)
    if promotion.status == "scheduled" and not _waits(promotion, now):
        promotion = await _carry_out(tx, promotion, _Prospect(differences=(), found=found), now)
    elif promotion.status == "pending":
        await tx.webhooks.emit("promotion.requested", told(promotion))
    await tx.promotions.add(promotion)
    return promotion


async def _carry_out(
    tx: Transaction,
    promotion: Promotion,
    prospect: _Prospect,
    now: float,
    federation: Federation | None = None,
) -> Promotion:
    """Afterwards it is in force; the promotion as it is then, still to be stored."""
    replaced = None
    if prospect.found is not None:
        replaced = prospect.found.before.revision if prospect.found.before is not None else None
        await put_in_force(tx, prospect.found, now, actor=promotion.requested_by, reason=promotion.reason)
    elif prospect.before is not None and prospect.after is not None:
        await settle(tx, prospect.before, prospect.after, now, note=promotion.reason)
        old, new = providers_of(prospect.before), providers_of(prospect.after)
        if old != new:
            if federation is None:
                raise TypeError("identity providers differ, and nothing was given that changes them")
            await federation.put(tx, promotion.environment, old, new, now)
    done = replace(promotion, status="done", done_at=now, replaced=replaced)
    action = "api.rollback" if promotion.kind == "rollback" else "promotion.carry_out"
    await record(tx, action, done, now, note=promotion.reason)
    await tx.webhooks.emit("promotion.done", told(done))
    return done


async def _ordered(
    tx: Transaction, target: Environment, api: str, revision: int | None, *, skip: bool
) -> tuple[int, tuple[Difference, ...]]:
    """The revision to promote, and a weakening where an environment is skipped."""
    previous = await environment_before(tx, target)
    deployed = await tx.apis.deployment(previous.name, api)
    if revision is None:
        if deployed is None:
            raise NotFoundError(
                "deployment",
                f"{api} in {previous.name}",
                f"Bring it to {previous.name} first, or name a revision of it",
            )
        return deployed.revision, ()
    if deployed is not None and deployed.revision == revision:
        return revision, ()
    if not skip:
        has = f"has revision {deployed.revision}" if deployed is not None else "has none"
        raise ConflictError(
            "promotion_order",
            f"Revision {revision} of {api} is not in force in {previous.name}, which {has} and comes before "
            f"{target.name}",
            f"Promote it to {previous.name} first; or skip that, which a second person must approve",
        )
    return revision, (order_skipped(target, previous, api, revision),)


def _waits(promotion: Promotion, now: float) -> bool:
    return promotion.scheduled_at is not None and promotion.scheduled_at > now


async def _named(tx: Transaction, promotion_id: str) -> Promotion:
    found = await tx.promotions.get(promotion_id)
    if found is None:
        raise NotFoundError("promotion", promotion_id, "`wardgate promotions list` shows those there are")
    return found


async def _pending(tx: Transaction, promotion_id: str) -> Promotion:
    found = await _named(tx, promotion_id)
    if found.status != "pending":
        raise _closed(found)
    return found


def _closed(promotion: Promotion) -> ConflictError:
    return ConflictError(
        "promotion_closed",
        f"{promotion.id} is {promotion.status}, so there is nothing to decide",
        "`wardgate promotions list --status pending` shows what waits",
    )


async def _advance(tx: Transaction, promotion: Promotion, was: PromotionStatus) -> None:
    if not await tx.promotions.advance(promotion, was):
        raise _closed(promotion)
