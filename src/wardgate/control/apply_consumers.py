"""Brings applications and their subscriptions to what a document says."""

from __future__ import annotations

from wardgate.control.ids import new_id
from wardgate.control.ports import Transaction
from wardgate.control.state import State
from wardgate.domain.audit import AuditEvent
from wardgate.domain.consumer import Application, Subscription
from wardgate.domain.document import ApplicationEntry, Document


async def put_applications(
    tx: Transaction, state: State, target: Document, environment: str, now: float
) -> None:
    """Adds, changes and announces those that ``target`` has; what it has not is for others to remove."""
    new: list[Application] = []
    subscribed: list[Subscription] = []
    changed: list[str] = []
    for entry in target.applications:
        application = state.applications.get(entry.name)
        known = application is not None and application.owner == entry.owner
        if application is None:
            application = Application(id=new_id("app", now), name=entry.name, owner=entry.owner)
            new.append(application)
        elif not known:
            await tx.applications.set_owner(application.id, entry.owner)
        added = _added(state, application, entry, now)
        subscribed += added
        if await _change_subscriptions(tx, state, application, entry) or added or not known:
            changed.append(application.id)
    await tx.applications.add(new, at=now)
    await tx.applications.subscribe(environment, subscribed, at=now)
    for application_id in changed:
        await tx.feed.append("application", application_id, at=now)


def _added(state: State, application: Application, entry: ApplicationEntry, now: float) -> list[Subscription]:
    """The subscriptions ``application`` does not have yet."""
    old = state.subscriptions.get(application.id, {})
    return [
        Subscription(id=new_id("sub", now), application=application.id, api=item.api, plan=item.plan)
        for item in entry.subscriptions
        if item.api not in old
    ]


async def _change_subscriptions(
    tx: Transaction, state: State, application: Application, entry: ApplicationEntry
) -> bool:
    """Ends and moves the subscriptions ``application`` has; whether there was anything to do."""
    old = state.subscriptions.get(application.id, {})
    wanted = {item.api: item for item in entry.subscriptions}
    ended = [item.id for api, item in old.items() if api not in wanted]
    moved = [
        (item.id, wanted[api].plan)
        for api, item in old.items()
        if api in wanted and wanted[api].plan != item.plan
    ]
    await tx.applications.unsubscribe(ended)
    for subscription_id, plan in moved:
        await tx.applications.set_plan(subscription_id, plan)
    return bool(ended or moved)
