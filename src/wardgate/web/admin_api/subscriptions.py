"""Subscriptions: their plans, controls, expiry and status, and the limits that hold for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field

from wardgate.control import subscriptions
from wardgate.control.effective_view import effective_view
from wardgate.domain.consumer import SubscriptionStatus
from wardgate.domain.effective import Origin
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.limits import (
    ControlSettings,
    LimitSettings,
    controls_of,
    controls_shown,
    limit_shown,
)
from wardgate.web.admin_api.models import Line, Model, Page, Prose, Seconds, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("subscriptions")

SubscriptionId = Annotated[
    str, Path(pattern=r"^sub_[0-9a-z]{1,40}$", description="A subscription's id: sub_01h...")
]


class Subscription(Thing):
    """An application's access to one API of one environment. Only an active one opens anything."""

    id: str
    application: str = Field(description="The application's name.")
    environment: str
    api: str
    plan: str | None
    project: str = Field(description="The project of the API.")
    status: SubscriptionStatus
    controls: ControlSettings
    expires_at: float | None


class SubscriptionSettings(Model):
    """What to change; a field left out stays. ``null`` for ``expires_at`` is never."""

    plan: Line | None = None
    controls: ControlSettings = ControlSettings()
    expires_at: Seconds | None = None
    status: Literal["active", "suspended"] = "active"
    reason: Prose = ""


class ShadowedLimit(Model):
    """A limit that is not in force."""

    origin: Origin
    limit: LimitSettings


class EffectiveLimit(Model):
    """A limit in force, where it was set, and what it stands before, the nearest first."""

    origin: Origin
    limit: LimitSettings
    shadows: list[ShadowedLimit]


class SubscriptionLimits(Thing):
    """The limits that hold for a subscription."""

    limits: list[EffectiveLimit]
    replaced: list[LimitSettings] | None = Field(
        description="What the plan itself would set, where the environment has other limits in its place."
    )
    throttled: bool = Field(description="Whether the application was throttled.")


@operations.get("/subscriptions", permission="access.view", refuses=(404,))
async def list_subscriptions(
    ask: Ask,
    page: Paging,
    environment: Annotated[str | None, Query(max_length=100)] = None,
    application: Annotated[str | None, Query(max_length=200, description="Name or id.")] = None,
    api: Annotated[str | None, Query(max_length=200, description="Name and version.")] = None,
    status: SubscriptionStatus | None = None,
) -> Page[Subscription]:
    """Subscriptions, oldest first."""
    found = await subscriptions.list_subscriptions(
        ask.store, environment=environment, application=application, api=api, status=status
    )
    return page.of(found, key=lambda each: each.subscription.id, show=_shown)


@operations.get("/subscriptions/{subscription_id}", permission="access.view")
async def show_subscription(ask: Ask, subscription_id: SubscriptionId) -> Subscription:
    """One subscription."""
    return _shown(await subscriptions.show(ask.store, subscription_id))


@operations.patch(
    "/subscriptions/{subscription_id}",
    permission="access.decide",
    guard=show_subscription,
    action="subscription.set",
)
async def set_subscription(
    ask: Ask, subscription_id: SubscriptionId, body: SubscriptionSettings
) -> Subscription:
    """Change plan, controls, expiry or status; it is enforced so at once."""
    given = body.model_fields_set
    values: dict[str, Any] = {}
    if "plan" in given:
        values["plan"] = body.plan
    if "expires_at" in given:
        values["expires_at"] = body.expires_at
    if "controls" in given:
        values["controls"] = controls_of(body.controls)
    if "status" in given:
        values["status"] = body.status
    changed = await subscriptions.change(
        ask.store, subscription_id, **values, reason=body.reason, clock=ask.clock
    )
    return _shown(changed)


@operations.get("/subscriptions/{subscription_id}/limits", permission="access.view")
async def show_subscription_limits(ask: Ask, subscription_id: SubscriptionId) -> SubscriptionLimits:
    """Which limits hold: of plan, subscription and application the nearest of each kind and period."""
    view = await effective_view(ask.store, subscription_id)
    return SubscriptionLimits(
        limits=[
            EffectiveLimit(
                origin=each.origin,
                limit=limit_shown(each.limit),
                shadows=[
                    ShadowedLimit(origin=shadow.origin, limit=limit_shown(shadow.limit))
                    for shadow in each.shadows
                ],
            )
            for each in view.limits
        ],
        replaced=None if view.replaced is None else [limit_shown(limit) for limit in view.replaced],
        throttled=view.throttled,
    )


def _shown(found: subscriptions.SubscriptionRecord) -> Subscription:
    subscription = found.subscription
    return Subscription(
        id=subscription.id,
        application=found.application.name,
        environment=found.environment,
        api=subscription.api,
        plan=subscription.plan,
        project=found.project,
        status=subscription.status,
        controls=controls_shown(subscription.controls),
        expires_at=subscription.expires_at,
    )
