"""What applying a document would change, in lines people read before they say yes."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from wardgate.control.document.clients import client_changes, client_text
from wardgate.control.document.difference_consumers import (
    application_changes,
    application_text,
    group_changes,
    group_text,
)
from wardgate.control.document.environments import environment_changes, environment_text
from wardgate.control.document.limit_text import limits_text, shown
from wardgate.control.document.lines import compared
from wardgate.control.document.listings import listing_changes
from wardgate.control.document.operating import (
    operator_role_changes,
    operator_role_text,
    project_changes,
    project_text,
)
from wardgate.control.document.webhooks import shown_url, webhook_changes, webhook_text
from wardgate.domain.api import Api, PolicyUse, Resource
from wardgate.domain.codec import encode
from wardgate.domain.document import ApiEntry, Document
from wardgate.domain.limit import Plan
from wardgate.domain.people import Role

#: Settings of resources that documents call otherwise.
_CALLED = {"acr_values": "acr"}

_NAME = attrgetter("name")
_ID = attrgetter("id")


def difference(old: Document, new: Document) -> list[str]:
    """The changes from ``old`` to ``new``: ``+`` added, ``-`` removed, ``~`` changed, each naming its object.

    Empty when both enforce and say the same. Settings of policies are never shown, as they may hold secrets.
    """
    lines = [
        *compared(
            "environment",
            old.environments,
            new.environments,
            _NAME,
            environment_text,
            environment_changes,
        ),
        *_order(old, new),
        *compared("project", old.projects, new.projects, _NAME, project_text, project_changes),
        *compared(
            "operator role",
            old.operator_roles,
            new.operator_roles,
            _NAME,
            operator_role_text,
            operator_role_changes,
        ),
        *compared("api", old.apis, new.apis, lambda entry: entry.api.id, _api_text, _api_changes),
        *compared("plan", old.plans, new.plans, _NAME, _plan_text, _plan_changes),
        *compared("role", old.roles, new.roles, _NAME, _role_text, _role_changes),
        *compared("group", old.groups, new.groups, _NAME, group_text, group_changes),
        *compared(
            "application",
            old.applications,
            new.applications,
            _NAME,
            application_text,
            application_changes,
        ),
        *compared(
            "webhook",
            old.webhooks or (),
            new.webhooks or (),
            lambda webhook: webhook.url,
            webhook_text,
            webhook_changes,
            shown_url,
        ),
        *compared("client", old.clients or (), new.clients or (), _ID, client_text, client_changes),
    ]
    before, after = _token_endpoint(old), _token_endpoint(new)
    if before != after:
        lines.append(f"~ authorization server: token endpoint {before} -> {after}")
    return lines


def _order(old: Document, new: Document) -> list[str]:
    before, after = [each.name for each in old.environments], [each.name for each in new.environments]
    staying = [name for name in after if name in before]
    if staying == [name for name in before if name in after]:
        return []
    return [f"~ environments: order {', '.join(before)} -> {', '.join(after)}"]


def _token_endpoint(document: Document) -> str:
    server = document.authorization_server
    return server.token_endpoint if server is not None and server.token_endpoint else "built in"


def _api_text(entry: ApiEntry) -> str:
    api = entry.api
    count = len(api.resources)
    return (
        f"{count} resource{'s' if count != 1 else ''} at {_mount(api)}, to {', '.join(api.upstream.targets)}"
    )


def _mount(api: Api) -> str:
    path = api.base_path or "/"
    return ", ".join(host + path for host in api.hosts) if api.hosts else path


def _api_changes(old: ApiEntry, new: ApiEntry) -> Iterator[str]:
    before, after = _settings(old.api), _settings(new.api)
    found = False
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            found = True
            yield f"{key}: {shown(before.get(key))} -> {shown(after.get(key))}"
    if old.api.policies != new.api.policies:
        found = True
        yield _policies("policies", old.api.policies, new.api.policies)
    for line in _resources(old.api, new.api):
        found = True
        yield line
    for line in listing_changes(old.listing, new.listing):
        found = True
        yield line
    if not found:
        what = "OpenAPI document" if old.openapi_text != new.openapi_text else "text of its settings"
        yield f"{what} (nothing the gateway enforces)"


def _settings(api: Api) -> dict[str, Any]:
    """Every setting but resources and policies, under its dotted name."""
    flat: dict[str, Any] = {}
    stack: list[tuple[str, Any]] = [("", encode(api))]
    while stack:
        prefix, value = stack.pop()
        for key, item in value.items():
            name = f"{prefix}{key}"
            if name in ("resources", "policies"):
                continue
            if isinstance(item, dict):
                stack.append((f"{name}.", item))
            elif name == "oauth2.issuers":
                flat[name] = [issuer["issuer"] or issuer["kind"] for issuer in item]
                stack += [(f"{name}[{issuer['issuer'] or issuer['kind']}].", issuer) for issuer in item]
            else:
                flat[name] = item
    return flat


def _resources(old: Api, new: Api) -> Iterator[str]:
    before = {resource.name: resource for resource in old.resources}
    after = {resource.name: resource for resource in new.resources}
    for name, resource in before.items():
        if name not in after:
            yield f"- resource {name} ({_access(resource)})"
    for name, resource in after.items():
        known = before.get(name)
        if known is None:
            yield f"+ resource {name} ({_access(resource)})"
        elif known != resource:
            yield f"~ resource {name}: {'; '.join(_resource_changes(known, resource))}"


def _resource_changes(old: Resource, new: Resource) -> Iterator[str]:
    told = {"policies"}
    if _access(old) != _access(new):
        yield f"{_access(old)} -> {_access(new)}"
        told |= {"schemes", "scopes", "require"}
    before, after = encode(old), encode(new)
    for name in before:
        if name not in told and before[name] != after[name]:
            yield f"{_CALLED.get(name, name)} {shown(before[name])} -> {shown(after[name])}"
    if old.policies != new.policies:
        yield _policies("policies", old.policies, new.policies)


def _access(resource: Resource) -> str:
    if not resource.schemes:
        return "open"
    schemes = (" and " if resource.require == "all" else " or ").join(resource.schemes)
    return f"{schemes}, scopes {' '.join(resource.scopes)}" if resource.scopes else schemes


def _policies(what: str, old: tuple[PolicyUse, ...], new: tuple[PolicyUse, ...]) -> str:
    before, after = [use.name for use in old], [use.name for use in new]
    if before != after:
        return f"{what}: {shown(before)} -> {shown(after)}"
    changed = sorted({b.name for b, a in zip(old, new, strict=True) if a != b})
    return f"{what}: settings of {', '.join(changed)} changed"


def _plan_text(plan: Plan) -> str:
    return limits_text(plan.limits) + (", by approval" if plan.approval == "required" else "")


def _plan_changes(old: Plan, new: Plan) -> Iterator[str]:
    if old.description != new.description:
        yield f"description: {shown(old.description)} -> {shown(new.description)}"
    if old.limits != new.limits:
        yield f"limits: {limits_text(old.limits)} -> {limits_text(new.limits)}"
    if old.approval != new.approval:
        yield f"approval: {old.approval} -> {new.approval}"


def _role_text(role: Role) -> str:
    return " ".join(role.scopes) or "no scopes"


def _role_changes(old: Role, new: Role) -> Iterator[str]:
    if old.description != new.description:
        yield f"description: {shown(old.description)} -> {shown(new.description)}"
    for scope in old.scopes:
        if scope not in new.scopes:
            yield f"- scope {scope}"
    for scope in new.scopes:
        if scope not in old.scopes:
            yield f"+ scope {scope}"
    if old.scopes != new.scopes and set(old.scopes) == set(new.scopes):
        yield "order of its scopes"
