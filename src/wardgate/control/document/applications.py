"""``applications``: consumer programs and the plans they are subscribed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wardgate.control.document.controls import read_controls, read_expiry
from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.names import LINE, LINE_WORDS, NAME, TITLE, TITLE_WORDS
from wardgate.control.document.plans import read_limits
from wardgate.domain.document import ApplicationEntry, SubscriptionEntry
from wardgate.openapi.tree import Node, Path

_STATUSES: tuple[Literal["active", "suspended"], ...] = ("active", "suspended")


@dataclass(frozen=True, slots=True)
class ReadApplication:
    """An application with the fields of its subscriptions, for problems found later."""

    entry: ApplicationEntry
    fields: Fields
    subscriptions: tuple[Fields, ...]


def read_application(report: Report, node: Node, path: Path) -> ReadApplication:
    """One application; mistakes are noted in ``report``."""
    fields = Fields(report, node, path, ("name", "owner", "limits", "groups", "subscriptions"))
    subscriptions: list[SubscriptionEntry] = []
    places: list[Fields] = []
    for item, where in fields.items("subscriptions"):
        inner = Fields(report, item, where, ("api", "plan", "controls", "expires", "status"))
        api = inner.required("api", rf"{NAME}/{NAME}", "the API's name and version, such as orders/v1")
        plan = inner.text("plan", None, NAME, "the name of a plan the API offers")
        if api and any(known.api == api for known in subscriptions):
            inner.problem(
                "api", f"the application is already subscribed to {api!r}", "Keep one subscription to it"
            )
        subscriptions.append(
            SubscriptionEntry(
                api=api,
                plan=plan,
                controls=read_controls(inner),
                expires_at=read_expiry(inner),
                status=inner.choice("status", _STATUSES, None),
            )
        )
        places.append(inner)
    entry = ApplicationEntry(
        name=fields.required("name", TITLE, TITLE_WORDS),
        owner=fields.text("owner", "", LINE, LINE_WORDS),
        subscriptions=tuple(subscriptions),
        limits=read_limits(fields) if "limits" in fields else None,
        groups=tuple(sorted(fields.texts("groups", NAME, "the name of a group")))
        if "groups" in fields
        else None,
    )
    return ReadApplication(entry, fields, tuple(places))
