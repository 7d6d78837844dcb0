"""Webhooks as operators look after them. Each has a secret of its own, which is shown when it is made and never again."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from wardgate.control.authority import require
from wardgate.control.document.webhooks import shown_url, webhook_url_problem
from wardgate.control.errors import ConflictError, InvalidError, NotFoundError
from wardgate.control.ids import new_id
from wardgate.control.keys import Clock
from wardgate.control.lookup import MAX_DESCRIPTION, checked_text, environment_named
from wardgate.control.ports import Store, Transaction
from wardgate.domain.audit import AuditEvent
from wardgate.domain.secret import Secret
from wardgate.domain.webhook import EVENTS, MOST_WEBHOOKS, Delivery, Webhook, WebhookEvent, WebhookStatus

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
#: Seconds for which the secret before signs too, and the longest this may be.
USUAL_OVERLAP = 86400.0
LONGEST_OVERLAP = 30 * 86400.0
#: Deliveries shown of one.
SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRecord:
    """A webhook with its newest deliveries, newest first."""

    webhook: Webhook
    deliveries: tuple[Delivery, ...]


async def add(
    store: Store,
    *,
    url: str,
    description: str = "",
    events: Sequence[str] = (),
    environments: Sequence[str] = (),
    clock: Clock = time.time,
) -> tuple[Webhook, Secret]:
    """A new webhook, told of what happens from now on, and the secret its messages are signed with (``whsec_...``).

    Raises:
        ForbiddenError: the actor may not.
        InvalidError: the URL, the description or an event is not one that can be.
        NotFoundError: no such environment.
        ConflictError: there are as many as there may be.
    """
    now = clock()
    async with store.writing() as tx:
        return await add_in(
            tx, url=url, description=description, events=events, environments=environments, now=now
        )


async def add_in(
    tx: Transaction,
    *,
    url: str,
    description: str,
    events: Sequence[str],
    environments: Sequence[str],
    now: float,
    status: WebhookStatus | None = None,
) -> tuple[Webhook, Secret]:
    """As :func:`add`, as a part of the transaction."""
    require(tx.actor, "webhooks.edit")
    secret = secrets.token_bytes(SECRET_BYTES)
    webhook = Webhook(id=new_id("wh", now), url="", created_at=now)
    webhook = await _changed(tx, webhook, url, description, events, environments, status)
    if len(await tx.webhooks.all()) >= MOST_WEBHOOKS:
        raise ConflictError(
            "webhooks_too_many",
            f"There are {MOST_WEBHOOKS} webhooks already",
            "Remove one that is not needed",
        )
    await tx.webhooks.add(webhook, secret)
    await _record(tx, "webhook.set", webhook, {}, _shown(webhook), now)
    return webhook, shown_secret(secret)


async def change(
    store: Store,
    webhook_id: str,
    *,
    url: str | None = None,
    description: str | None = None,
    events: Sequence[str] | None = None,
    environments: Sequence[str] | None = None,
    status: WebhookStatus | None = None,
    clock: Clock = time.time,
) -> Webhook:
    """Afterwards the webhook is as given; what is ``None`` stays. ``active`` for one that was disabled forgets that it
    failed; what waited for it is sent. ``disabled`` cannot be set: ``paused`` is an operator's way to say it.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such webhook or environment.
        InvalidError: what is given cannot be.
    """
    async with store.writing() as tx:
        require(tx.actor, "webhooks.edit")
        return await change_in(
            tx,
            await _with_id(tx, webhook_id),
            url=url,
            description=description,
            events=events,
            environments=environments,
            status=status,
            now=clock(),
        )


async def change_in(
    tx: Transaction,
    before: Webhook,
    *,
    now: float,
    url: str | None = None,
    description: str | None = None,
    events: Sequence[str] | None = None,
    environments: Sequence[str] | None = None,
    status: WebhookStatus | None = None,
) -> Webhook:
    """As :func:`change`, as a part of the transaction."""
    require(tx.actor, "webhooks.edit")
    after = await _changed(tx, before, url, description, events, environments, status)
    if after != before:
        await tx.webhooks.replace(after)
        old, new = _shown(before), _shown(after)
        differing = {key for key in new if old[key] != new[key]}
        if before.url != after.url:
            differing.add("url")
        await _record(
            tx,
            "webhook.set",
            after,
            {key: old[key] for key in differing},
            {key: new[key] for key in differing},
            now,
        )
    return after


async def rotate_secret(
    store: Store, webhook_id: str, *, overlap: float = USUAL_OVERLAP, clock: Clock = time.time
) -> Secret:
    """A new secret. For ``overlap`` seconds more messages are signed with the one before as well.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such webhook.
        InvalidError: the overlap is not possible.
    """
    now = clock()
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise InvalidError(
            "overlap", f"An overlap of {overlap:g} s is not possible", "Give 0 s up to 30 days"
        )
    secret = secrets.token_bytes(SECRET_BYTES)
    async with store.writing() as tx:
        require(tx.actor, "webhooks.edit")
        webhook = await _with_id(tx, webhook_id)
        await tx.webhooks.set_secret(webhook.id, secret, now + overlap if overlap else None)
        await _record(tx, "webhook.set", webhook, {}, {"secret": "[redacted]", "overlap": overlap}, now)
    return shown_secret(secret)


async def remove(store: Store, webhook_id: str, *, clock: Clock = time.time) -> Webhook:
    """Deletes the webhook, and what waited for it. Raises ForbiddenError, NotFoundError."""
    async with store.writing() as tx:
        require(tx.actor, "webhooks.edit")
        webhook = await _with_id(tx, webhook_id)
        await remove_in(tx, webhook, clock())
    return webhook


async def remove_in(tx: Transaction, webhook: Webhook, now: float) -> None:
    """As :func:`remove`, as a part of the transaction."""
    require(tx.actor, "webhooks.edit")
    await tx.webhooks.remove(webhook.id)
    await _record(tx, "webhook.remove", webhook, _shown(webhook), {}, now)


async def list_webhooks(store: Store) -> list[Webhook]:
    """Every webhook, oldest first. Raises ForbiddenError."""
    async with store.reading() as tx:
        require(tx.actor, "webhooks.view")
        return list(await tx.webhooks.all())


async def show(store: Store, webhook_id: str) -> WebhookRecord:
    """One webhook with its newest deliveries. Raises ForbiddenError, NotFoundError."""
    async with store.reading() as tx:
        require(tx.actor, "webhooks.view")
        webhook = await _with_id(tx, webhook_id)
        return WebhookRecord(
            webhook=webhook, deliveries=tuple(await tx.webhooks.deliveries(webhook.id, SHOWN))
        )


async def send_test(store: Store, webhook_id: str, *, clock: Clock = time.time) -> Delivery:
    """A ``webhook.test`` for this webhook alone, whatever events it is told of.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such webhook.
        ConflictError: it is not active.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "webhooks.edit")
        webhook = await _with_id(tx, webhook_id)
        _check_active(webhook)
        await _record(tx, "webhook.test", webhook, {}, {}, now)
        return await tx.webhooks.emit_to(webhook, "webhook.test", {"webhook": webhook.id}, at=now)


