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
from typing import get_args

from wardgate.control.document.fields import Fields, suggestion
from wardgate.control.document.issuers import LONGEST
from wardgate.control.document.names import (
    HTTP_NAME,
    HTTP_NAME_WORDS,
    LINE,
    LINE_WORDS,
    SCOPE,
    SCOPE_WORDS,
    reserved_header,
)
from wardgate.control.document.oauth2 import ACR, ACR_WORDS, read_oauth2
from wardgate.control.document.policies import read_policies
from wardgate.control.document.requirements import (
    REQUIRE,
    SCHEMES,
    Require,
    declared_scopes,
    require_of,
    schemes_of,
    scopes_of,
)
from wardgate.control.document.rules import (
    Subscribing,
    check_condition,
    read_acl,
    read_condition,
    read_subscribing,
)
from wardgate.domain.api import Acl, ApiKeyScheme, Place, PolicyUse, Resource, SchemeName
from wardgate.domain.trust import OAuth2Settings
from wardgate.openapi.document import OpenApiDocument, Operation, SecurityScheme
from wardgate.openapi.tree import Node, Scalar
from wardgate.openapi.tree import Path as TreePath

PLACES: tuple[Place, ...] = get_args(Place)
KEYS = ("schemes", "require", "api_key", "oauth2", "scopes", "acl", "condition", "subscription", "resources")
OVERRIDE_KEYS = (
    "security",
    "schemes",
    "require",
    "scopes",
    "acr",
    "max_age",
    "acl",
    "condition",
    "max_body",
    "policies",
)
_SHOWN = 5
_REMEDY = "Add `security: { schemes: [api_key] }` to the API, or `security: off` to open it on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What the settings say of one resource. ``schemes`` is ``None`` where they say nothing, empty for ``off``."""

    schemes: tuple[SchemeName, ...] | None = None
    require: Require | None = None
    scopes: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    acl: Acl | None = None
    condition: str = ""
    max_body: int | None = None
    policies: tuple[PolicyUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The ``security`` of an API as written. ``schemes`` is ``None`` where the OpenAPI document decides; ``scopes``
    where no scope is made in the settings."""

    schemes: tuple[SchemeName, ...] | None = None
    require: Require | None = None
    api_key: ApiKeyScheme | None = None
    oauth2: OAuth2Settings | None = None
    scopes: dict[str, str] | None = None
    acl: Acl | None = None
    condition: str = ""
    subscription: Subscribing = "required"
    overrides: dict[str, tuple[TreePath, int, Override]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Settings and OpenAPI document together. ``schemes`` and ``require`` are of what the document does not declare;
    ``scopes`` are all scopes of the API with their descriptions."""

    resources: tuple[Resource, ...]
    api_key: ApiKeyScheme
    schemes: tuple[SchemeName, ...]
    require: Require
    scopes: dict[str, str]


def is_off(node: Node | None) -> bool:
    """Whether a value is ``off`` (or ``false``, as YAML 1.1 tools write it)."""
    return isinstance(node, Scalar) and (node.value == "off" or node.value is False)


def read_settings(api: Fields) -> Settings:
    """The ``security`` of one API; mistakes are noted."""
    node = api.entries.get("security")
    if node is None:
        return Settings(overrides={})
    if is_off(node):
        return Settings(schemes=(), overrides={})
    if isinstance(node, Scalar):
        api.problem(
            "security", f"{node.value!r} is no valid security", "Write `off` or `{ schemes: [api_key] }`"
        )
        return Settings(schemes=("api_key",), overrides={})
    fields = Fields(api.report, node, (*api.path, "security"), KEYS)
    acl, condition = read_acl(fields), read_condition(fields)
    return Settings(
        schemes=_schemes(fields),
        require=fields.choice("require", REQUIRE, None),
        api_key=_api_key(fields),
        oauth2=read_oauth2(fields),
        scopes=_made_scopes(fields),
        acl=acl,
        condition=condition,
        subscription=read_subscribing(fields, acl, condition),
        overrides=_overrides(fields),
    )


def _made_scopes(fields: Fields) -> dict[str, str] | None:
    """Scopes made in the settings, each with what it lets one do."""
    inner = fields.child("scopes", ())
    if inner is None:
        return None
    made: dict[str, str] = {}
    for name in inner.entries:
        if not re.fullmatch(SCOPE, name):
            inner.problem(name, f"{name!r} is no valid scope", f"Use {SCOPE_WORDS}")
        else:
            made[name] = inner.text(name, "", LINE, LINE_WORDS)
    return made


def _schemes(fields: Fields) -> tuple[SchemeName, ...] | None:
    if "schemes" not in fields:
        return None
    names = fields.texts("schemes", r"[\S ]+", f"one of {', '.join(SCHEMES)}")
    for index, name in enumerate(names):
        if name not in SCHEMES:
            path = (*fields.path, "schemes", index)
            line = fields.items("schemes")[index][0].line
            fields.report.add(
                line, path, f"unknown security scheme {name!r}", suggestion(name, SCHEMES, "schemes")
            )
    if not fields.items("schemes"):
        fields.problem("schemes", "an empty list of schemes says nothing", "Write `security: off` to open it")
    return tuple(scheme for scheme in SCHEMES if scheme in names) or ("api_key",)


def _api_key(fields: Fields) -> ApiKeyScheme | None:
    inner = fields.child("api_key", ("in", "name"))
    if inner is None:
        return None
    default = ApiKeyScheme()
    place = inner.choice("in", PLACES, default.place)
    if place != "header" and "name" not in inner:
        inner.problem(None, f"a key in a {place} needs a name", "Add `name:`")
    return ApiKeyScheme(place=place, name=inner.text("name", default.name, HTTP_NAME, HTTP_NAME_WORDS))


def _overrides(fields: Fields) -> dict[str, tuple[TreePath, int, Override]]:
    found: dict[str, tuple[TreePath, int, Override]] = {}
    resources = fields.child("resources", ())
    for name in resources.entries if resources else ():
        inner = resources.child(name, OVERRIDE_KEYS) if resources else None
        if inner is None:
            continue
        method, _, path = name.partition(" ")
        key = f"{method.upper()} {path.strip()}"
        if key in found:
            inner.problem(None, f"{key!r} stands here twice", "Merge the two")
        found[key] = (inner.path, inner.line, _override(inner))
    return found


def _override(fields: Fields) -> Override:
    schemes = _schemes(fields)
    if "security" in fields:
        if not is_off(fields.entries["security"]):
            remedy = "Write `security: off`, or list `schemes:` at the resource"
            fields.problem("security", "a resource's security can only be switched off", remedy)
        else:
            for key in ("schemes", "require", "scopes", "acr", "max_age", "acl", "condition"):
                if key in fields:
                    fields.problem(key, f"{key!r} contradicts `security: off`", "Remove one of them")
            schemes = ()
    return Override(
        schemes=schemes,
        require=fields.choice("require", REQUIRE, None),
        scopes=fields.texts("scopes", SCOPE, SCOPE_WORDS),
        acr_values=fields.texts("acr", ACR, ACR_WORDS),
        max_age=fields.integer("max_age", None, 0, LONGEST),
        acl=read_acl(fields),
        condition=read_condition(fields),
        max_body=fields.size("max_body", None),
        policies=read_policies(fields),
    )


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
