"""Webhooks: who is told over HTTP of what happens at the control plane (Standard Webhooks)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

WebhookEvent = Literal[
    "access.requested",
    "access.approved",
    "access.rejected",
    "access.withdrawn",
    "subscription.changed",
    "application.suspended",
    "application.throttled",
    "application.restored",
    "key.issued",
    "key.rotated",
    "key.revoked",
    "key.leaked",
    "promotion.requested",
    "promotion.approved",
    "promotion.rejected",
    "promotion.done",
    "webhook.test",
]
EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
#: As many there may be: every event is written once for each.
MOST_WEBHOOKS = 100

#: ``paused`` by an operator; ``disabled`` because its receiver failed for too long.
WebhookStatus = Literal["active", "paused", "disabled"]
DeliveryStatus = Literal["waiting", "delivered", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver. ``events`` and ``environments`` are those it is told of, all where empty; events of no environment
    reach it whatever ``environments`` says. ``failing_since`` is when the first of the deliveries that failed in a row
    did (Unix seconds), and ``last_error`` why the newest did. Its secret is never read back."""

    id: str
    url: str
    description: str = ""
    events: tuple[WebhookEvent, ...] = ()
    environments: tuple[str, ...] = ()
    status: WebhookStatus = "active"
    created_at: float = 0.0
    failing_since: float | None = None
    last_error: str = ""

    def hears(self, event: WebhookEvent, environment: str) -> bool:
        """Whether it is told of ``event`` in ``environment`` (empty: none)."""
        if self.status != "active" or (self.events and event not in self.events):
            return False
        return not (self.environments and environment and environment not in self.environments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message for one webhook. ``message`` is its ``webhook-id``, the same at each try; ``payload`` the exact body."""

    id: str
    webhook: str
    message: str
    event: WebhookEvent
    payload: str
    created_at: float
    status: DeliveryStatus = "waiting"
    attempts: int = 0
    not_before: float = 0.0
    last_error: str = ""
