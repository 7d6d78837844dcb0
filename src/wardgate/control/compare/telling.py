"""Who is told over HTTP of what happens: webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from wardgate.control.compare.rules import At
from wardgate.control.document.webhooks import shown_url, webhook_changes, webhook_text
from wardgate.domain.difference import Difference
from wardgate.domain.document import Document


def telling(before: Document, after: Document) -> Iterator[Difference]:
    """How webhooks differ. Messages hold no secrets, so none of it weakens security."""
    old = {each.url: each for each in before.webhooks or ()}
    new = {each.url: each for each in after.webhooks or ()}
    for url, each in old.items():
        if url not in new:
            at = At(place=f"webhook {shown_url(url)}")
            yield at.found("webhook_removed", webhook_text(each), None, "the webhook is gone")
    for url, each in new.items():
        known, at = old.get(url), At(place=f"webhook {shown_url(url)}")
        if known is None:
            text = webhook_text(each)
            yield at.found("webhook_added", None, text, f"the webhook is new: {text}")
        elif known != each:
            yield at.found(
                "webhook_changed",
                webhook_text(known),
                webhook_text(each),
                "; ".join(webhook_changes(known, each)),
            )
