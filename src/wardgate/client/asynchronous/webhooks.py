"""Operations of webhooks. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Literal

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Webhooks(AsyncCore):
    """Operations of webhooks."""

    def list_webhooks(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.Webhook]:
        """Webhooks, oldest first, without their deliveries."""
        return self._pages("/webhooks", {"limit": limit})

    async def add_webhook(
        self,
        *,
        url: str,
        description: str | Unset = UNSET,
        events: Sequence[
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
        | Unset = UNSET,
        environments: Sequence[str] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.WebhookSecret:
        """Add a webhook. Its secret is shown this once."""
        found: models.WebhookSecret = await self._ask(
            "POST",
            "/webhooks",
            body={"url": url, "description": description, "events": events, "environments": environments},
            idempotency_key=idempotency_key,
        )
        return found

    async def show_webhook(self, webhook_id: str) -> models.Webhook:
        """One webhook with its newest deliveries."""
        found: models.Webhook = await self._ask("GET", f"/webhooks/{segment(webhook_id)}")
        return found

    async def set_webhook(
        self,
        webhook_id: str,
        *,
        if_match: State,
        url: str | Unset = UNSET,
        description: str | Unset = UNSET,
        events: Sequence[
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
        | Unset = UNSET,
        environments: Sequence[str] | Unset = UNSET,
        status: Literal["active", "paused"] | Unset = UNSET,
    ) -> models.Webhook:
        """Change a webhook, pause it, or make it active again.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Webhook = await self._ask(
            "PATCH",
            f"/webhooks/{segment(webhook_id)}",
            body={
                "url": url,
                "description": description,
                "events": events,
                "environments": environments,
                "status": status,
            },
            if_match=if_match,
        )
        return found

    async def remove_webhook(self, webhook_id: str, *, if_match: State) -> None:
        """Remove a webhook, and what waited for it.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/webhooks/{segment(webhook_id)}", if_match=if_match)

    async def rotate_webhook_secret(
        self,
        webhook_id: str,
        *,
        if_match: State,
        overlap: float | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.WebhookSecret:
        """Replace the secret by a new one, shown this once. The old one signs besides it for the overlap.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.WebhookSecret = await self._ask(
            "POST",
            f"/webhooks/{segment(webhook_id)}:rotate-secret",
            body={"overlap": overlap},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def test_webhook(
        self, webhook_id: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.WebhookDelivery:
        """Send a webhook.test.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.WebhookDelivery = await self._ask(
            "POST",
            f"/webhooks/{segment(webhook_id)}:test",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def redeliver_webhook(
        self, delivery_id: str, *, idempotency_key: str | None = None
    ) -> models.WebhookDelivery:
        """Send a message again."""
        found: models.WebhookDelivery = await self._ask(
            "POST", f"/webhooks/deliveries/{segment(delivery_id)}:redeliver", idempotency_key=idempotency_key
        )
        return found
