"""Adds, lists, suspends and restores applications."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from wardgate.control.errors import ConflictError, InvalidError
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import MAX_NAME, application_named, checked_text
from wardgate.control.ports import Store
from wardgate.domain.audit import AuditEvent
from wardgate.domain.consumer import Application, ApplicationStatus, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRecord:
    """An application with its subscriptions, each with its environment."""

    application: Application
    subscriptions: tuple[tuple[str, Subscription], ...]


async def add(store: Store, *, name: str, owner: str = "", clock: Clock = time.time) -> Application:
    """A new active application without subscriptions.

    Raises:
        InvalidError: the name or the owner cannot be used.
        ConflictError: the name is taken.
    """
    now = clock()
    name = checked_text("name", name, MAX_NAME)
    if not name:
        raise InvalidError("name", "An application needs a name", "Give one, like mobile")
    owner = checked_text("owner", owner, MAX_NAME * 3)
    async with store.writing() as tx:
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
    """Every application by name."""
    async with store.reading() as tx:
        subscriptions = await tx.applications.subscriptions()
        return [
            ApplicationRecord(
                application=each,
                subscriptions=tuple(pair for pair in subscriptions if pair[1].application == each.id),
            )
            for each in sorted(await tx.applications.all(), key=lambda item: item.name)
        ]


async def show(store: Store, name_or_id: str) -> ApplicationRecord:
    """One application by name or id. Raises NotFoundError."""
    async with store.reading() as tx:
        found = await application_named(tx, name_or_id)
        subscriptions = await tx.applications.subscriptions()
    return ApplicationRecord(
        application=found,
        subscriptions=tuple(pair for pair in subscriptions if pair[1].application == found.id),
    )


async def suspend(store: Store, name_or_id: str, *, clock: Clock = time.time) -> Application:
    """Afterwards every request of the application is refused. Raises NotFoundError."""
    return await _set_status(store, name_or_id, "suspended", clock)


async def restore(store: Store, name_or_id: str, *, clock: Clock = time.time) -> Application:
    """Afterwards a suspended application is served again. Raises NotFoundError."""
    return await _set_status(store, name_or_id, "active", clock)


async def _set_status(store: Store, name_or_id: str, status: ApplicationStatus, clock: Clock) -> Application:
    async with store.writing() as tx:
        application = await application_named(tx, name_or_id)
        if application.status != status:
            await tx.applications.set_status(application.id, status)
            now = clock()
            await tx.feed.append("application", application.id, at=now)
            event = AuditEvent(
                action="application.suspend" if status == "suspended" else "application.restore",
                target=application.name,
                before={"status": application.status},
                after={"status": status},
            )
            await tx.audit.record(event, at=now)
    return replace(application, status=status)
