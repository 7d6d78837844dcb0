"""Who is told over HTTP of what happens: webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from wardgate.control.compare.rules import At, keyed
from wardgate.control.document.webhooks import shown_url, webhook_changes, webhook_text
from wardgate.domain.difference import Difference
from wardgate.domain.document import Document, WebhookEntry


def telling(before: Document, after: Document) -> Iterator[Difference]:
    """How webhooks differ. Messages hold no secrets, so none of it weakens security."""
    yield from keyed(
        before.webhooks or (),
        after.webhooks or (),
        lambda each: each.url,
        gone=lambda url, old: _at(url).found(
            "webhook_removed", webhook_text(old), None, "the webhook is gone"
        ),
        came=_came,
        stays=_stays,
    )


def _at(url: str) -> At:
    return At(place=f"webhook {shown_url(url)}")


def _came(url: str, webhook: WebhookEntry) -> Difference:
    text = webhook_text(webhook)
    return _at(url).found("webhook_added", None, text, f"the webhook is new: {text}")


def _stays(url: str, old: WebhookEntry, new: WebhookEntry) -> Iterator[Difference]:
    yield _at(url).found(
        "webhook_changed", webhook_text(old), webhook_text(new), "; ".join(webhook_changes(old, new))
    )
