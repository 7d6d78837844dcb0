"""Delivers what webhooks are told: signed, at least once, later and later when a receiver fails (Standard Webhooks 1.0.0).

Messages for one receiver leave one after another; receivers do not wait for each other. A message is given up after ten
tries over three days; a receiver for which one was given up without any other coming through since the first of them is
told no more, and so is one that answers 410 Gone. Answers are not read: what a receiver says besides its status is
nobody's business.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from wardgate.domain.audit import AuditEvent
from wardgate.domain.webhook import Delivery, Webhook
from wardgate.identity.background import Tasks
from wardgate.identity.ports import FetchError, Sender, Sent, Store

_log = logging.getLogger("wardgate.webhooks")

#: Seconds between tries, as the specification's example has them; each is varied by a fifth.
PAUSES = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
_JITTER = 0.2
#: A receiver may ask for a longer pause, up to this.
_LONGEST_PAUSE = 86400.0
#: Seconds without any success after which a message given up ends the webhook.
DISABLE_AFTER = 2 * 86400.0
#: Seconds a receiver has for its answer, and messages taken from the queue together.
TIMEOUT = 20.0
AT_A_TIME = 50
#: Messages for one receiver sent in one go: with its time-outs within the time they are ours.
_IN_A_ROW = 10
_GONE = 410
_MOST_ERROR = 300


class Deliverer:
    """Sends what waits. ``tasks`` end with the process; what was under way then is sent again."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        tasks: Tasks,
        clock: Callable[[], float],
        vary: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store = store
        self._sender = sender
        self._tasks = tasks
        self._clock = clock
        self._vary = vary
        self._busy: set[str] = set()

    async def round(self) -> bool:
        """Begins to send what is due to receivers that nothing is being sent to; whether more may wait. Raises
        StoreError."""
        now = self._clock()
        async with self._store.reading() as tx:
            if not await tx.webhooks.due(now, 1, leaving_out=self._busy):
                return False
        async with self._store.writing() as tx:
            due = await tx.webhooks.due(now, AT_A_TIME, leaving_out=self._busy)
            of_each: dict[str, list[Delivery]] = {}
            for delivery in due:
                of_each.setdefault(delivery.webhook, []).append(delivery)
            surplus = [each.id for queue in of_each.values() for each in queue[_IN_A_ROW:]]
            if surplus:
                await tx.webhooks.postpone(surplus, now)
        for webhook_id, queue in of_each.items():
            self._busy.add(webhook_id)
            if not self._tasks.start("webhook delivery", partial(self._serve, webhook_id, queue[:_IN_A_ROW])):
                self._busy.discard(webhook_id)
        return len(due) == AT_A_TIME

    async def _serve(self, webhook_id: str, queue: Sequence[Delivery]) -> None:
        """Sends in order until one fails; the others are then given back for when that one is tried again."""
        try:
            for index, delivery in enumerate(queue):
                again_at = await self._deliver(webhook_id, delivery)
                if again_at is not None:
                    async with self._store.writing() as tx:
                        await tx.webhooks.postpone([each.id for each in queue[index + 1 :]], again_at)
                    return
        finally:
            self._busy.discard(webhook_id)

    async def _deliver(self, webhook_id: str, delivery: Delivery) -> float | None:
        """Tries once and notes what became of it; if it failed, when the receiver may be tried again."""
        now = self._clock()
        async with self._store.reading() as tx:
            webhook = await tx.webhooks.get(webhook_id)
            secrets = await tx.webhooks.secrets(webhook_id, now)
        if webhook is None or webhook.status != "active" or not secrets:
            return now
        body = delivery.payload.encode()
        headers = signed_headers(delivery.message, int(now), body, secrets)
        sent: Sent | None = None
        try:
            sent = await self._sender.send(webhook.url, body, headers=headers)
            error = "" if 200 <= sent.status < 300 else f"it answered {sent.status}"
        except FetchError as failure:
            error = str(failure)[:_MOST_ERROR]
        if not error:
            await self._succeeded(webhook, delivery)
            return None
        return await self._failed(webhook, delivery, error, sent)

    async def _succeeded(self, webhook: Webhook, delivery: Delivery) -> None:
        async with self._store.writing() as tx:
            await tx.webhooks.settle(delivery.id, "delivered", not_before=delivery.not_before, error="")
            present = await tx.webhooks.get(webhook.id)
            if present is not None and present.failing_since is not None:
                await tx.webhooks.replace(replace(present, failing_since=None, last_error=""))

    async def _failed(self, webhook: Webhook, delivery: Delivery, error: str, sent: Sent | None) -> float:
        now = self._clock()
        last = delivery.attempts >= len(PAUSES)
        pause = 0.0 if last else PAUSES[delivery.attempts] * self._vary(1 - _JITTER, 1 + _JITTER)
        if sent is not None:
            pause = max(pause, min(sent.retry_after, _LONGEST_PAUSE))
        again_at = now + pause
        async with self._store.writing() as tx:
            await tx.webhooks.settle(
                delivery.id, "failed" if last else "waiting", not_before=again_at, error=error
            )
            present = await tx.webhooks.get(webhook.id)
            if present is None:
                return again_at
            since = present.failing_since if present.failing_since is not None else now
            changed = replace(present, failing_since=since, last_error=error)
            gone = sent is not None and sent.status == _GONE
            if present.status == "active" and (gone or (last and since <= now - DISABLE_AFTER)):
                changed = replace(changed, status="disabled")
                event = AuditEvent(
                    action="webhook.set",
                    target=webhook.id,
                    before={"status": "active"},
                    after={"status": "disabled"},
                    note=error,
                )
                await tx.audit.record(event, at=now)
            await tx.webhooks.replace(changed)
        if changed.status == "disabled":
            _log.error("webhook %s is told no more: %s", webhook.id, error)
        else:
            _log.warning("webhook %s was not told (%s); next try in %d s", webhook.id, error, pause)
        return again_at


def signed_headers(message: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The fields that let the receiver know that ``body`` is ours and new: one signature for each secret."""
    signed = f"{message}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
