"""Applications as a document says them, and as they are: from the one to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wardgate.domain.consumer import UNCONTROLLED, Application, Subscription
from wardgate.domain.document import NEVER, ApplicationEntry, SubscriptionEntry
from wardgate.domain.instant import sayable

#: What a document can say of a subscription; others are for who decides about access.
DECLARED = ("active", "suspended")


def entry_of_application(application: Application, subscriptions: Iterable[Subscription]) -> ApplicationEntry:
    """An application as a document would say it, without what waits for a decision or was rejected."""
    return ApplicationEntry(
        name=application.name,
        owner=application.owner,
        limits=application.limits or None,
        groups=application.groups or None,
        subscriptions=tuple(_entry_of(each) for each in subscriptions if each.status in DECLARED),
    )


def _entry_of(subscription: Subscription) -> SubscriptionEntry:
    return SubscriptionEntry(
        api=subscription.api,
        plan=subscription.plan,
        controls=None if subscription.controls == UNCONTROLLED else subscription.controls,
        expires_at=None if subscription.expires_at is None else sayable(subscription.expires_at),
        status="suspended" if subscription.status == "suspended" else None,
    )


def merged_application(said: ApplicationEntry, present: ApplicationEntry | None) -> ApplicationEntry:
    """What holds once ``said`` does, in the form of :func:`entry_of_application`: what it does not name stays as it is.

    Subscriptions have no order of their own: known ones stand first, as they were, so that moving a line changes nothing.
    """
    old = {item.api: item for item in present.subscriptions} if present is not None else {}
    wanted = {item.api: _merged(item, old.get(item.api)) for item in said.subscriptions}
    order = dict.fromkeys([api for api in old if api in wanted] + list(wanted))
    limits = said.limits if said.limits is not None or present is None else present.limits
    groups = said.groups if said.groups is not None or present is None else present.groups
    return replace(
        said,
        subscriptions=tuple(wanted[api] for api in order),
        limits=limits or None,
        groups=groups or None,
    )


def _merged(said: SubscriptionEntry, present: SubscriptionEntry | None) -> SubscriptionEntry:
    controls, expires_at, status = said.controls, said.expires_at, said.status
    if present is not None:
        controls = present.controls if controls is None else controls
        expires_at = present.expires_at if expires_at is None else expires_at
        status = present.status if status is None else status
    return replace(
        said,
        controls=None if controls == UNCONTROLLED else controls,
        expires_at=None if expires_at == NEVER else expires_at,
        status="suspended" if status == "suspended" else None,
    )


def subscription_of(subscription_id: str, application_id: str, entry: SubscriptionEntry) -> Subscription:
    """What an entry that :func:`merged_application` gave says, stored."""
    return Subscription(
        id=subscription_id,
        application=application_id,
        api=entry.api,
        plan=entry.plan,
        status=entry.status or "active",
        controls=entry.controls or UNCONTROLLED,
        expires_at=entry.expires_at,
    )
