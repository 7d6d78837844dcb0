"""Webhooks and what waits to be delivered to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from wardgate.control.ids import new_id
from wardgate.domain.webhook import Delivery, DeliveryStatus, Webhook, WebhookEvent
from wardgate.storage.documents import to_text, to_texts
from wardgate.storage.errors import stored
from wardgate.storage.tables_access import webhook_deliveries, webhooks
from wardgate.storage.vault import Vault

#: Seconds for which what one sender took is not given to another: longer than it takes to fail with all of it.
CLAIM_SECONDS = 300.0


class SqlWebhooks:
    """The rows of ``webhooks`` and ``webhook_deliveries``. What a writing transaction takes as due is its own a while."""

    def __init__(
        self, connection: AsyncConnection, master_key: bytes, clock: Callable[[], float], *, claims: bool
    ) -> None:
        self._connection = connection
        self._master_key = master_key
        self._clock = clock
        self._claims = claims

    async def emit(self, event: WebhookEvent, data: dict[str, Any]) -> None:
        listening = [each for each in await self.all() if each.hears(event, str(data.get("environment", "")))]
        if not listening:
            return
        now = self._clock()
        message = new_id("msg", now)
        payload = payload_of(event, data, now)
        for each in listening:
            await self._queue(each, message, event, payload, now)

    async def emit_to(
        self, webhook: Webhook, event: WebhookEvent, data: dict[str, Any], *, at: float
    ) -> Delivery:
        return await self._queue(webhook, new_id("msg", at), event, payload_of(event, data, at), at)

    async def all(self) -> list[Webhook]:
        rows = await self._connection.execute(select(webhooks).order_by(webhooks.c.id))
        return [_webhook(row) for row in rows]

    async def get(self, webhook_id: str) -> Webhook | None:
        row = (await self._connection.execute(select(webhooks).where(webhooks.c.id == webhook_id))).first()
        return None if row is None else _webhook(row)

    async def add(self, webhook: Webhook, secret: bytes) -> None:
        await self._connection.execute(
            insert(webhooks).values(
                id=webhook.id, sealed_secret=self._sealed(webhook.id, secret), **_columns(webhook)
            )
        )

    async def replace(self, webhook: Webhook) -> None:
        await self._connection.execute(
            update(webhooks).where(webhooks.c.id == webhook.id).values(**_columns(webhook))
        )

    async def set_secret(self, webhook_id: str, secret: bytes, previous_until: float | None) -> None:
        await self._connection.execute(
            update(webhooks)
            .where(webhooks.c.id == webhook_id)
            .values(
                sealed_secret=self._sealed(webhook_id, secret),
                sealed_previous=None if previous_until is None else webhooks.c.sealed_secret,
                previous_until=previous_until,
            )
        )

    async def secrets(self, webhook_id: str, now: float) -> list[bytes]:
        row = (
            await self._connection.execute(
                select(webhooks.c.sealed_secret, webhooks.c.sealed_previous, webhooks.c.previous_until).where(
                    webhooks.c.id == webhook_id
                )
            )
        ).first()
        if row is None:
            return []
        sealed = [row.sealed_secret]
        if row.sealed_previous is not None and now < (row.previous_until or 0.0):
            sealed.append(row.sealed_previous)
        vault = Vault(self._master_key)
        return [vault.open(bytes(each), _label(webhook_id)) for each in sealed]

    async def remove(self, webhook_id: str) -> None:
        await self._connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))

    async def deliveries(self, webhook_id: str, limit: int) -> list[Delivery]:
        rows = await self._connection.execute(
            select(webhook_deliveries)
            .where(webhook_deliveries.c.webhook == webhook_id)
            .order_by(webhook_deliveries.c.id.desc())
            .limit(limit)
        )
        return [_delivery(row) for row in rows]

    async def add_delivery(self, delivery: Delivery) -> None:
        await self._connection.execute(
            insert(webhook_deliveries).values(
                id=delivery.id,
                webhook=delivery.webhook,
                message=delivery.message,
                event=delivery.event,
                payload=delivery.payload,
                created_at=delivery.created_at,
                status=delivery.status,
                attempts=delivery.attempts,
                not_before=delivery.not_before,
                last_error=delivery.last_error,
            )
        )

    async def delivery(self, delivery_id: str) -> Delivery | None:
        row = (
            await self._connection.execute(
                select(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id)
            )
        ).first()
        return None if row is None else _delivery(row)

    async def due(self, now: float, limit: int, *, leaving_out: Collection[str] = ()) -> list[Delivery]:
        query = (
            select(webhook_deliveries)
            .join(webhooks, webhooks.c.id == webhook_deliveries.c.webhook)
            .where(
                webhook_deliveries.c.status == "waiting",
                webhook_deliveries.c.not_before <= now,
                webhooks.c.status == "active",
                webhooks.c.id.not_in(sorted(leaving_out)),
            )
            .order_by(webhook_deliveries.c.not_before, webhook_deliveries.c.id)
            .limit(limit)
        )
        if self._claims:
            query = query.with_for_update(skip_locked=True, of=webhook_deliveries)
        found = [_delivery(row) for row in await self._connection.execute(query)]
        if found and self._claims:
            await self._connection.execute(
                update(webhook_deliveries)
                .where(webhook_deliveries.c.id.in_([each.id for each in found]))
                .values(not_before=now + CLAIM_SECONDS)
            )
        return found

    async def postpone(self, delivery_ids: Collection[str], not_before: float) -> None:
        await self._connection.execute(
            update(webhook_deliveries)
            .where(
                webhook_deliveries.c.id.in_(sorted(delivery_ids)), webhook_deliveries.c.status == "waiting"
            )
            .values(not_before=not_before)
        )

    async def settle(
        self, delivery_id: str, status: DeliveryStatus, *, not_before: float, error: str
    ) -> None:
        await self._connection.execute(
            update(webhook_deliveries)
            .where(webhook_deliveries.c.id == delivery_id)
            .values(
                status=status,
                attempts=webhook_deliveries.c.attempts + 1,
                not_before=not_before,
                last_error=error,
            )
        )

    async def _queue(
        self, webhook: Webhook, message: str, event: WebhookEvent, payload: str, now: float
    ) -> Delivery:
        delivery = Delivery(
            id=new_id("whd", now),
            webhook=webhook.id,
            message=message,
            event=event,
            payload=payload,
            created_at=now,
            not_before=now,
        )
        await self.add_delivery(delivery)
        return delivery

    def _sealed(self, webhook_id: str, secret: bytes) -> bytes:
        return Vault(self._master_key).seal(secret, _label(webhook_id))


def payload_of(event: WebhookEvent, data: dict[str, Any], now: float) -> str:
    """The body of a message: ``type``, ``timestamp`` and ``data``, as Standard Webhooks recommends."""
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": at, "data": data}, separators=(",", ":"))


def _label(webhook_id: str) -> str:
    return f"webhook/{webhook_id}"


def _columns(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": webhook.url,
        "description": webhook.description,
        "events": to_text(webhook.events),
        "environments": to_text(webhook.environments),
        "status": webhook.status,
        "created_at": webhook.created_at,
        "failing_since": webhook.failing_since,
        "last_error": webhook.last_error,
    }


def _webhook(row: Row[Any]) -> Webhook:
    with stored(f"the webhook {row.id}"):
        return Webhook(
            id=row.id,
            url=row.url,
            description=row.description,
            events=cast("tuple[WebhookEvent, ...]", to_texts(row.events)),
            environments=to_texts(row.environments),
            status=row.status,
            created_at=row.created_at,
            failing_since=row.failing_since,
            last_error=row.last_error,
        )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook=row.webhook,
        message=row.message,
        event=row.event,
        payload=row.payload,
        created_at=row.created_at,
        status=row.status,
        attempts=row.attempts,
        not_before=row.not_before,
        last_error=row.last_error,
    )