async def redeliver(store: Store, delivery_id: str, *, clock: Clock = time.time) -> Delivery:
    """Sends a message again, at once and with its ``webhook-id``, whatever became of it.

    Raises:
        ForbiddenError: the actor may not.
        NotFoundError: no such delivery.
        ConflictError: its webhook is not active.
    """
    now = clock()
    async with store.writing() as tx:
        require(tx.actor, "webhooks.edit")
        found = await tx.webhooks.delivery(delivery_id)
        if found is None:
            raise NotFoundError(
                "delivery", delivery_id, "`wardgate webhooks show ID` lists those of a webhook"
            )
        webhook = await _with_id(tx, found.webhook)
        _check_active(webhook)
        again = replace(
            found,
            id=new_id("whd", now),
            created_at=now,
            status="waiting",
            attempts=0,
            not_before=now,
            last_error="",
        )
        await tx.webhooks.add_delivery(again)
        await _record(
            tx, "webhook.redeliver", webhook, {}, {"delivery": again.id, "message": again.message}, now
        )
    return again


def shown_secret(secret: bytes) -> Secret:
    """A secret as its owner gets it."""
    return Secret(SECRET_PREFIX + base64.b64encode(secret).decode())


def _check_active(webhook: Webhook) -> None:
    if webhook.status != "active":
        raise ConflictError(
            "webhook_not_active",
            f"The webhook {webhook.id} is {webhook.status}",
            "Make it active first: `wardgate webhooks set ID --status active`",
        )


async def _with_id(tx: Transaction, webhook_id: str) -> Webhook:
    found = await tx.webhooks.get(webhook_id)
    if found is None:
        raise NotFoundError("webhook", webhook_id, "`wardgate webhooks list` shows those there are")
    return found


async def _changed(
    tx: Transaction,
    webhook: Webhook,
    url: str | None,
    description: str | None,
    events: Collection[str] | None,
    environments: Collection[str] | None,
    status: WebhookStatus | None,
) -> Webhook:
    """``webhook`` with what is given, checked."""
    if url is not None:
        webhook = replace(webhook, url=_checked_url(url))
    if description is not None:
        webhook = replace(webhook, description=checked_text("description", description, MAX_DESCRIPTION))
    if events is not None:
        for event in events:
            if event not in EVENTS:
                raise InvalidError("event", f"There is no event {event!r}", f"Events: {', '.join(EVENTS)}")
        webhook = replace(webhook, events=cast("tuple[WebhookEvent, ...]", tuple(dict.fromkeys(events))))
    if environments is not None:
        names = [(await environment_named(tx, name)).name for name in environments]
        webhook = replace(webhook, environments=tuple(dict.fromkeys(names)))
    if status is not None:
        if status not in ("active", "paused"):
            raise InvalidError("status", f"No webhook can be made {status}", "Choose active or paused")
        webhook = replace(webhook, status=status)
        if status == "active":
            webhook = replace(webhook, failing_since=None, last_error="")
    return webhook


def _checked_url(url: str) -> str:
    problem = webhook_url_problem(url)
    if problem is not None:
        raise InvalidError("url", f"The URL cannot be used: {problem}", "Write it as https://host/path")
    return url


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": shown_url(webhook.url),
        "description": webhook.description,
        "events": list(webhook.events),
        "environments": list(webhook.environments),
        "status": webhook.status,
    }


async def _record(
    tx: Transaction, action: str, webhook: Webhook, before: dict[str, Any], after: dict[str, Any], now: float
) -> None:
    await tx.audit.record(AuditEvent(action=action, target=webhook.id, before=before, after=after), at=now)
