"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from wardgate.client import models


class Webhook(TypedDict):
    """A receiver. Its secret is shown when it is made, and never again."""

    id: str
    url: str
    description: str
    events: list[
        Literal[
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
    ]
    environments: list[str]
    status: Literal["active", "paused", "disabled"]
    created_at: float
    failing_since: float | None
    last_error: str
    deliveries: list[models.WebhookDelivery]


class WebhookDelivery(TypedDict):
    """A message for a webhook."""

    id: str
    message: str
    event: Literal[
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
    status: Literal["waiting", "delivered", "failed"]
    attempts: int
    created_at: float
    not_before: float
    last_error: str


class WebhookSecret(TypedDict):
    """A webhook and the secret that its messages are signed with."""

    webhook: models.Webhook
    secret: str | None


class WebhookSettings(TypedDict):
    """What to change; a field left out stays."""

    url: NotRequired[str]
    description: NotRequired[str]
    events: NotRequired[
        Sequence[
            Literal[
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
        ]
    ]
    environments: NotRequired[Sequence[str]]
    status: NotRequired[Literal["active", "paused"]]


class Withdrawal(TypedDict):
    """What is to go."""

    api: str
    environment: str
    reason: str
