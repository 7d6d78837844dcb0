"""The lines of :func:`difference` about applications, their subscriptions, and groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from wardgate.control.document.controls import expiry_text
from wardgate.control.document.limit_text import limits_text, shown
from wardgate.domain.access import Group
from wardgate.domain.consumer import UNCONTROLLED
from wardgate.domain.document import ApplicationEntry, SubscriptionEntry


def group_text(group: Group) -> str:
    """A group in one line."""
    return f"roles {' '.join(group.roles)}" if group.roles else "no roles"


def group_changes(old: Group, new: Group) -> Iterator[str]:
    """What differs between two states of a group."""
    if old.description != new.description:
        yield f"description: {shown(old.description)} -> {shown(new.description)}"
    yield from _members("role", old.roles, new.roles)


def application_text(application: ApplicationEntry) -> str:
    """An application in one line."""
    return ", ".join(_on(item) for item in application.subscriptions) or "no subscriptions"


def application_changes(old: ApplicationEntry, new: ApplicationEntry) -> Iterator[str]:
    """What differs between two states of an application."""
    if old.owner != new.owner:
        yield f"owner: {shown(old.owner)} -> {shown(new.owner)}"
    if (old.limits or ()) != (new.limits or ()):
        yield f"limits: {limits_text(old.limits or ())} -> {limits_text(new.limits or ())}"
    yield from _members("group", old.groups or (), new.groups or ())
    before = {item.api: item for item in old.subscriptions}
    after = {item.api: item for item in new.subscriptions}
    for api, item in before.items():
        if api not in after:
            yield f"- subscription {_on(item)}"
    for api, item in after.items():
        if api not in before:
            yield f"+ subscription {_on(item)}"
        else:
            for line in _subscription_changes(before[api], item):
                yield f"~ subscription {api}: {line}"
    if list(before) != list(after) and before == after:
        yield "order of its subscriptions"


def _subscription_changes(old: SubscriptionEntry, new: SubscriptionEntry) -> Iterator[str]:
    if old.plan != new.plan:
        yield f"{shown(old.plan)} -> {shown(new.plan)}"
    before, after = old.controls or UNCONTROLLED, new.controls or UNCONTROLLED
    for item in fields(before):
        first, second = getattr(before, item.name), getattr(after, item.name)
        if first != second:
            yield f"{item.name}: {_control(item.name, first)} -> {_control(item.name, second)}"
    if old.expires_at != new.expires_at:
        yield f"expires: {_expiry(old.expires_at)} -> {_expiry(new.expires_at)}"
    if (old.status or "active") != (new.status or "active"):
        yield f"status: {old.status or 'active'} -> {new.status or 'active'}"


def _members(what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for name in old:
        if name not in new:
            yield f"- {what} {name}"
    for name in new:
        if name not in old:
            yield f"+ {what} {name}"


def _control(name: str, value: Any) -> str:
    return limits_text(value) if name == "limits" else shown(list(value))


def _expiry(at: float | None) -> str:
    return "never" if at is None else expiry_text(at)


def _on(item: SubscriptionEntry) -> str:
    text = f"{item.api} on plan {item.plan}" if item.plan else f"{item.api} without a plan"
    if item.controls:
        text += ", controlled"
    if item.expires_at is not None:
        text += f", until {_expiry(item.expires_at)}"
    return f"{text}, suspended" if item.status == "suspended" else text
