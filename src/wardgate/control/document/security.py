"""``security``: who may call what, from the settings and the OpenAPI document together, the stricter word winning.

* ``security: off`` opens the whole API; ``off`` at a resource opens that one. Nothing else opens what settings guard.
* ``security.schemes`` guard every operation; a ``security: []`` in the OpenAPI document does not open any.
* Without them each operation asks for what the OpenAPI document says of it: one of its alternatives, or both an API key
  and OAuth 2.0 where one requirement names both. An operation that offers anonymous access beside a scheme asks for the
  scheme. One of which the document says nothing at all is a problem, never open.
* ``require: all`` of either asks for every scheme; ``any`` of the settings does not undo ``all`` of the document.
* ACLs and conditions of the API and of a resource are asked one beside the other; what is open asks for neither.
* Scopes of the document stay with the scheme they qualify; settings add to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wardgate.control.document.fields import Fields, suggestion
from wardgate.control.document.names import (
    HTTP_NAME,
    HTTP_NAME_WORDS,
    reserved_header,
)
from wardgate.control.document.requirements import (
    SCHEMES,
    Require,
    declared_scopes,
    require_of,
    schemes_of,
    scopes_of,
)
from wardgate.control.document.rules import (
    check_condition,
)
from wardgate.control.document.security_settings import Override, Settings
from wardgate.domain.api import ApiKeyScheme, Resource, SchemeName
from wardgate.openapi.document import OpenApiDocument, Operation, SecurityScheme

_SHOWN = 5
_REMEDY = "Add `security: { schemes: [api_key] }` to the API, or `security: off` to open it on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Settings and OpenAPI document together. ``schemes`` and ``require`` are of what the document does not declare;
    ``scopes`` are all scopes of the API with their descriptions."""

    resources: tuple[Resource, ...]
    api_key: ApiKeyScheme
    schemes: tuple[SchemeName, ...]
    require: Require
    scopes: dict[str, str]


@dataclass(slots=True)
class _Notes:
    """Operations something is wrong with, gathered into one problem each."""

    undeclared: list[str]
    unknown: dict[str, list[str]]
    combined: list[str]


def resolve(api: Fields, settings: Settings, document: OpenApiDocument) -> Resolved:
    """Every operation as a resource, and what holds for the API as a whole."""
    names = {operation.name for operation in document.operations}
    for name, (path, line, _) in settings.overrides.items():
        if name not in names:
            message = f"the OpenAPI document has no operation {name!r}"
            api.report.add(line, path, message, suggestion(name, names, "operations"))
    notes = _Notes([], {}, [])
    resources = tuple(_resource(operation, settings, document, notes) for operation in document.operations)
    _report(api, notes)
    key = settings.api_key or _declared_key(api, document, resources)
    if key.place == "header" and reserved_header(key.name):
        message = f"the header {key.name!r} cannot carry an API key"
        api.problem(
            "security" if settings.api_key else "openapi",
            message,
            "Choose a header of its own: `security: { api_key: { in: header, name: X-API-Key } }`",
        )
    _check_conditions(api, settings, resources, key)
    default: tuple[SchemeName, ...] = ("api_key",)
    require: Require | None = "any"
    if settings.schemes is not None:
        default = settings.schemes
    elif document.security and (declared := schemes_of(document.security, document)):
        default, require = declared, require_of(document.security, document)
    return Resolved(
        resources=resources,
        api_key=key,
        schemes=default,
        # Requirements that no one word says are read as the stricter one: this concerns what nothing else declares.
        require=_stricter(default, settings.require, require or "all"),
        scopes=_all_scopes(settings, document, resources),
    )


def _check_conditions(
    api: Fields, settings: Settings, resources: tuple[Resource, ...], key: ApiKeyScheme
) -> None:
    """What conditions ask for must be there at every resource they stand for."""
    asked = tuple(resource for resource in resources if resource.schemes)
    path, line = (*api.path, "security", "condition"), api.line_of(("security", "condition"))
    check_condition(api, path, line, settings.condition, asked, key)
    for resource in asked:
        if resource.condition:
            place, line, _ = settings.overrides[resource.name]
            check_condition(api, (*place, "condition"), line, resource.condition, (resource,), key)


