"""What the security requirements of an OpenAPI document come to: which schemes, one of them or all, which scopes.

A list of requirements offers alternatives, and one requirement may name several schemes that are needed together
(OpenAPI 3.1 section 4.8.30). A resource knows one word for it, so mixed lists are nobody's to guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, get_args

from wardgate.control.document.names import SCOPE
from wardgate.domain.api import SchemeName
from wardgate.openapi.document import OpenApiDocument, Requirement

Require = Literal["any", "all"]
SCHEMES: tuple[SchemeName, ...] = get_args(SchemeName)
REQUIRE: tuple[Require, ...] = get_args(Require)
_TOGETHER = frozenset(("api_key", "oauth2"))


def schemes_of(requirements: Iterable[Requirement], document: OpenApiDocument) -> tuple[SchemeName, ...]:
    """Every scheme that is named, in the order of schemes."""
    used = {document.schemes[name].scheme for requirement in requirements for name in requirement}
    return tuple(scheme for scheme in SCHEMES if scheme in used)


def require_of(requirements: Iterable[Requirement], document: OpenApiDocument) -> Require | None:
    """``any``: one scheme opens. ``all``: every requirement names an API key and OAuth 2.0 together. ``None``: neither
    word says it, because requirements differ or combine schemes that cannot be asked for together."""
    kinds = {
        frozenset(document.schemes[name].scheme for name in requirement)
        for requirement in requirements
        if requirement
    }
    if all(len(kind) < 2 for kind in kinds):
        return "any"
    return "all" if kinds == {_TOGETHER} else None


def scopes_of(
    requirements: Iterable[Requirement], schemes: tuple[SchemeName, ...], document: OpenApiDocument
) -> tuple[str, ...]:
    """The scopes asked for with ``schemes``. Of alternatives all are needed: the stricter reading."""
    return tuple(
        dict.fromkeys(
            scope
            for requirement in requirements
            for name, wanted in requirement.items()
            if document.schemes[name].scheme in schemes
            for scope in wanted
        )
    )


def declared_scopes(document: OpenApiDocument) -> dict[str, str]:
    """Every scope the document's OAuth 2.0 flows declare, with its description; none that no token could hold."""
    found: dict[str, str] = {}
    for scheme in document.schemes.values():
        for scope, words in scheme.scopes.items():
            if re.fullmatch(SCOPE, scope):
                found[scope] = found.get(scope) or words
    return found
