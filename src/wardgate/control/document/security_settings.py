"""``security`` of an API and of its resources as the settings say it; ``security.py`` joins it with the OpenAPI document."""

from __future__ import annotations

import re
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
)
from wardgate.control.document.oauth2 import ACR, ACR_WORDS, read_oauth2
from wardgate.control.document.policies import read_policies
from wardgate.control.document.requirements import REQUIRE, SCHEMES, Require
from wardgate.control.document.rules import Subscribing, read_acl, read_condition, read_subscribing
from wardgate.domain.api import Acl, ApiKeyScheme, Place, PolicyUse, SchemeName
from wardgate.domain.trust import OAuth2Settings
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
