"""``webhooks``: who is told over HTTP of what happens. The secret of each is made for it, and is no part of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from wardgate.control.document.environments import ENVIRONMENT, ENVIRONMENT_WORDS
from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.limit_text import shown
from wardgate.control.document.names import DESCRIPTION, DESCRIPTION_WORDS
from wardgate.control.document.urls import url_problem
from wardgate.domain.document import WebhookEntry
from wardgate.domain.redaction import REDACTED
from wardgate.domain.webhook import EVENTS, WebhookEvent
from wardgate.openapi.tree import Node, Path

_KEYS = ("url", "description", "events", "environments", "status")
_STATUSES: tuple[Literal["active", "paused"], ...] = get_args(Literal["active", "paused"])


def read_webhook(report: Report, node: Node, path: Path) -> tuple[WebhookEntry, Fields]:
    """One webhook with its fields; what is wrong with it is noted in ``report``."""
    has_secret = "secret" in getattr(node, "entries", {})
    fields = Fields(report, node, path, (*_KEYS, "secret") if has_secret else _KEYS)
    if has_secret:
        message = "the secret of a webhook is made for it, and has no place in a document"
        fields.problem(
            "secret", message, "Leave it out: `wardgate webhooks rotate-secret ID` shows a new one, once"
        )
    if "url" not in fields:
        fields.problem(None, "the key 'url' is missing", "Add `url:`, such as https://example.com/hooks")
    entry = WebhookEntry(
        url=_url(fields),
        description=fields.text("description", None, DESCRIPTION, DESCRIPTION_WORDS),
        events=_events(fields),
        environments=_environments(fields),
        status=fields.choice("status", _STATUSES, None),
    )
    return entry, fields


def webhook_data(entry: WebhookEntry) -> dict[str, Any]:
    """The keys that :func:`read_webhook` reads as an equal entry."""
    data: dict[str, Any] = {"url": entry.url}
    for key in ("description", "status"):
        if getattr(entry, key):
            data[key] = getattr(entry, key)
    for key in ("events", "environments"):
        if getattr(entry, key) is not None:
            data[key] = list(getattr(entry, key))
    return data


def shown_url(url: str) -> str:
    """A webhook's URL as it may be shown: receivers have tokens in the query."""
    place, query, _ = url.partition("?")
    return f"{place}?{REDACTED}" if query else place


def webhook_url_problem(url: str) -> str | None:
    """What keeps messages from being sent to ``url``, or ``None``; never repeats it. Plain http is not kept from it."""
    problem = url_problem(url, query=True)
    if problem is None or not url.startswith("http://"):
        return problem
    return problem if url_problem(f"https{url[4:]}", query=True) is not None else None


def webhook_text(entry: WebhookEntry) -> str:
    """A webhook in one line."""
    events = ", ".join(entry.events or ()) or "all events"
    places = ", ".join(entry.environments or ()) or "all environments"
    return f"{events} of {places}" + (", paused" if entry.status == "paused" else "")


def webhook_changes(old: WebhookEntry, new: WebhookEntry) -> Iterator[str]:
    """What differs between two states of a webhook."""
    for name in ("description", "status"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {shown(getattr(old, name))} -> {shown(getattr(new, name))}"
    for name in ("events", "environments"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name}: {', '.join(before or ()) or 'all'} -> {', '.join(after or ()) or 'all'}"


def _url(fields: Fields) -> str:
    url = fields.text("url", "")
    problem = webhook_url_problem(url) if url else None
    if problem is not None:
        fields.problem("url", f"the URL cannot be used: {problem}", "Write it as https://host/path")
        return ""
    return url


def _events(fields: Fields) -> tuple[WebhookEvent, ...] | None:
    if "events" not in fields:
        return None
    named = fields.texts("events", r"[a-z]+\.[a-z]+", "an event such as key.issued")
    fields.unknown("events", named, EVENTS, "there is no event {}", "events")
    return tuple(event for name in named for event in EVENTS if event == name)


def _environments(fields: Fields) -> tuple[str, ...] | None:
    if "environments" not in fields:
        return None
    return fields.texts("environments", ENVIRONMENT, ENVIRONMENT_WORDS)
