"""``security``: who may call what, from the settings and the OpenAPI document together, the stricter word winning.

* ``security: off`` opens the whole API; ``off`` at a resource opens that one. Nothing else opens what settings guard.
* ``security.schemes`` guard every operation; a ``security: []`` in the OpenAPI document does not open any.
* Without them each operation asks for what the OpenAPI document says of it. Alternatives and combinations are both
  listed, so an operation that offers anonymous access beside a scheme asks for the scheme. One of which the document
  says nothing at all is a problem, never open.
* Scopes of the document stay with the scheme they qualify; settings add to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from wardgate.control.document.fields import Fields, suggestion
from wardgate.control.document.names import HTTP_NAME, HTTP_NAME_WORDS, SCOPE, SCOPE_WORDS, reserved_header
from wardgate.control.document.policies import read_policies
from wardgate.domain.api import ApiKeyScheme, Place, PolicyUse, Resource, SchemeName
from wardgate.openapi.document import OpenApiDocument, Operation, SecurityScheme
from wardgate.openapi.tree import Node, Scalar
from wardgate.openapi.tree import Path as TreePath

SCHEMES: tuple[SchemeName, ...] = get_args(SchemeName)
PLACES: tuple[Place, ...] = get_args(Place)
OVERRIDE_KEYS = ("security", "schemes", "scopes", "max_body", "policies")
_SHOWN = 5
_REMEDY = "Add `security: { schemes: [api_key] }` to the API, or `security: off` to open it on purpose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What the settings say of one resource. ``schemes`` is ``None`` where they say nothing, empty for ``off``."""

    schemes: tuple[SchemeName, ...] | None = None
    scopes: tuple[str, ...] = ()
    max_body: int | None = None
    policies: tuple[PolicyUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The ``security`` of an API as written. ``schemes`` is ``None`` where the OpenAPI document decides."""

    schemes: tuple[SchemeName, ...] | None = None
    api_key: ApiKeyScheme | None = None
    overrides: dict[str, tuple[TreePath, int, Override]]


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
    fields = Fields(api.report, node, (*api.path, "security"), ("schemes", "api_key", "resources"))
    return Settings(schemes=_schemes(fields), api_key=_api_key(fields), overrides=_overrides(fields))


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
            for key in ("schemes", "scopes"):
                if key in fields:
                    fields.problem(key, f"{key!r} contradicts `security: off`", "Remove one of them")
            schemes = ()
    return Override(
        schemes=schemes,
        scopes=fields.texts("scopes", SCOPE, SCOPE_WORDS),
        max_body=fields.size("max_body", None),
        policies=read_policies(fields),
    )


def resolve(
    api: Fields, settings: Settings, document: OpenApiDocument
) -> tuple[tuple[Resource, ...], ApiKeyScheme, tuple[SchemeName, ...]]:
    """Every operation as a resource, where keys stand, and the schemes of what the document does not declare."""
    names = {operation.name for operation in document.operations}
    for name, (path, line, _) in settings.overrides.items():
        if name not in names:
            message = f"the OpenAPI document has no operation {name!r}"
            api.report.add(line, path, message, suggestion(name, names, "operations"))
    undeclared: list[str] = []
    unknown: dict[str, list[str]] = {}
    combined: list[str] = []
    resources = tuple(
        _resource(operation, settings, document, undeclared, unknown, combined)
        for operation in document.operations
    )
    if combined:
        # Read as alternatives, one of the credentials alone would open what asks for both.
        message = f"the OpenAPI document asks for several credentials at once for {_listed(combined)}"
        api.problem(
            "openapi", message, "Say in `security: { schemes: [...] }` which one of them is to be asked for"
        )
    if undeclared:
        message = f"the OpenAPI document declares no security for {_listed(undeclared)}"
        api.problem("security" if "security" in api else "openapi", message, _REMEDY)
    for kind, operations in unknown.items():
        message = f"the scheme {kind!r} of {_listed(operations)} is not supported"
        api.problem("openapi", message, f"Set `security.schemes` to some of {', '.join(SCHEMES)}")
    key = settings.api_key or _declared_key(api, document, resources)
    if key.place == "header" and reserved_header(key.name):
        message = f"the header {key.name!r} cannot carry an API key"
        api.problem(
            "security" if settings.api_key else "openapi",
            message,
            "Choose a header of its own: `security: { api_key: { in: header, name: X-API-Key } }`",
        )
    default: tuple[SchemeName, ...] = ("api_key",)
    if settings.schemes is not None:
        default = settings.schemes
    elif document.security and (declared := _names(document.security, document)):
        default = declared
    return resources, key, default


def _resource(
    operation: Operation,
    settings: Settings,
    document: OpenApiDocument,
    undeclared: list[str],
    unknown: dict[str, list[str]],
    combined: list[str],
) -> Resource:
    override = settings.overrides[operation.name][2] if operation.name in settings.overrides else Override()
    schemes = override.schemes if override.schemes is not None else settings.schemes
    if schemes is None:
        if operation.security is None:
            undeclared.append(operation.name)
        schemes = _names(operation.security or (), document)
        for requirement in operation.security or ():
            if len({document.schemes[name].scheme for name in requirement}) > 1:
                combined.append(operation.name)
            for name in requirement:
                if document.schemes[name].scheme is None:
                    unknown.setdefault(document.schemes[name].kind, []).append(operation.name)
    return Resource(
        method=operation.method,
        path=operation.path,
        schemes=schemes,
        scopes=_scopes(operation, schemes, document, override.scopes),
        operation_id=operation.operation_id,
        max_body=override.max_body,
        policies=override.policies,
    )


def _names(requirements: Iterable[Iterable[str]], document: OpenApiDocument) -> tuple[SchemeName, ...]:
    used = {document.schemes[name].scheme for requirement in requirements for name in requirement}
    return tuple(scheme for scheme in SCHEMES if scheme in used)


def _scopes(
    operation: Operation, schemes: tuple[SchemeName, ...], document: OpenApiDocument, added: tuple[str, ...]
) -> tuple[str, ...]:
    scopes = [
        scope
        for requirement in operation.security or ()
        for name, wanted in requirement.items()
        if document.schemes[name].scheme in schemes
        for scope in wanted
    ]
    return tuple(dict.fromkeys((*scopes, *added)))


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
