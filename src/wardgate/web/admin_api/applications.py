"""Applications: added, changed, removed; suspended, throttled and restored."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from wardgate.control import applications
from wardgate.domain.consumer import ApplicationStatus, SubscriptionStatus
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.limits import LimitList, LimitSettings, limit_shown, limits_of
from wardgate.web.admin_api.models import Model, Name, Page, Prose, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("applications")

ApplicationId = Annotated[
    str, Path(pattern=r"^app_[0-9a-z_]{1,40}$", description="An application's id: app_01h...")
]


class ApplicationSubscription(Model):
    """What an application may call."""

    id: str
    environment: str
    api: str
    plan: str | None
    status: SubscriptionStatus
    expires_at: float | None


class Application(Thing):
    """A consumer program."""

    id: str
    name: str
    owner: str
    status: ApplicationStatus
    groups: list[str]
    limits: list[LimitSettings] = Field(description="Set for it at every API, before those of its plans.")
    throttle: list[LimitSettings] = Field(description="What it is throttled to; empty: it is not.")
    subscriptions: list[ApplicationSubscription]


class NewApplication(Model):
    """An application to add."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    owner: Annotated[str, StringConstraints(max_length=300)] = ""


class ApplicationSettings(Model):
    """What to change; a field left out stays."""

    owner: Annotated[str, StringConstraints(max_length=300)] = ""
    limits: LimitList = []
    groups: list[Name] = Field(default=[], max_length=100)


class ApplicationHold(Model):
    """Why."""

    reason: Prose = ""


class ApplicationThrottle(Model):
    """What to throttle to."""

    limits: LimitList = Field(min_length=1)
    reason: Prose = ""


@operations.get("/applications", permission="applications.view")
async def list_applications(
    ask: Ask,
    page: Paging,
    name: Annotated[
        str | None, Query(max_length=200, description="Only the one with this name or id.")
    ] = None,
) -> Page[Application]:
    """Applications by name."""
    found = await applications.list_applications(ask.store)
    if name is not None:
        found = [each for each in found if name in (each.application.name, each.application.id)]
    return page.of(found, key=lambda each: each.application.name, show=_shown)


@operations.get("/applications/{application_id}", permission="applications.view")
async def show_application(ask: Ask, application_id: ApplicationId) -> Application:
    """One application."""
    return _shown(await applications.show(ask.store, application_id))


@operations.post(
    "/applications", permission="applications.edit", location=lambda new: f"/applications/{new.id}"
)
async def add_application(ask: Ask, body: NewApplication) -> Application:
    """Add an application. It has no subscriptions: ask for access."""
    added = await applications.add(ask.store, name=body.name, owner=body.owner, clock=ask.clock)
    return await show_application(ask, added.id)


@operations.patch("/applications/{application_id}", permission="applications.edit", guard=show_application)
async def set_application(ask: Ask, application_id: ApplicationId, body: ApplicationSettings) -> Application:
    """Change contact, limits (this takes access.decide) or groups (this takes people.edit)."""
    given = body.model_fields_set
    await applications.change(
        ask.store,
        application_id,
        owner=body.owner if "owner" in given else None,
        limits=limits_of(body.limits) if "limits" in given else None,
        groups=body.groups if "groups" in given else None,
        clock=ask.clock,
    )
    return await show_application(ask, application_id)


@operations.delete("/applications/{application_id}", permission="applications.edit", guard=show_application)
async def remove_application(ask: Ask, application_id: ApplicationId) -> None:
    """Remove an application with its subscriptions, keys and clients."""
    await applications.remove(ask.store, application_id, clock=ask.clock)


@operations.post(
    "/applications/{application_id}:suspend",
    permission="applications.hold",
    guard=show_application,
    status=200,
)
async def suspend_application(ask: Ask, application_id: ApplicationId, body: ApplicationHold) -> Application:
    """Refuse every request of the application."""
    await applications.suspend(ask.store, application_id, reason=body.reason, clock=ask.clock)
    return await show_application(ask, application_id)


@operations.post(
    "/applications/{application_id}:throttle",
    permission="applications.hold",
    guard=show_application,
    status=200,
)
async def throttle_application(
    ask: Ask, application_id: ApplicationId, body: ApplicationThrottle
) -> Application:
    """Hold the application to limits at every API, before any that were set for it."""
    await applications.throttle(
        ask.store, application_id, limits_of(body.limits), reason=body.reason, clock=ask.clock
    )
    return await show_application(ask, application_id)


@operations.post(
    "/applications/{application_id}:restore",
    permission="applications.hold",
    guard=show_application,
    status=200,
)
async def restore_application(ask: Ask, application_id: ApplicationId, body: ApplicationHold) -> Application:
    """Undo suspension and throttling."""
    await applications.restore(ask.store, application_id, reason=body.reason, clock=ask.clock)
    return await show_application(ask, application_id)


def _shown(found: applications.ApplicationRecord) -> Application:
    application = found.application
    return Application(
        id=application.id,
        name=application.name,
        owner=application.owner,
        status=application.status,
        groups=list(application.groups),
        limits=[limit_shown(limit) for limit in application.limits],
        throttle=[limit_shown(limit) for limit in application.throttle],
        subscriptions=[
            ApplicationSubscription(
                id=each.id,
                environment=environment,
                api=each.api,
                plan=each.plan,
                status=each.status,
                expires_at=each.expires_at,
            )
            for environment, each in found.subscriptions
        ],
    )
