"""A quick yes for documents that are right; whatever is not plainly so is left to the slower rules, which can say why."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import Any

import jsonschema_rs

#: The dialect of schemas in OpenAPI 3.1 (section 4.8.24.1) unless a document names another.
_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_LONGEST_CHAIN = 8
#: Keywords for which values or their names are searched; the latter two look at ``patternProperties`` beside them.
_SEARCHING = ("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties")
#: What ECMA-262 writes otherwise than Python does, behind any number of escaped backslashes.
_ECMA = tuple(
    (re.compile(rf"(?<!\\)((?:\\\\)*){pattern}"), replacement)
    for pattern, replacement in (
        (r"\\[pP]\{[\w=]+\}", r"\1a"),
        (r"\\u\{[0-9A-Fa-f]{1,6}\}", r"\1a"),
        (r"\\c[A-Za-z]", r"\1a"),
        (r"\[\^\]", r"\1a"),
        (r"\\k<(\w+)>", r"\1(?P=\2)"),
        (r"\(\?<(?=[A-Za-z_])", r"\1(?P<"),
        (r"(\\[wWdDsS])-(?!\])", r"\1\2\\-"),
        (r"\\([A-CE-RTUVX-Zac-eg-mo-qyz]|x(?![0-9A-Fa-f]{2})|u(?![0-9A-Fa-f]{4}))", r"\1\2"),
    )
)


class _UnsureError(Exception):
    """Something is wrong, or of a form that is not judged here."""


def plainly_right(data: dict[str, Any]) -> bool:
    """Whether an OpenAPI 3.0 or 3.1 document meets its specification without a doubt; ``False`` says nothing.

    True only if the schema of its version, the dialect of its schemas and the rules beyond both are met: tags, operation
    ids and parameters are unique, path parameters are those of their path, and defaults fit their schema.
    """
    version = data.get("openapi", "")[:3]
    if version not in ("3.0", "3.1") or data.get("jsonSchemaDialect", _DIALECT) != _DIALECT:
        return False
    try:
        if not document_validator(version).is_valid(data):
            return False
        _Rules(data, version).check()
    except (_UnsureError, RecursionError, ValueError):
        return False
    return True


@cache
def document_validator(version: str) -> Any:
    """The schema of documents of a version (``2.0``, ``3.0``, ``3.1``), compiled. Formats are notes in it, not rules."""
    schema = json.loads(schema_file(version).read_text("utf-8"))
    return jsonschema_rs.validator_for(schema, validate_formats=False)


@cache
def schema_validator(version: str) -> Any:
    """The schema of the schemas in documents of a version (``3.0``, ``3.1``), compiled."""
    formats = {"regex": is_regex}
    if version == "3.0":
        # Not the one that comes with jsonschema-rs, which lets `enum` hold a value twice.
        file = _package("jsonschema_specifications") / "schemas" / "draft4" / "metaschema.json"
        schema = json.loads(file.read_text("utf-8"))
        return jsonschema_rs.Draft4Validator(schema, formats=formats, validate_formats=True)
    folder = _package("openapi_schema_validator") / "schemas" / "oas3.1"
    resources = [json.loads(file.read_text("utf-8")) for file in sorted(folder.rglob("*")) if file.is_file()]
    registry = jsonschema_rs.Registry([(each["$id"], each) for each in resources])
    return jsonschema_rs.Draft202012Validator(
        {"$ref": _DIALECT}, formats=formats, validate_formats=True, registry=registry
    )


def _package(name: str) -> Path:
    """The folder of an installed package, found without the time that importing it takes."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"the package {name} is not installed", name=name)
    return Path(spec.submodule_search_locations[0])


def schema_file(version: str) -> Path:
    """Where the schema of documents of a version is."""
    return _package("openapi_spec_validator") / "resources" / "schemas" / f"v{version}" / "schema.json"


def is_regex(text: str) -> bool:
    """Whether a ``pattern`` is a regular expression of ECMA-262, which schemas have, as far as Python's can tell.

    What Python has not or writes in another way is replaced first: properties of characters, code points in braces, names
    of groups, a class at the end of a range, and letters that need no backslash.
    """
    for pattern, replacement in _ECMA:
        text = pattern.sub(replacement, text)
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


@cache
def without_patterns(validator: Any) -> Any:
    """The validator of values without the keywords that search them for regular expressions of a document: these are
    ECMA-262's, and one that somebody chose so would keep Python busy for years."""
    # Slow to import, and few documents have defaults.
    from jsonschema.validators import extend

    return extend(validator, dict.fromkeys(_SEARCHING, lambda *_: None))


