"""Subscriptions as those who decide about access look after them: plan, controls, expiry, status."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from wardgate.control.authority import require, require_somewhere
from wardgate.control.controls import checked_controls, checked_expiry
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.keys import Clock
from wardgate.control.lookup import application_named, environment_named
from wardgate.control.offers import checked_plan, project_of
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.codec import encode
from wardgate.domain.consumer import Application, Controls, Subscription, SubscriptionStatus


class Unchanged:
    """Stands for what is left as it is, where ``None`` means something."""


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRecord:
    """A subscription with its application, environment and the project of its API."""

    subscription: Subscription
    application: Application
    environment: str
    project: str


async def list_subscriptions(
    store: Store,
    *,
    environment: str | None = None,
    application: str | None = None,
    api: str | None = None,
    status: SubscriptionStatus | None = None,
) -> list[SubscriptionRecord]:
    """The subscriptions that fit, oldest first, of the APIs of which the actor may see who uses them.

    Raises:
        ForbiddenError: the actor may see none.
        NotFoundError: no such environment or application.
    """
    async with store.reading() as tx:
        require_somewhere(tx.actor, "access.view")
        program = None if application is None else await application_named(tx, application)
        if environment is not None:
            await environment_named(tx, environment)
        programs = {each.id: each for each in await tx.applications.all()}
        projects: dict[str, str] = {}
        found = []
        for place, each in await tx.applications.subscriptions(environment):
            if program is not None and each.application != program.id:
                continue
            if (api is not None and each.api != api) or (status is not None and each.status != status):
                continue
            if each.api not in projects:
                projects[each.api] = await project_of(tx, each.api)
            if tx.actor.may("access.view", projects[each.api]):
                found.append(
                    SubscriptionRecord(
                        subscription=each,
                        application=programs[each.application],
                        environment=place,
                        project=projects[each.api],
                    )
                )
        return found


async def show(store: Store, subscription_id: str) -> SubscriptionRecord:
    """One subscription. Raises NotFoundError, also for one that is not for the actor to see."""
    async with store.reading() as tx:
        return await record_of(tx, subscription_id)


async def change(
    store: Store,
    subscription_id: str,
    *,
    plan: str | Unchanged | None = UNCHANGED,
    controls: Controls | None = None,
    expires_at: float | Unchanged | None = UNCHANGED,
    status: SubscriptionStatus | None = None,
    reason: str = "",
    clock: Clock = time.time,
) -> SubscriptionRecord:
    """Afterwards the subscription is as given, and enforced so; what is not given stays. ``status`` is ``active`` or
    ``suspended``: what is pending is decided with its request.

    Raises:
        NotFoundError: no such subscription.
        ForbiddenError: the actor may not decide in the API's project.
        ConflictError: the subscription is pending or was rejected, or the API is deployed there no more.
        InvalidError: the plan, a control, the expiry or the status cannot be.
    """
    now = clock()
    async with store.writing() as tx:
        found = await record_of(tx, subscription_id)
        require(tx.actor, "access.decide", found.project)
        before = found.subscription
        if before.status in ("pending", "rejected"):
            raise ConflictError(
                "subscription_undecided",
                f"The subscription {before.id} is {before.status}",
                "Decide its request: `wardgate access list`"
                if before.status == "pending"
                else "Ask for access again: `wardgate access request`",
            )
        if status is not None and status not in ("active", "suspended"):
            raise InvalidError(
                "status", f"No subscription can be made {status}", "Choose active or suspended"
            )
        after = before if status is None else replace(before, status=status)
        deployment = await tx.apis.deployment(found.environment, before.api)
        if controls is not None:
            scopes = () if deployment is None else deployment.bound.scopes
            after = replace(after, controls=checked_controls(controls, scopes))
        if not isinstance(expires_at, Unchanged) and expires_at != before.expires_at:
            after = replace(after, expires_at=checked_expiry(expires_at, now))
        if not isinstance(plan, Unchanged) and plan != before.plan:
            if deployment is None:
                raise ConflictError(
                    "api_not_deployed",
                    f"{before.api} is not deployed to {found.environment}",
                    "Keep the plan until it is",
                )
            after = replace(after, plan=checked_plan(deployment, plan))
        if after == before:
            return found
        await tx.applications.change(after)
        await tx.feed.append("application", before.application, at=now)
        done = replace(found, subscription=after)
        await _tell(tx, found, done, reason, now)
    return done


async def _tell(
    tx: Transaction, found: SubscriptionRecord, done: SubscriptionRecord, reason: str, now: float
) -> None:
    old, new = _shown(found.subscription), _shown(done.subscription)
    changed = [name for name in new if old[name] != new[name]]
    await tx.audit.record(
        AuditEvent(
            action="subscription.set",
            target=done.subscription.id,
            environment=done.environment,
            project=done.project,
            before={name: old[name] for name in changed},
            after={name: new[name] for name in changed},
            note=reason,
        ),
        at=now,
    )
    await tx.webhooks.emit("subscription.changed", event_data(done, changed))


def event_data(found: SubscriptionRecord, changed: list[str]) -> dict[str, Any]:
    """What webhooks are told of a subscription."""
    return {
        "subscription": found.subscription.id,
        "application": found.application.id,
        "application_name": found.application.name,
        "environment": found.environment,
        "api": found.subscription.api,
        "plan": found.subscription.plan,
        "status": found.subscription.status,
        "expires_at": found.subscription.expires_at,
        "changed": changed,
    }


def _shown(subscription: Subscription) -> dict[str, Any]:
    controls = subscription.controls
    return {
        "plan": subscription.plan,
        "status": subscription.status,
        "expires_at": subscription.expires_at,
    } | {item.name: encode(getattr(controls, item.name)) for item in fields(controls)}


async def record_of(tx: Transaction, subscription_id: str) -> SubscriptionRecord:
    """The subscription with that id. Raises NotFoundError, also for one that is not for the actor to see."""
    found = await tx.applications.subscription(subscription_id)
    if found is not None:
        environment, subscription = found
        project = await project_of(tx, subscription.api)
        if tx.actor.may("access.view", project) or tx.actor.may("access.decide", project):
            return SubscriptionRecord(
                subscription=subscription,
                application=await application_named(tx, subscription.application),
                environment=environment,
                project=project,
            )
    raise NotFoundError(
        "subscription", subscription_id, "`wardgate subscriptions list` shows those there are for you"
    )
