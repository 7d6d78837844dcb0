"""The security schemes and requirements of an OpenAPI document, in one form for all its versions."""

from __future__ import annotations

import difflib
from typing import Any

from wardgate.domain.api import Place, SchemeName
from wardgate.openapi.document import Requirement, SecurityScheme
from wardgate.openapi.source import Source, follow
from wardgate.openapi.tree import Path

_PLACES: dict[str, Place] = {"header": "header", "query": "query", "cookie": "cookie"}
_TYPES: dict[str, SchemeName] = {
    "apiKey": "api_key",
    "oauth2": "oauth2",
    "openIdConnect": "oauth2",
    "mutualTLS": "mtls",
    "basic": "basic",
}
_HTTP: dict[str, SchemeName] = {"basic": "basic", "bearer": "oauth2"}
_VALID = {
    "2.0": ("basic", "apiKey", "oauth2"),
    "3.0": ("apiKey", "http", "oauth2", "openIdConnect"),
    "3.1": ("apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"),
}


class SecurityReader:
    """Reads the schemes first, then any number of requirements that name them."""

    def __init__(self, source: Source, version: str) -> None:
        self._source = source
        self._types = _VALID[version[:3]]
        self._path: Path = ("securityDefinitions",) if version == "2.0" else ("components", "securitySchemes")
        self._known: dict[str, SecurityScheme] = {}

    def schemes(self) -> dict[str, SecurityScheme]:
        """Every declared scheme by its name in the document."""
        holder: Any = self._source.data
        for step in self._path:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if holder is not None and not isinstance(holder, dict):
            self._source.problem(self._path, "must be a mapping of names to security schemes", "Correct it")
            return {}
        for name, value in (holder or {}).items():
            scheme = self._scheme(name, (*self._path, name), value)
            if scheme is not None:
                self._known[name] = scheme
        return self._known

    def _scheme(self, name: str, path: Path, value: Any) -> SecurityScheme | None:
        path, value = follow(self._source, path, value)
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in self._types:
            message = f"the security scheme {name!r} has the type {kind!r}"
            self._source.problem(path, message, f"Use one of {', '.join(self._types)}")
            return None
        if kind == "apiKey":
            return self._api_key(name, path, value)
        if kind == "http":
            http = str(value.get("scheme", "")).lower()
            return SecurityScheme(name=name, kind=f"http {http}", scheme=_HTTP.get(http))
        scopes, token_url = _flows(value)
        return SecurityScheme(name=name, kind=kind, scheme=_TYPES[kind], scopes=scopes, token_url=token_url)

    def _api_key(self, name: str, path: Path, value: dict[str, Any]) -> SecurityScheme | None:
        place = value.get("in")
        parameter = value.get("name")
        if (
            not isinstance(place, str)
            or place not in _PLACES
            or not isinstance(parameter, str)
            or not parameter
        ):
            message = f"the API key scheme {name!r} does not say where the key stands"
            self._source.problem(path, message, "Write `in: header` (or query, cookie) and `name:`")
            return None
        return SecurityScheme(
            name=name, kind="apiKey", scheme="api_key", place=_PLACES[place], parameter=parameter
        )

    def requirements(self, path: Path, value: Any) -> tuple[Requirement, ...] | None:
        """The alternatives of one ``security`` list; ``None`` when there is none."""
        if value is None:
            return None
        if not isinstance(value, list):
            self._source.problem(path, "`security` must be a list", "Write `security: [{ scheme: [] }]`")
            return None
        return tuple(self._requirement((*path, index), item) for index, item in enumerate(value))

    def _requirement(self, path: Path, value: Any) -> Requirement:
        if not isinstance(value, dict):
            self._source.problem(path, "a security requirement must be a mapping", "Write `{ scheme: [] }`")
            return {}
        requirement: dict[str, tuple[str, ...]] = {}
        for name, scopes in value.items():
            if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
                self._source.problem((*path, name), "scopes must be a list of text", f"Write `{name}: []`")
                continue
            if name not in self._known:
                close = difflib.get_close_matches(name, self._known, 1)
                remedy = (
                    f"Did you mean {close[0]!r}?"
                    if close
                    else f"Declare it in {'.'.join(map(str, self._path))}"
                )
                self._source.problem((*path, name), f"the security scheme {name!r} is not declared", remedy)
                continue
            requirement[name] = tuple(scopes)
        return requirement


def _flows(value: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Scopes with their descriptions, and the token URL: of each flow, or in Swagger 2.0 of the scheme itself."""
    flows = value.get("flows")
    holders = [value, *(flows.values() if isinstance(flows, dict) else ())]
    scopes: dict[str, str] = {}
    token_url = ""
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        declared = holder.get("scopes")
        for name, words in declared.items() if isinstance(declared, dict) else ():
            if isinstance(name, str) and not name.startswith("x-"):
                scopes[name] = scopes.get(name) or (words if isinstance(words, str) else "")
        url = holder.get("tokenUrl")
        token_url = token_url or (url if isinstance(url, str) else "")
    return scopes, token_url