def _report(api: Fields, notes: _Notes) -> None:
    if notes.combined:
        # Read as alternatives, one of the credentials alone would open what asks for both.
        message = (
            "the OpenAPI document asks for credentials in a combination that cannot be kept for "
            f"{_listed(notes.combined)}"
        )
        api.problem(
            "openapi",
            message,
            "An API key and OAuth 2.0 together can be asked for, in every alternative or in none; or say in "
            "`security: { schemes: [...], require: all }` what is to be asked for",
        )
    if notes.undeclared:
        message = f"the OpenAPI document declares no security for {_listed(notes.undeclared)}"
        api.problem("security" if "security" in api else "openapi", message, _REMEDY)
    for kind, operations in notes.unknown.items():
        message = f"the scheme {kind!r} of {_listed(operations)} is not supported"
        api.problem("openapi", message, f"Set `security.schemes` to some of {', '.join(SCHEMES)}")


def _resource(operation: Operation, settings: Settings, document: OpenApiDocument, notes: _Notes) -> Resource:
    override = settings.overrides[operation.name][2] if operation.name in settings.overrides else Override()
    schemes = override.schemes if override.schemes is not None else settings.schemes
    requirements = operation.security or ()
    require: Require | None = "any"
    if schemes is None:
        if operation.security is None:
            notes.undeclared.append(operation.name)
        schemes = schemes_of(requirements, document)
        require = require_of(requirements, document)
        if require is None:
            notes.combined.append(operation.name)
        for name in (name for requirement in requirements for name in requirement):
            if document.schemes[name].scheme is None:
                notes.unknown.setdefault(document.schemes[name].kind, []).append(operation.name)
    return Resource(
        method=operation.method,
        path=operation.path,
        schemes=schemes,
        require=_stricter(schemes, override.require or settings.require, require or "all"),
        scopes=tuple(dict.fromkeys((*scopes_of(requirements, schemes, document), *override.scopes))),
        operation_id=operation.operation_id,
        acr_values=override.acr_values,
        max_age=override.max_age,
        acl=override.acl,
        condition=override.condition,
        max_body=override.max_body,
        policies=override.policies,
    )


def _stricter(schemes: tuple[SchemeName, ...], written: Require | None, declared: Require) -> Require:
    """``all`` where settings or document say so and there are several schemes to ask for."""
    return "all" if len(schemes) > 1 and "all" in (written, declared) else "any"


def _all_scopes(
    settings: Settings, document: OpenApiDocument, resources: tuple[Resource, ...]
) -> dict[str, str]:
    """The scopes of the document, of the settings, whose words win, and those that only a resource names."""
    scopes = declared_scopes(document)
    for name, words in (settings.scopes or {}).items():
        scopes[name] = words or scopes.get(name, "")
    for resource in resources:
        for scope in resource.scopes:
            scopes.setdefault(scope, "")
    return scopes


def check_scopes(api: Fields, settings: Settings, document: OpenApiDocument) -> None:
    """Notes a problem for each scope of a resource's settings that nobody made, where some were made."""
    known = declared_scopes(document) | (settings.scopes or {})
    if settings.scopes is None:
        return
    known |= {
        scope: ""
        for each in document.operations
        for r in each.security or ()
        for x in r.values()
        for scope in x
    }
    for path, line, override in settings.overrides.values():
        for scope in override.scopes:
            if scope not in known:
                api.report.add(
                    line,
                    (*path, "scopes"),
                    f"there is no scope {scope!r}",
                    suggestion(scope, known, "scopes"),
                )


def _declared_key(api: Fields, document: OpenApiDocument, resources: tuple[Resource, ...]) -> ApiKeyScheme:
    """Where the document's one API key scheme puts the key; more than one in use is a problem."""
    if not any("api_key" in resource.schemes for resource in resources):
        return ApiKeyScheme()
    used = {name for operation in document.operations for item in operation.security or () for name in item}
    keys = [scheme for scheme in document.schemes.values() if scheme.scheme == "api_key"]
    places = _places(scheme for scheme in keys if scheme.name in used) or _places(keys)
    for place in places:
        if not re.fullmatch(HTTP_NAME, place.name):
            message = f"the API key name {place.name!r} of the OpenAPI document cannot be used"
            api.problem("openapi", message, f"Use {HTTP_NAME_WORDS}")
    if len(places) > 1:
        shown = " and ".join(f"{place.place} {place.name}" for place in places)
        message = f"the OpenAPI document puts API keys in several places: {shown}"
        remedy = "Choose one: `security: { api_key: { in: header, name: X-API-Key } }`"
        api.problem("openapi", message, remedy)
    return places[0] if places else ApiKeyScheme()


def _places(schemes: Iterable[SecurityScheme]) -> list[ApiKeyScheme]:
    return list(dict.fromkeys(ApiKeyScheme(place=s.place, name=s.parameter) for s in schemes))


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more}"
