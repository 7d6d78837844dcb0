"""``environments``: their order, and what belongs to each. Secrets have no place in a document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields as fields_of
from typing import Any, get_args

from wardgate.control.document.fields import Fields, Report
from wardgate.control.document.limit_text import limits_text, shown
from wardgate.control.document.lines import compared
from wardgate.control.document.names import HOST
from wardgate.control.document.plans import read_limits
from wardgate.control.document.providers import (
    provider_changes,
    provider_data,
    provider_text,
    read_providers,
)
from wardgate.control.document.security_settings import is_off
from wardgate.control.document.urls import read_url
from wardgate.domain.apikey import TAG_PATTERN
from wardgate.domain.document import EnvironmentEntry
from wardgate.domain.environment import LeakPolicy, Retention
from wardgate.domain.limit import Limit
from wardgate.domain.template import NAME
from wardgate.openapi.tree import Node, Path

ENVIRONMENT = r"[a-z][a-z0-9-]{0,31}"
ENVIRONMENT_WORDS = "up to 32 lower-case letters, digits or hyphens, the first a letter"
GATEWAY_HOST = rf"(?:{HOST})(?::[0-9]{{1,5}})?"
#: The value of a variable.
VALUE = r"[^\x00-\x08\x0a-\x1f\x7f]{0,10000}"
VALUE_WORDS = "one line of text"
LEAKS: tuple[LeakPolicy, ...] = get_args(LeakPolicy)
LONGEST_OVERLAP = 366 * 86400
MOST_DAYS = 36_500
_KEYS = (
    "name",
    "tag",
    "production",
    "hosts",
    "variables",
    "plans",
    "retention",
    "token_endpoint",
    "leaks",
    "leak_overlap",
    "identity_providers",
)


def read_environment(report: Report, node: Node, path: Path) -> tuple[EnvironmentEntry, Fields]:
    """One environment with its fields; what is wrong with it is noted in ``report``."""
    fields = Fields(report, node, path, (*_KEYS, "secrets") if _has(node, "secrets") else _KEYS)
    if "secrets" in fields:
        message = "the values of secrets have no place in a document"
        fields.problem(
            "secrets", message, "Set each with `wardgate environments secret set ENVIRONMENT NAME`"
        )
    entry = EnvironmentEntry(
        name=fields.required("name", ENVIRONMENT, ENVIRONMENT_WORDS),
        tag=fields.text("tag", None, TAG_PATTERN, "1 to 12 lower-case letters or digits"),
        production=fields.flag("production", False) if "production" in fields else None,
        hosts=_hosts(fields),
        variables=_variables(fields),
        plans=_plans(fields),
        retention=_retention(fields),
        token_endpoint=_endpoint(fields),
        leaks=fields.choice("leaks", LEAKS, None),
        leak_overlap=fields.integer("leak_overlap", None, 0, LONGEST_OVERLAP),
        identity_providers=read_providers(fields),
    )
    return entry, fields


def environment_data(entry: EnvironmentEntry, limits: Any) -> dict[str, Any]:
    """The keys that :func:`read_environment` reads as an equal entry; ``limits`` writes limits."""
    data: dict[str, Any] = {"name": entry.name}
    for key in ("tag", "production", "leaks", "leak_overlap"):
        if getattr(entry, key) is not None:
            data[key] = getattr(entry, key)
    if entry.hosts is not None:
        data["hosts"] = list(entry.hosts)
    if entry.variables is not None:
        data["variables"] = dict(entry.variables)
    if entry.plans is not None:
        data["plans"] = {name: {"limits": limits(each)} for name, each in entry.plans.items()}
    if entry.retention is not None:
        data["retention"] = {"rollups": entry.retention.rollups, "audit": entry.retention.audit}
    if entry.token_endpoint is not None:
        data["token_endpoint"] = entry.token_endpoint or "off"
    if entry.identity_providers is not None:
        data["identity_providers"] = [provider_data(each) for each in entry.identity_providers]
    return data


def environment_text(entry: EnvironmentEntry) -> str:
    """An environment in one line."""
    signs = [f"identity provider {each.id}: {provider_text(each)}" for each in entry.identity_providers or ()]
    return "; ".join(["for production" if entry.production else "no production", *signs])


def environment_changes(old: EnvironmentEntry, new: EnvironmentEntry) -> Iterator[str]:
    """Lines of what differs; the token endpoint has a line of its own elsewhere."""
    if old.production != new.production:
        yield f"production: {shown(old.production)} -> {shown(new.production)}"
    if old.hosts != new.hosts:
        yield f"hosts: {shown(list(old.hosts or ()))} -> {shown(list(new.hosts or ()))}"
    yield from _mapping("variable", old.variables or {}, new.variables or {}, shown)
    yield from _mapping("plan", old.plans or {}, new.plans or {}, limits_text, "as the plan says")
    before, after = old.retention or Retention(), new.retention or Retention()
    for item in fields_of(Retention):
        was, becomes = getattr(before, item.name), getattr(after, item.name)
        if was != becomes:
            yield f"retention of {item.name}: {was} -> {becomes} days"
    if old.token_endpoint != new.token_endpoint:
        yield f"token endpoint: {old.token_endpoint or 'built in'} -> {new.token_endpoint or 'built in'}"
    for name in ("leaks", "leak_overlap"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {shown(getattr(old, name))} -> {shown(getattr(new, name))}"
    yield from compared(
        "identity provider",
        old.identity_providers or (),
        new.identity_providers or (),
        lambda provider: provider.id,
        provider_text,
        provider_changes,
    )


def _mapping(what: str, old: Any, new: Any, text: Any, none: str = "none") -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            before = text(old[name]) if name in old else none
            after = text(new[name]) if name in new else none
            yield f"{what} {name}: {before} -> {after}"


def _has(node: Node, key: str) -> bool:
    return key in getattr(node, "entries", {})


def _hosts(fields: Fields) -> tuple[str, ...] | None:
    if "hosts" not in fields:
        return None
    return fields.texts("hosts", GATEWAY_HOST, "a host in lower case, such as api.example.com, or with :port")


def _variables(fields: Fields) -> dict[str, str] | None:
    inner = fields.child("variables", ())
    if inner is None:
        return None
    found: dict[str, str] = {}
    for name in inner.entries:
        if _named_well(inner, name):
            value = inner.text(name, None, VALUE, VALUE_WORDS, empty=True)
            if value is not None:
                found[name] = value
    return found


def _named_well(fields: Fields, name: str) -> bool:
    if re.fullmatch(NAME, name):
        return True
    fields.problem(
        name, f"{name!r} is no name of a variable", "Use letters, digits and _, the first no digit"
    )
    return False


def _plans(fields: Fields) -> dict[str, tuple[Limit, ...]] | None:
    inner = fields.child("plans", ())
    if inner is None:
        return None
    found: dict[str, tuple[Limit, ...]] = {}
    for name in inner.entries:
        plan = inner.child(name, ("limits",))
        if plan is not None:
            if "limits" not in plan:
                plan.problem(None, "the key 'limits' is missing", "Add `limits:`; `[]` lifts all of them")
            found[name] = read_limits(plan)
    return found


def _retention(fields: Fields) -> Retention | None:
    inner = fields.child("retention", ("rollups", "audit"))
    if inner is None:
        return None
    usual = Retention()
    return Retention(
        rollups=inner.integer("rollups", usual.rollups, 1, MOST_DAYS),
        audit=inner.integer("audit", usual.audit, 1, MOST_DAYS),
    )


def _endpoint(fields: Fields) -> str | None:
    if "token_endpoint" not in fields:
        return None
    return "" if is_off(fields.entries["token_endpoint"]) else read_url(fields, "token_endpoint", query=True)
