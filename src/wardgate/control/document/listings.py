"""What a document says of an API beside its revision: life cycle, who may find it, what people are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any, get_args

from wardgate.control.document.fields import Fields
from wardgate.control.document.limit_text import shown
from wardgate.control.document.names import LINE, LINE_WORDS, NAME, NAME_WORDS
from wardgate.control.document.urls import read_url
from wardgate.domain.document import Listing
from wardgate.domain.standing import Lifecycle, Visibility

LISTING_KEYS = (
    "lifecycle",
    "sunset",
    "successor",
    "visibility",
    "groups",
    "project",
    "tags",
    "docs",
    "contact",
    "description",
)
LIFECYCLES: tuple[Lifecycle, ...] = get_args(Lifecycle)
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)
_NAMES = tuple(key if key != "sunset" else "sunset_at" for key in LISTING_KEYS)


def read_listing(fields: Fields) -> Listing:
    """What the fields of an API say; what is wrong is noted."""
    listing = Listing(
        lifecycle=fields.choice("lifecycle", LIFECYCLES, None),
        sunset_at=_sunset(fields),
        successor=_url(fields, "successor"),
        visibility=fields.choice("visibility", VISIBILITIES, None),
        groups=_names(fields, "groups", LINE, "the name of a group"),
        project=fields.text("project", None, NAME, NAME_WORDS),
        tags=_names(fields, "tags", LINE, LINE_WORDS),
        docs=_url(fields, "docs"),
        contact=fields.text("contact", None, LINE, LINE_WORDS),
        description=fields.text("description", None),
    )
    ends = listing.lifecycle in ("deprecated", "retired")
    for key in ("sunset", "successor"):
        if key in fields and not ends:
            fields.problem(key, f"{key!r} tells of an end", "Add `lifecycle: deprecated`, or remove it")
    if listing.visibility == "group" and not listing.groups:
        fields.problem("visibility", "an API that groups see needs groups", "Add `groups:` with their names")
    return listing


def listing_data(listing: Listing) -> dict[str, Any]:
    """The keys that :func:`read_listing` reads as an equal listing."""
    data: dict[str, Any] = {}
    for key, name in zip(LISTING_KEYS, _NAMES, strict=True):
        value = getattr(listing, name)
        if value is not None:
            data[key] = (
                time_text(value) if key == "sunset" else list(value) if isinstance(value, tuple) else value
            )
    return data


def listing_changes(old: Listing, new: Listing) -> Iterator[str]:
    """Lines of what differs."""
    before, after = listing_data(old), listing_data(new)
    for key in LISTING_KEYS:
        if before.get(key) != after.get(key):
            usual = {"lifecycle": "published", "visibility": "public", "project": "default"}.get(key)
            yield f"{key}: {shown(before.get(key, usual))} -> {shown(after.get(key, usual))}"


def time_text(at: float) -> str:
    """A time as a date where it is midnight (UTC), else with its time."""
    moment = datetime.fromtimestamp(at, UTC)
    if moment.time() == time():
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def _sunset(fields: Fields) -> float | None:
    text = fields.text("sunset", None)
    if text is None:
        return None
    try:
        moment = (
            datetime.combine(date.fromisoformat(text), time(), UTC)
            if len(text) == 10
            else datetime.fromisoformat(text)
        )
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (ValueError, OverflowError):
        fields.problem("sunset", f"{text!r} is no date", "Write 2027-01-31, or 2027-01-31T12:00:00Z")
        return None


def _names(fields: Fields, key: str, pattern: str, words: str) -> tuple[str, ...] | None:
    return fields.texts(key, pattern, words) if key in fields else None


def _url(fields: Fields, key: str) -> str | None:
    return read_url(fields, key, query=True) if key in fields else None