class _Rules:
    """The rules beyond the schema, for one document that meets the schema. Every method raises _UnsureError."""

    def __init__(self, data: dict[str, Any], version: str) -> None:
        self._data = data
        self._version = version
        self._operation_ids: set[str] = set()
        self._checked: set[int] = set()
        self._visited: set[int] = set()

    def check(self) -> None:
        """Returns if every rule is met."""
        tags = [_text(self._mapping(tag).get("name")) for tag in _list(self._data.get("tags", []))]
        _unique(tags)
        for template, item in self._mapping(self._data.get("paths", {})).items():
            self._path(template, self._mapping(item))
        components = self._mapping(self._data.get("components", {}))
        for schema in self._mapping(components.get("schemas", {})).values():
            self._schema(schema)

    def _path(self, template: str, item: dict[str, Any]) -> None:
        shared = self._parameters(item)
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name}
        for method in _METHODS & item.keys():
            operation = self._mapping(item[method])
            if "operationId" in operation:
                name = _text(operation["operationId"])
                if name in self._operation_ids:
                    raise _UnsureError
                self._operation_ids.add(name)
            for response in self._mapping(operation.get("responses", {})).values():
                for media in self._mapping(self._mapping(response).get("content", {})).values():
                    if "schema" in self._mapping(media):
                        self._schema(self._mapping(media)["schema"])
            if shared | self._parameters(operation) != wanted:
                raise _UnsureError

    def _parameters(self, owner: dict[str, Any]) -> set[str]:
        """The names of the path parameters among those of a path or an operation."""
        keys = []
        for each in _list(self._resolved(owner.get("parameters", []))):
            parameter = self._mapping(each)
            if "schema" in parameter:
                self._schema(parameter["schema"])
            keys.append((_text(parameter.get("name")), _text(parameter.get("in"))))
        _unique(keys)
        return {name for name, place in keys if place == "path"}

    def _schema(self, value: Any, *, inner: bool = False) -> None:
        """``inner``: it is part of a schema that meets the dialect, and so meets it too."""
        schema = self._resolved(value)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict) or schema.get("$schema", _DIALECT) != _DIALECT:
            raise _UnsureError
        if not inner and id(schema) not in self._checked:
            self._checked.add(id(schema))
            if not schema_validator(self._version).is_valid(schema):
                raise _UnsureError
        if id(schema) in self._visited:
            return
        self._visited.add(id(schema))
        for each in self._parts(schema):
            self._schema(each, inner=True)
        for each in self._mapping(schema.get("properties", {})).values():
            self._schema(each, inner=True)
        if "allOf" in schema:
            self._finite(schema, set(), set())
        if "default" in schema and not (schema["default"] is None and schema.get("nullable") is True):
            self._default(schema)

    def _parts(self, schema: dict[str, Any]) -> Iterator[Any]:
        for key in _ALTERNATIVES:
            yield from _list(self._resolved(schema.get(key, [])))
        for key in ("not", "items"):
            if key in schema:
                yield schema[key]

    def _finite(self, value: Any, above: set[int], done: set[int]) -> None:
        """What is composed of alternatives, items and negations does not contain itself."""
        schema = self._resolved(value)
        if not isinstance(schema, dict) or id(schema) in done:
            return
        if id(schema) in above:
            raise _UnsureError
        above.add(id(schema))
        for each in self._parts(schema):
            self._finite(each, above, done)
        above.remove(id(schema))
        done.add(id(schema))

    def _default(self, schema: dict[str, Any]) -> None:
        if _refers(schema):
            raise _UnsureError
        # Slow to import, and few documents have defaults.
        from openapi_schema_validator import (
            OAS30Validator,
            OAS31Validator,
            oas30_format_checker,
            oas31_format_checker,
        )

        rules: Any = without_patterns(OAS31Validator)(schema, format_checker=oas31_format_checker)
        if self._version == "3.0":
            rules = without_patterns(OAS30Validator)(schema, format_checker=oas30_format_checker)
        if not rules.is_valid(schema["default"]):
            raise _UnsureError

    def _mapping(self, value: Any) -> dict[str, Any]:
        resolved = self._resolved(value)
        if not isinstance(resolved, dict):
            raise _UnsureError
        return resolved

    def _resolved(self, value: Any) -> Any:
        """What a value is once references are followed."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(value, dict) or "$ref" not in value:
                return value
            value = self._target(_text(value["$ref"]))
        raise _UnsureError

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#/") or "%" in reference:
            raise _UnsureError
        value: Any = self._data
        for part in reference.split("/")[1:]:
            value = self._resolved(value) if value is not self._data else value
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, dict) or key not in value:
                raise _UnsureError
            value = value[key]
        return value


def _refers(value: Any) -> bool:
    if isinstance(value, dict):
        return bool({"$ref", "$dynamicRef", "$id"} & value.keys()) or any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _UnsureError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _UnsureError
    return value


def _unique(keys: list[Any]) -> None:
    if len(set(keys)) != len(keys):
        raise _UnsureError
