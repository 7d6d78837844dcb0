"""Webhooks: who is told of what over HTTP, and how that went."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field, StringConstraints

from wardgate.control import webhooks
from wardgate.domain import webhook as domain
from wardgate.domain.webhook import DeliveryStatus, WebhookEvent, WebhookStatus
from wardgate.web.admin_api.ask import Ask
from wardgate.web.admin_api.models import VOLATILE, Model, Name, Page, Prose, ShownOnce, Thing
from wardgate.web.admin_api.operations import Operations
from wardgate.web.admin_api.pages import Paging

operations = Operations("webhooks")

WebhookId = Annotated[str, Path(pattern=r"^wh_[0-9a-z]{1,40}$", description="A webhook's id: wh_01h...")]
DeliveryId = Annotated[str, Path(pattern=r"^whd_[0-9a-z]{1,40}$", description="A delivery's id: whd_01h...")]
_Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_Events = Annotated[list[WebhookEvent], Field(max_length=50)]
_Environments = Annotated[list[Name], Field(max_length=100)]


class WebhookDelivery(Model):
    """A message for a webhook."""

    id: str
    message: str = Field(description="Its webhook-id: the same at each try.")
    event: WebhookEvent
    status: DeliveryStatus
    attempts: int
    created_at: float
    not_before: float
    last_error: str


class Webhook(Thing):
    """A receiver. Its secret is shown when it is made, and never again."""

    id: str
    url: str
    description: str
    events: list[WebhookEvent] = Field(description="All where empty.")
    environments: list[str] = Field(description="All where empty.")
    status: WebhookStatus
    created_at: float
    failing_since: Annotated[float | None, VOLATILE]
    last_error: Annotated[str, VOLATILE]
    deliveries: Annotated[list[WebhookDelivery], VOLATILE]


class NewWebhook(Model):
    """A webhook to add."""

    url: _Url
    description: Prose = ""
    events: _Events = []
    environments: _Environments = []


class WebhookSettings(Model):
    """What to change; a field left out stays."""

    url: _Url = "https://"
    description: Prose = ""
    events: _Events = []
    environments: _Environments = []
    status: Literal["active", "paused"] = "active"


class WebhookSecret(Model):
    """A webhook and the secret that its messages are signed with."""

    webhook: Webhook
    secret: ShownOnce


class SecretRotation(Model):
    """How to replace a secret."""

    overlap: float = Field(
        default=webhooks.USUAL_OVERLAP,
        ge=0,
        le=webhooks.LONGEST_OVERLAP,
        description="Seconds for which the one before signs as well.",
    )


@operations.get("/webhooks", permission="webhooks.view")
async def list_webhooks(ask: Ask, page: Paging) -> Page[Webhook]:
    """Webhooks, oldest first, without their deliveries."""
    found = await webhooks.list_webhooks(ask.store)
    return page.of(found, key=lambda each: each.id, show=lambda each: _shown(each, ()))


@operations.get("/webhooks/{webhook_id}", permission="webhooks.view")
async def show_webhook(ask: Ask, webhook_id: WebhookId) -> Webhook:
    """One webhook with its newest deliveries."""
    record = await webhooks.show(ask.store, webhook_id)
    return _shown(record.webhook, record.deliveries)


@operations.post(
    "/webhooks",
    permission="webhooks.edit",
    action="webhook.set",
    location=lambda new: f"/webhooks/{new.webhook.id}",
)
async def add_webhook(ask: Ask, body: NewWebhook) -> WebhookSecret:
    """Add a webhook. Its secret is shown this once."""
    webhook, secret = await webhooks.add(
        ask.store,
        url=body.url,
        description=body.description,
        events=body.events,
        environments=body.environments,
        clock=ask.clock,
    )
    return WebhookSecret(webhook=await show_webhook(ask, webhook.id), secret=secret.reveal().decode())


@operations.patch("/webhooks/{webhook_id}", permission="webhooks.edit", guard=show_webhook)
async def set_webhook(ask: Ask, webhook_id: WebhookId, body: WebhookSettings) -> Webhook:
    """Change a webhook, pause it, or make it active again."""
    given = body.model_fields_set
    await webhooks.change(
        ask.store,
        webhook_id,
        url=body.url if "url" in given else None,
        description=body.description if "description" in given else None,
        events=body.events if "events" in given else None,
        environments=body.environments if "environments" in given else None,
        status=body.status if "status" in given else None,
        clock=ask.clock,
    )
    return await show_webhook(ask, webhook_id)


@operations.delete("/webhooks/{webhook_id}", permission="webhooks.edit", guard=show_webhook)
async def remove_webhook(ask: Ask, webhook_id: WebhookId) -> None:
    """Remove a webhook, and what waited for it."""
    await webhooks.remove(ask.store, webhook_id, clock=ask.clock)


@operations.post(
    "/webhooks/{webhook_id}:rotate-secret",
    permission="webhooks.edit",
    guard=show_webhook,
    status=200,
    action="webhook.set",
)
async def rotate_webhook_secret(ask: Ask, webhook_id: WebhookId, body: SecretRotation) -> WebhookSecret:
    """Replace the secret by a new one, shown this once. The old one signs besides it for the overlap."""
    secret = await webhooks.rotate_secret(ask.store, webhook_id, overlap=body.overlap, clock=ask.clock)
    return WebhookSecret(webhook=await show_webhook(ask, webhook_id), secret=secret.reveal().decode())


@operations.post("/webhooks/{webhook_id}:test", permission="webhooks.edit", guard=show_webhook, status=200)
async def test_webhook(ask: Ask, webhook_id: WebhookId) -> WebhookDelivery:
    """Send a webhook.test."""
    return _delivery(await webhooks.send_test(ask.store, webhook_id, clock=ask.clock))


@operations.post("/webhooks/deliveries/{delivery_id}:redeliver", permission="webhooks.edit")
async def redeliver_webhook(ask: Ask, delivery_id: DeliveryId) -> WebhookDelivery:
    """Send a message again."""
    return _delivery(await webhooks.redeliver(ask.store, delivery_id, clock=ask.clock))


def _shown(webhook: domain.Webhook, deliveries: tuple[domain.Delivery, ...]) -> Webhook:
    return Webhook(
        id=webhook.id,
        url=webhook.url,
        description=webhook.description,
        events=list(webhook.events),
        environments=list(webhook.environments),
        status=webhook.status,
        created_at=webhook.created_at,
        failing_since=webhook.failing_since,
        last_error=webhook.last_error,
        deliveries=[_delivery(each) for each in deliveries],
    )


def _delivery(delivery: domain.Delivery) -> WebhookDelivery:
    return WebhookDelivery(
        id=delivery.id,
        message=delivery.message,
        event=delivery.event,
        status=delivery.status,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        not_before=delivery.not_before,
        last_error=delivery.last_error,
    )
