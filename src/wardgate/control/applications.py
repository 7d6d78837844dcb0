"""Adds, lists, changes and removes applications; suspends, throttles and restores them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardgate.control.authority import require
from wardgate.control.client_ends import remove_clients_of
from wardgate.control.controls import checked_limits
from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.groups import group_named
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import MAX_NAME, application_named, checked_text
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.codec import encode
from wardgate.domain.consumer import Application, ApplicationStatus, Subscription
from wardgate.domain.limit import Limit
from wardgate.domain.webhook import WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRecord:
    """An application with its subscriptions, each with its environment."""

    application: Application
    subscriptions: tuple[tuple[str, Subscription], ...]


async def add(store: Store, *, name: str, owner: str = "", clock: Clock = time.time) -> Application:
    """A new active application without subscriptions.

    Raises:
        ForbiddenError: the actor may not.
        InvalidError: the name or the owner cannot be used.
        ConflictError: the name is taken.
    """
    now = clock()
    name = checked_text("name", name, MAX_NAME)
    if not name:
        raise InvalidError("name", "An application needs a name", "Give one, like mobile")
    owner = checked_text("owner", owner, MAX_NAME * 3)
    async with store.writing() as tx:
        require(tx.actor, "applications.edit")
        if await tx.applications.find(name) is not None:
            raise ConflictError(
                "application_exists", f"There is an application {name!r} already", "Choose another name"
            )
        application = Application(id=new_id("app", now), name=name, owner=owner)
        await tx.applications.add([application], at=now)
        await tx.feed.append("application", application.id, at=now)
        event = AuditEvent(
            action="application.add", target=name, after={"id": application.id, "owner": owner}
        )
        await tx.audit.record(event, at=now)
    return application


async def list_applications(store: Store) -> list[ApplicationRecord]:
    """Every application by name. Raises ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "applications.view")
        subscriptions = await tx.applications.subscriptions()
        return [
            ApplicationRecord(
                application=each,
                subscriptions=tuple(pair for pair in subscriptions if pair[1].application == each.id),
            )
            for each in sorted(await tx.applications.all(), key=lambda item: item.name)
        ]


async def show(store: Store, name_or_id: str) -> ApplicationRecord:
    """One application by name or id. Raises ForbiddenError, NotFoundError."""
    async with store.reading() as tx:
        require(tx.actor, "applications.view")
        found = await application_named(tx, name_or_id)
        subscriptions = await tx.applications.subscriptions()
    return ApplicationRecord(
        application=found,
        subscriptions=tuple(pair for pair in subscriptions if pair[1].application == found.id),
    )


async def change(
    store: Store,
    name_or_id: str,
    *,
    owner: str | None = None,
    limits: Sequence[Limit] | None = None,
    groups: Sequence[str] | None = None,
    clock: Clock = time.time,
) -> Application:
    """Afterwards the application is as given, and enforced so; what is ``None`` stays. ``limits`` are set for it at every
    API and stand before those of plans and subscriptions; it is in exactly ``groups``.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application or group.
        InvalidError: the owner or a limit cannot be.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "applications.edit")
        before = await application_named(tx, name_or_id)
        if limits is not None:
            require(tx.actor, "access.decide")
            await tx.applications.set_limits(before.id, checked_limits(limits))
        if groups is not None:
            require(tx.actor, "people.edit")
            wanted = [(await group_named(tx, name)).name for name in groups]
            await tx.groups.set_of_application(before.id, wanted)
        if owner is not None:
            await tx.applications.set_owner(before.id, checked_text("owner", owner, MAX_NAME * 3))
        after = await application_named(tx, before.id)
        if after != before:
            await tx.feed.append("application", before.id, at=now)
            await _record(tx, "application.set", before, after, "", now)
    return after


async def remove(store: Store, name_or_id: str, *, clock: Clock = time.time) -> Application:
    """Deletes the application with its subscriptions, keys and clients; whatever it was known by is refused.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "applications.edit")
        application = await application_named(tx, name_or_id)
        await remove_clients_of(tx, application.id, now)
        await tx.applications.remove(application.id)
        await tx.feed.append("application", application.id, at=now)
        event = AuditEvent(
            action="application.remove", target=application.id, before={"name": application.name}
        )
        await tx.audit.record(event, at=now)
    return application


async def suspend(
    store: Store, name_or_id: str, *, reason: str = "", clock: Clock = time.time
) -> Application:
    """Afterwards every request of the application is refused.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application.
    """
    return await _hold(store, name_or_id, reason, clock, status="suspended")


async def throttle(
    store: Store, name_or_id: str, limits: Sequence[Limit], *, reason: str = "", clock: Clock = time.time
) -> Application:
    """Afterwards ``limits`` hold for the application at every API, before any that were set for it.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application.
        InvalidError: there is no limit, or one cannot be.
    """
    checked = checked_limits(limits)
    if not checked:
        raise InvalidError(
            "limit", "There is no limit to throttle to", "Name one, or restore the application"
        )
    return await _hold(store, name_or_id, reason, clock, throttle=checked)


async def restore(
    store: Store, name_or_id: str, *, reason: str = "", clock: Clock = time.time
) -> Application:
    """Afterwards an application that was suspended, throttled or both is served as before that.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such application.
    """
    return await _hold(store, name_or_id, reason, clock, status="active", throttle=())


async def _hold(
    store: Store,
    name_or_id: str,
    reason: str,
    clock: Clock,
    *,
    status: ApplicationStatus | None = None,
    throttle: tuple[Limit, ...] | None = None,
) -> Application:
    async with store.writing() as tx:
        require(tx.actor, "applications.hold")
        before = await application_named(tx, name_or_id)
        after = before if status is None else replace(before, status=status)
        after = after if throttle is None else replace(after, throttle=throttle)
        if after == before:
            return after
        now = clock()
        await tx.applications.set_status(after.id, after.status)
        await tx.applications.set_throttle(after.id, after.throttle)
        await tx.feed.append("application", after.id, at=now)
        event: WebhookEvent
        if status == "active":
            verb, event = "restore", "application.restored"
        elif status == "suspended":
            verb, event = "suspend", "application.suspended"
        else:
            verb, event = "throttle", "application.throttled"
        await _record(tx, f"application.{verb}", before, after, reason, now)
        data = {"application": after.id, "application_name": after.name, "status": after.status}
        await tx.webhooks.emit(event, data)
    return after


async def _record(
    tx: Transaction, action: str, before: Application, after: Application, note: str, now: float
) -> None:
    names = ("owner", "status", "groups", "limits", "throttle")
    old, new = ({name: encode(getattr(each, name)) for name in names} for each in (before, after))
    changed = [name for name in names if old[name] != new[name]]
    event = AuditEvent(
        action=action,
        target=after.name,
        before={name: old[name] for name in changed},
        after={name: new[name] for name in changed},
        note=note,
    )
    await tx.audit.record(event, at=now)
