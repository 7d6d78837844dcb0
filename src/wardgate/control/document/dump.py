"""A document as YAML again: APIs as their owners wrote them, plans, roles and applications without their defaults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from wardgate.control.document.clients import client_data
from wardgate.control.document.controls import expiry_text
from wardgate.control.document.environments import environment_data
from wardgate.control.document.listings import listing_data
from wardgate.control.document.operating import operator_role_data, project_data
from wardgate.control.document.roles import role_data
from wardgate.control.document.webhooks import webhook_data
from wardgate.domain.access import Group
from wardgate.domain.document import NEVER, ApiEntry, ApplicationEntry, Document, SubscriptionEntry
from wardgate.domain.limit import Limit, Plan
from wardgate.domain.oauth import OIDC_SCOPES
from wardgate.openapi.yamltext import dump_yaml

SETTINGS_NAME = "wardgate.yaml"


def dump(document: Document) -> str:
    """YAML that :func:`load` reads as an equal document, with the OpenAPI documents where its APIs refer to them."""
    return dump_yaml(_data(document, [_source(entry) for entry in document.apis]))


def export(document: Document) -> dict[str, str]:
    """The text of every file of the document by its relative name, ``wardgate.yaml`` and the OpenAPI documents.

    Names are kept as written. Only where two different texts share a name, or a name leads out of the folder, is the
    reference changed to a name beside ``wardgate.yaml``, so that writing the files never touches anything else.
    """
    files: dict[str, str] = {}
    sources: list[dict[str, Any]] = []
    for entry in document.apis:
        source = _source(entry)
        name = _inside(entry.openapi_name)
        if name is None or name == SETTINGS_NAME:
            name = PurePath(entry.openapi_name).name
            name = name if name not in (SETTINGS_NAME, "..", "") else f"{entry.api.name}.openapi.yaml"
            source["openapi"] = f"./{name}"
        if files.get(name, entry.openapi_text) != entry.openapi_text:
            name = f"{entry.api.name}-{entry.api.version}.{PurePath(name).name}"
            source["openapi"] = f"./{name}"
        files[name] = entry.openapi_text
        sources.append(source)
    return {SETTINGS_NAME: dump_yaml(_data(document, sources)), **files}


def _source(entry: ApiEntry) -> dict[str, Any]:
    """An API's settings as written, with what holds beside its revision after its name and version."""
    source = dict(entry.source)
    listing = listing_data(entry.listing)
    if not listing:
        return source
    first = {key: source.pop(key) for key in ("name", "version") if key in source}
    return first | listing | source


def _inside(reference: str) -> str | None:
    """The reference as a relative name below the folder, or ``None`` if it leads out of it."""
    path = PurePath(reference)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return None
    return str(path)


def _data(document: Document, sources: list[dict[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    server = document.authorization_server
    if document.environments:
        data["environments"] = [environment_data(each, _limits) for each in document.environments]
    if document.projects:
        data["projects"] = [project_data(each) for each in document.projects]
    if document.operator_roles:
        data["operator_roles"] = [operator_role_data(each) for each in document.operator_roles]
    if document.webhooks is not None:
        data["webhooks"] = [webhook_data(each) for each in document.webhooks]
    other = document.plans or document.roles or document.groups or document.applications or server
    if sources or not (data or other):
        data["apis"] = sources
    if document.plans:
        data["plans"] = [_plan(plan) for plan in document.plans]
    if document.roles:
        known = {*OIDC_SCOPES, *(scope for entry in document.apis for scope in entry.api.scopes)}
        data["roles"] = [role_data(role, known) for role in document.roles]
    if document.groups:
        data["groups"] = [_group(group) for group in document.groups]
    if document.applications:
        data["applications"] = [_application(application) for application in document.applications]
    if document.clients is not None:
        data["clients"] = [client_data(each) for each in document.clients]
    if server is not None:
        data["authorization_server"] = (
            {"token_endpoint": server.token_endpoint} if server.token_endpoint else "off"
        )
    return data


def _plan(plan: Plan) -> dict[str, Any]:
    data: dict[str, Any] = {"name": plan.name}
    if plan.description:
        data["description"] = plan.description
    if plan.approval != "auto":
        data["approval"] = plan.approval
    if plan.limits:
        data["limits"] = [_limit(limit) for limit in plan.limits]
    return data


def _group(group: Group) -> dict[str, Any]:
    data: dict[str, Any] = {"name": group.name}
    if group.description:
        data["description"] = group.description
    if group.roles:
        data["roles"] = list(group.roles)
    return data


def _limits(limits: Iterable[Limit]) -> list[dict[str, Any]]:
    return [_limit(limit) for limit in limits]


def _limit(limit: Limit) -> dict[str, Any]:
    always = {"kind", "amount"} | ({"timezone"} if limit.kind == "quota" else set())
    data = {
        item.name: getattr(limit, item.name)
        for item in fields(limit)
        if item.name in always or getattr(limit, item.name) != item.default
    }
    if limit.soften is not None:
        data["soften"] = {"amount": limit.soften.amount, "per": limit.soften.per}
    return data


def _application(application: ApplicationEntry) -> dict[str, Any]:
    data: dict[str, Any] = {"name": application.name}
    if application.owner:
        data["owner"] = application.owner
    if application.limits is not None:
        data["limits"] = [_limit(limit) for limit in application.limits]
    if application.groups is not None:
        data["groups"] = list(application.groups)
    if application.subscriptions:
        data["subscriptions"] = [_subscription(item) for item in application.subscriptions]
    return data


def _subscription(item: SubscriptionEntry) -> dict[str, Any]:
    data: dict[str, Any] = {"api": item.api}
    if item.plan is not None:
        data["plan"] = item.plan
    if item.controls is not None:
        controls: dict[str, Any] = {}
        if item.controls.limits:
            controls["limits"] = [_limit(limit) for limit in item.controls.limits]
        for name in ("cidrs", "scopes", "roles"):
            if values := getattr(item.controls, name):
                controls[name] = list(values)
        data["controls"] = controls
    if item.expires_at is not None:
        data["expires"] = "never" if item.expires_at == NEVER else expiry_text(item.expires_at)
    if item.status is not None:
        data["status"] = item.status
    return data
