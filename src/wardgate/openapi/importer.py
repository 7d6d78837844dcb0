"""From an OpenAPI document to the ``wardgate.yaml`` of one API, with the document's own security made explicit.

An operation keeps the schemes and scopes the document gives it, both an API key and OAuth 2.0 where it wants both; one
the document leaves without any word asks for an API key. The combination most operations share becomes the API's
default, the others stand in ``security.resources``. Tokens are those of this installation until somebody lists others.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from wardgate.domain.api import ApiKeyScheme, SchemeName
from wardgate.domain.document import DocumentError, Problem
from wardgate.openapi.document import OpenApiDocument, Operation
from wardgate.openapi.reader import read_document
from wardgate.openapi.yamltext import dump_yaml

#: Schemes of one operation, whether all are needed, and scopes; no schemes means open.
Access = tuple[tuple[SchemeName, ...], bool, tuple[str, ...]]

_ORDER: tuple[SchemeName, ...] = ("api_key", "oauth2", "basic", "mtls", "hmac")
_OPEN: Access = ((), False, ())
_KEY: Access = (("api_key",), False, ())
_NAME_LENGTH = 64
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


def import_document(text: str, name: str, upstream: str, api_name: str | None, base_path: str | None) -> str:
    """The text of a ``wardgate.yaml`` that exposes every operation of an OpenAPI 3.1, 3.0 or Swagger 2.0 document.

    ``name`` is where the settings will find the document (``petstore.yaml``: beside them). Where ``upstream`` has
    no path, the path of the document's first server (``basePath``) is added to it. The API is named after the
    document's title and mounted at ``/name/v<major>``, unless ``api_name`` and ``base_path`` say otherwise.

    Raises:
        DocumentError: the document is wrong.
    """
    document = read_document(text, name)
    if not document.operations:
        raise DocumentError(
            (Problem(name, 1, "paths", "the document declares no operation", "Add paths with operations"),)
        )
    notes: list[str] = []
    called = api_name or _slug(document.title)
    version = f"v{_major(document.api_version)}"
    entry: dict[str, Any] = {
        "name": called,
        "version": version,
        "base_path": base_path or f"/{called}/{version}",
        "openapi": name if name.startswith(("./", "../", "/")) else f"./{name}",
        "upstream": {"targets": [_target(upstream, document.base_path)]},
        "security": _security(document, notes),
    }
    head = "".join(f"# {line}\n" for line in (f"Made from {_line(document.title) or _line(name)}.", *notes))
    return head + dump_yaml({"apis": [entry]})


def _line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[
        :200
    ]


def _slug(title: str) -> str:
    """A name from a title: ``Swagger Petstore - OpenAPI 3.0`` gives ``swagger-petstore``."""
    title = re.sub(r"(?i)\b(?:open ?api|swagger)(?: specification)? *[23](?:\.\d+)*", "", title)
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?i)\.(?:org|com|io|net)\b", "", title).lower()).strip("-")
    return slug[:_NAME_LENGTH].strip("-") or "api"


def _major(version: str) -> str:
    found = re.search(r"\d{1,6}", version)
    return str(int(found.group())) if found else "1"


def _target(upstream: str, base_path: str) -> str:
    try:
        path = urlsplit(upstream).path
    except ValueError:
        return upstream
    return upstream if path else upstream + base_path


def _security(document: OpenApiDocument, notes: list[str]) -> dict[str, Any]:
    access = {operation.name: _access(operation, document) for operation in document.operations}
    silent = [operation.name for operation in document.operations if operation.security is None]
    if silent:
        notes.append(
            f"The document declares no security for {len(silent)} operations; they ask for an API key."
        )
    _tell_of_unknown(document, notes)
    guarded = Counter((schemes, together) for schemes, together, _ in access.values() if schemes)
    default, together = guarded.most_common(1)[0][0] if guarded else (_KEY[0], False)
    security: dict[str, Any] = {"schemes": list(default)}
    if together:
        security["require"] = "all"
    if any("oauth2" in schemes for schemes, _, _ in access.values()):
        security |= _oauth2(document, notes)
    if any("api_key" in schemes for schemes, _, _ in access.values()) or not guarded:
        key, alone = _key(document, notes)
        if key != ApiKeyScheme() or not alone:
            security["api_key"] = {"in": key.place, "name": key.name}
    resources = {
        name: _override(found, default, together)
        for name, found in access.items()
        if found != (default, together, ())
    }
    if resources:
        security["resources"] = resources
    return security


def _tell_of_unknown(document: OpenApiDocument, notes: list[str]) -> None:
    """Says what the document asks for and nobody here can check: what stands in its place is another credential."""
    asking: Counter[str] = Counter()
    for operation in document.operations:
        named = (document.schemes[name] for item in operation.security or () for name in item)
        asking.update({scheme.kind for scheme in named if scheme.scheme is None})
    for kind, count in asking.items():
        notes.append(
            f"The document asks for {_line(kind)} at {count} operations, which cannot be checked here; what else it "
            "names is asked for, and an API key where it names nothing else."
        )


def _access(operation: Operation, document: OpenApiDocument) -> Access:
    if operation.security is None:
        return _KEY
    named = [document.schemes[name] for requirement in operation.security for name in requirement]
    if not named:
        return _OPEN
    used = {scheme.scheme for scheme in named}
    # Where one alternative wants several credentials at once, all that are named: no fewer would do for it.
    together = any(len({document.schemes[name].scheme for name in item}) > 1 for item in operation.security)
    schemes = tuple(scheme for scheme in _ORDER if scheme in used)
    scopes = tuple(
        dict.fromkeys(
            scope
            for requirement in operation.security
            for name, wanted in requirement.items()
            if document.schemes[name].scheme is not None
            for scope in wanted
        )
    )
    # A scheme that cannot be checked here must not leave the operation open.
    return (schemes, together and len(schemes) > 1, scopes) if schemes else _KEY


def _oauth2(document: OpenApiDocument, notes: list[str]) -> dict[str, Any]:
    """Whose tokens are taken, and every scope in words."""
    scopes: dict[str, str] = {}
    for scheme in document.schemes.values():
        for scope, words in scheme.scopes.items():
            if _SCOPE.fullmatch(scope):
                scopes[scope] = scopes.get(scope) or _line(words)
    places = dict.fromkeys(
        _line(scheme.token_url) for scheme in document.schemes.values() if scheme.token_url
    )
    if places:
        notes.append(
            f"The document gets tokens from {', '.join(places)}; to take those, add their issuer to `issuers`."
        )
    settings: dict[str, Any] = {"oauth2": {"issuers": ["builtin"]}}
    if scopes:
        settings["scopes"] = {scope: words or scope for scope, words in scopes.items()}
    return settings


def _override(access: Access, default: tuple[SchemeName, ...], default_together: bool) -> dict[str, Any]:
    schemes, together, scopes = access
    if not schemes:
        return {"security": "off"}
    override: dict[str, Any] = {} if schemes == default else {"schemes": list(schemes)}
    if together != default_together and (together or len(schemes) > 1):
        override["require"] = "all" if together else "any"
    if scopes:
        override["scopes"] = list(scopes)
    return override


def _key(document: OpenApiDocument, notes: list[str]) -> tuple[ApiKeyScheme, bool]:
    """Where most operations expect their key, and whether it is the only place named; an API has one."""
    uses: Counter[ApiKeyScheme] = Counter()
    for scheme in document.schemes.values():
        if scheme.scheme == "api_key":
            uses[ApiKeyScheme(place=scheme.place, name=scheme.parameter)] += 0
    for operation in document.operations:
        for requirement in operation.security or ():
            for scheme in (document.schemes[name] for name in requirement):
                if scheme.scheme == "api_key":
                    uses[ApiKeyScheme(place=scheme.place, name=scheme.parameter)] += 1
    if not uses:
        return ApiKeyScheme(), True
    chosen = uses.most_common(1)[0][0]
    others = [_line(f"{key.place} {key.name}") for key in uses if key != chosen]
    if others:
        notes.append(f"The key stands in one place only; the document also names: {', '.join(others)}.")
    return chosen, not others
