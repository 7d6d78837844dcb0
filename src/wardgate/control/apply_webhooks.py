"""Brings webhooks to what a document says, each by its URL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wardgate.control.document.webhooks import shown_url
from wardgate.control.errors import ConflictError
from wardgate.control.ports import Transaction
from wardgate.control.webhooks import add_in, change_in, remove_in
from wardgate.domain.document import Document, Unseen, WebhookEntry
from wardgate.domain.webhook import Webhook


def webhook_entries(webhooks: Iterable[Webhook]) -> tuple[WebhookEntry, ...]:
    """All that holds of webhooks, oldest first. Of two with one URL it is the older."""
    found: dict[str, WebhookEntry] = {}
    for each in webhooks:
        entry = WebhookEntry(
            url=each.url,
            description=each.description,
            events=each.events,
            environments=each.environments,
            status=None if each.status == "disabled" else each.status,
        )
        found.setdefault(each.url, entry)
    return tuple(found.values())


def merged_webhooks(old: Document, new: Document, *, prune: bool) -> tuple[WebhookEntry, ...]:
    """What holds after ``new`` is applied to ``old``. ``prune`` takes away what a list that is there does not name."""
    known = {each.url: each for each in old.webhooks or ()}
    if new.webhooks is None:
        return tuple(known.values())
    merged = {} if prune else dict(known)
    for each in new.webhooks:
        before = known.get(
            each.url, WebhookEntry(url=each.url, description="", events=(), environments=(), status="active")
        )
        named = {
            name: getattr(each, name)
            for name in ("description", "events", "environments", "status")
            if getattr(each, name) is not None
        }
        merged[each.url] = replace(before, **named)
    return tuple(merged.values())


def check_webhooks(document: Document) -> None:
    """Returns when webhooks hear of environments that would be there. Raises ConflictError."""
    known = {each.name for each in document.environments}
    for each in document.webhooks or ():
        for name in each.environments or ():
            if name not in known:
                raise ConflictError(
                    "environment_unknown",
                    f"A webhook is to be told of the environment {name!r}, which would not exist",
                    f"Environments: {', '.join(sorted(known))}; declare it in `environments`, or take it out",
                )


async def put_webhooks(tx: Transaction, old: Document, new: Document, now: float) -> tuple[Unseen, ...]:
    """Adds, changes and removes webhooks. Gives those that are new: each has a secret, and nobody is shown it.

    Raises:
        ForbiddenError: the actor may not.
        InvalidError: a URL, a description or an event cannot be used.
        NotFoundError: there is no such environment.
        ConflictError: there would be too many.
    """
    before = {each.url: each for each in old.webhooks or ()}
    after = {each.url: each for each in new.webhooks or ()}
    if before == after:
        return ()
    there = await tx.webhooks.all()
    for webhook in there:
        if webhook.url not in after:
            await remove_in(tx, webhook, now)
    first = {webhook.url: webhook for webhook in reversed(there)}
    made: list[Unseen] = []
    for url, each in after.items():
        if url not in before:
            added, _ = await add_in(
                tx,
                url=url,
                description=each.description or "",
                events=each.events or (),
                environments=each.environments or (),
                status=each.status,
                now=now,
            )
            made.append(Unseen(kind="webhook", id=added.id, name=shown_url(url)))
        elif each != before[url]:
            await change_in(
                tx,
                first[url],
                description=each.description,
                events=each.events,
                environments=each.environments,
                status=each.status if each.status != before[url].status else None,
                now=now,
            )
    return tuple(made)
