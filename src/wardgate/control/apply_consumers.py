"""Brings groups, applications and their subscriptions to what a document says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from wardgate.control.authority import require
from wardgate.control.consumers import DECLARED, subscription_of
from wardgate.control.groups import drop_group, group_named, put_group
from wardgate.control.ids import new_id
from wardgate.control.notices import tell
from wardgate.control.offers import NOWHERE
from wardgate.control.ports import Transaction
from wardgate.control.state import State
from wardgate.domain.audit import AuditEvent, by
from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.document import ApplicationEntry, Document

_BY_DOCUMENT = "A document that was applied declares it"


def check_consumers(tx: Transaction, state: State, target: Document) -> None:
    """Returns when the actor may change all that differs of groups, applications and subscriptions: what a document
    subscribes is not asked for, so it takes who may decide.

    Raises:
        ForbiddenError: they may not.
    """
    old = state.document
    if old.groups != target.groups:
        require(tx.actor, "people.edit")
    if old.applications == target.applications:
        return
    require(tx.actor, "applications.edit")
    before = {each.name: each for each in old.applications}
    for entry in target.applications:
        known = before.get(entry.name, ApplicationEntry(name=entry.name))
        if entry.limits != known.limits:
            require(tx.actor, "access.decide")
        if entry.groups != known.groups:
            require(tx.actor, "people.edit")
        differing = set(entry.subscriptions) ^ set(known.subscriptions)
        for api in sorted({each.api for each in differing}):
            require(tx.actor, "access.decide", _project(state, api))


async def put_groups(tx: Transaction, state: State, target: Document, now: float) -> None:
    """Adds and changes the groups that ``target`` has, and deletes those it has not. Who is in them stays.

    Raises:
        ForbiddenError: the actor may not.
        ConflictError: the installation would be left without an owner.
    """
    for group in target.groups:
        if await put_group(tx, group, now):
            event = AuditEvent(
                action="group.set",
                target=group.name,
                after={"description": group.description, "roles": list(group.roles)},
            )
            await tx.audit.record(event, at=now)
    for name in sorted({g.name for g in state.document.groups} - {g.name for g in target.groups}):
        await drop_group(tx, await group_named(tx, name), now)
        await tx.audit.record(AuditEvent(action="group.remove", target=name), at=now)


async def put_applications(
    tx: Transaction, state: State, target: Document, environment: str, now: float
) -> None:
    """Adds, changes and announces those that ``target`` has; what it has not is for others to remove."""
    new: list[Application] = []
    subscribed: list[Subscription] = []
    changed: list[str] = []
    grouped: list[tuple[str, tuple[str, ...]]] = []
    for entry in target.applications:
        application = state.applications.get(entry.name)
        differs = application is not None and await _change_settings(tx, application, entry)
        if application is None or differs or (entry.groups or ()) != application.groups:
            await _record_application(tx, application, entry, now)
        if application is None:
            application = Application(
                id=new_id("app", now), name=entry.name, owner=entry.owner, limits=entry.limits or ()
            )
            new.append(application)
            differs = True
        if (entry.groups or ()) != application.groups:
            grouped.append((application.id, entry.groups or ()))
            differs = True
        old = state.subscriptions.get(application.id, {})
        added = [
            subscription_of(new_id("sub", now), application.id, item)
            for item in entry.subscriptions
            if item.api not in old
        ]
        subscribed += added
        moved = await _change_subscriptions(tx, state, application, entry, environment, now)
        if moved or added or differs:
            changed.append(application.id)
    await tx.applications.add(new, at=now)
    for application_id, names in grouped:
        await tx.groups.set_of_application(application_id, names)
    await tx.applications.subscribe(environment, subscribed, at=now)
    for each in subscribed:
        after = {"plan": each.plan, "status": each.status}
        await tx.audit.record(_subscription_event(state, each, environment, after), at=now)
    for application_id in dict.fromkeys(changed):
        await tx.feed.append("application", application_id, at=now)


async def _record_application(
    tx: Transaction, before: Application | None, entry: ApplicationEntry, now: float
) -> None:
    names = ("owner", "limits", "groups")
    new = {"owner": entry.owner, "limits": entry.limits or (), "groups": entry.groups or ()}
    old = {name: getattr(before, name) if before is not None else None for name in names}
    event = AuditEvent(
        action="application.add" if before is None else "application.set",
        target=entry.name,
        before={} if before is None else {name: old[name] for name in names if old[name] != new[name]},
        after={name: new[name] for name in names if old[name] != new[name] and (new[name] or before)},
    )
    await tx.audit.record(event, at=now)


async def _change_settings(tx: Transaction, application: Application, entry: ApplicationEntry) -> bool:
    """Gives a known application its contact and limits; whether either differed."""
    if application.owner != entry.owner:
        await tx.applications.set_owner(application.id, entry.owner)
    if application.limits != (entry.limits or ()):
        await tx.applications.set_limits(application.id, entry.limits or ())
    return (application.owner, application.limits) != (entry.owner, entry.limits or ())


async def _change_subscriptions(
    tx: Transaction,
    state: State,
    application: Application,
    entry: ApplicationEntry,
    environment: str,
    now: float,
) -> bool:
    """Ends and changes the subscriptions ``application`` has; whether there was anything to do. What waits for a decision
    stays, unless the document decides it."""
    old = state.subscriptions.get(application.id, {})
    wanted = {item.api: item for item in entry.subscriptions}
    ended = [item for api, item in old.items() if api not in wanted and item.status in DECLARED]
    moved = [
        (item, after)
        for api, item in old.items()
        if api in wanted and (after := subscription_of(item.id, application.id, wanted[api])) != item
    ]
    await tx.applications.unsubscribe([item.id for item in ended])
    for before, after in moved:
        await tx.applications.change(after)
        if before.status == "pending":
            await _decide(tx, state, application, after, now)
        await _record(tx, state, after, environment, _differing(before, after), now)
    await _record_all(tx, state, ended, environment, now)
    return bool(ended or moved)


async def _decide(
    tx: Transaction, state: State, application: Application, granted: Subscription, now: float
) -> None:
    """A request whose subscription the document declares is granted by whoever applies it."""
    asked = await tx.access_requests.open_for(granted.id)
    if asked is None:
        return
    decided = replace(
        asked,
        plan=granted.plan,
        status="approved",
        decided_by=by(tx.actor),
        decided_at=now,
        reason=_BY_DOCUMENT,
        controls=granted.controls,
        expires_at=granted.expires_at,
    )
    await tx.access_requests.decide(decided)
    record = state.apis.get(granted.api)
    await tell(tx, decided, application, NOWHERE if record is None else record.catalogue, now)


def _differing(before: Subscription, after: Subscription) -> dict[str, object]:
    told: dict[str, object] = {"plan": after.plan, "status": after.status, "expires_at": after.expires_at}
    changed = {name: value for name, value in told.items() if getattr(before, name) != value}
    return changed if before.controls == after.controls else {**changed, "controls": "changed"}


async def _record_all(
    tx: Transaction, state: State, ended: Iterable[Subscription], environment: str, now: float
) -> None:
    for each in ended:
        await _record(tx, state, each, environment, {"status": "ended"}, now)


def _subscription_event(
    state: State, subscription: Subscription, environment: str, after: Mapping[str, object]
) -> AuditEvent:
    return AuditEvent(
        action="subscription.set",
        target=subscription.id,
        environment=environment,
        project=_project(state, subscription.api),
        after={"application": subscription.application, "api": subscription.api, **after},
    )


async def _record(
    tx: Transaction,
    state: State,
    subscription: Subscription,
    environment: str,
    after: dict[str, object],
    now: float,
) -> None:
    await tx.audit.record(_subscription_event(state, subscription, environment, after), at=now)
    data = {
        "subscription": subscription.id,
        "application": subscription.application,
        "environment": environment,
        "api": subscription.api,
        "changed": sorted(after),
    }
    await tx.webhooks.emit("subscription.changed", data)


def _project(state: State, api: str) -> str:
    record = state.apis.get(api)
    return (NOWHERE if record is None else record.catalogue).project
