"""The quick yes to a document against the slow rules, which tell what is wrong."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for

from wardgate.domain.document import DocumentError
from wardgate.openapi.quick import document_validator, plainly_right, schema_file
from wardgate.openapi.reader import read_document
from wardgate.openapi.validation import findings, thorough

VERSIONS = ["3.0.3", "3.1.0"]
REFERENCE = {"$ref": "#/components/schemas/Item"}


def document(version: str) -> dict[str, Any]:
    """One of everything the rules look at."""
    return {
        "openapi": version,
        "info": {"title": "Shop", "version": "1"},
        "tags": [{"name": "items"}, {"name": "more"}],
        "servers": [{"url": "https://api.example.com/v1"}],
        "paths": {
            "/items/{id}": {
                "parameters": [
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "pattern": "^a+$"},
                    }
                ],
                "get": {
                    "operationId": "getItem",
                    "parameters": [
                        {
                            "name": "page",
                            "in": "query",
                            "schema": {"type": "integer", "default": 1, "minimum": 1},
                        },
                        {"$ref": "#/components/parameters/size"},
                    ],
                    "responses": {
                        "200": {"description": "ok", "content": {"application/json": {"schema": REFERENCE}}}
                    },
                },
                "put": {"operationId": "putItem", "responses": {"204": {"description": "done"}}},
            },
            "/all": {"get": {"responses": {"default": {"$ref": "#/components/responses/many"}}}},
        },
        "components": {
            "parameters": {
                "size": {"name": "size", "in": "query", "schema": {"type": "integer", "default": 20}}
            },
            "responses": {
                "many": {
                    "description": "many",
                    "content": {"application/json": {"schema": {"type": "array", "items": REFERENCE}}},
                }
            },
            "schemas": {
                "Item": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"type": "string"},
                        "parent": REFERENCE,
                        "kind": {"enum": ["a", "b"]},
                    },
                },
                "Special": {
                    "allOf": [REFERENCE, {"type": "object", "properties": {"more": {"type": "boolean"}}}]
                },
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        },
        "security": [{"key": []}],
    }


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in ``value`` but the root's."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, item in items for path in ((*above, key), *places(item, (*above, key)))]


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 1.0, 1.5, "", "x", "string", "integer", "path", "query", "id", "(", "getItem", "a b",
        "#/components/schemas/Item", "#/components/schemas/None", "2000-01-01", "http://[", [], ["x"], [1, 1], {}, {"x": 1},
        {"type": "string"}, {"type": "strin"}, {"$ref": "#/components/schemas/Item"}, {"$ref": "#/info"}, {"default": 1},
        {"type": "string", "default": 1}, {"type": "integer", "default": 1}, {"type": ["string", "null"]},
        {"type": "string", "nullable": True, "default": None}, {"allOf": [REFERENCE], "required": ["other"]},
        {"description": "ok"}, {"get": {}}, {"name": "id", "in": "path", "required": True, "schema": {}},
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    ["x-note", "schema", "type", "default", "allOf", "items", "not", "properties", "required", "pattern", "minimum", "$ref",
     "parameters", "responses", "content", "200", "99", "/b/{id}", "b", "/c/{", "name", "in", "tags", "format", "nullable",
     "exclusiveMinimum", "discriminator", "xml", "example", "$schema", "jsonSchemaDialect", "trace", "operationId", "a b\n"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A document with up to three things removed, replaced, added or copied elsewhere."""
    data = copy.deepcopy(document(draw(st.sampled_from(VERSIONS))))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from([each for each in places(data) if each != ("openapi",)]))
        parent: Any = data
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["remove", "replace", "add", "copy"])):
            case "remove":
                del parent[path[-1]]
            case "replace":
                parent[path[-1]] = copy.deepcopy(draw(VALUES))
            case "add" if isinstance(parent[path[-1]], dict):
                parent[path[-1]][draw(KEYS)] = copy.deepcopy(draw(VALUES))
            case "add" if isinstance(parent[path[-1]], list):
                parent[path[-1]].append(copy.deepcopy(draw(VALUES)))
            case _:
                source: Any = data
                for step in draw(st.sampled_from(places(data))):
                    source = source[step]
                parent[path[-1]] = copy.deepcopy(source)
    return data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=mutated())
def test_the_quick_yes_is_the_slow_yes(data: dict[str, Any]) -> None:
    """Whatever the quick way calls right has no finding by the slow way."""
    if plainly_right(data):
        assert thorough(data) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=mutated())
def test_what_breaks_the_schema_is_told(data: dict[str, Any]) -> None:
    """Whatever the compiled schema refuses has a finding, and what the other validator refuses is refused by it too."""
    version = data["openapi"][:3]
    if not document_validator(version).is_valid(data):
        assert thorough(data)
    else:
        schema = json.loads(schema_file(version).read_text("utf-8"))
        assert validator_for(schema)(schema).is_valid(data)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_right_document_is_called_right(version: str) -> None:
    """Parameters, references, defaults, alternatives and recursion are judged without the slow way."""
    data = document(version)
    assert plainly_right(data)
    assert thorough(data) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("paths", "/all", "get", "operationId"), "getItem", "Operation ID 'getItem'"),
        (("tags",), [{"name": "a", "description": "b"}, {"name": "a"}], "Duplicate tag name 'a'"),
        (("paths", "/items/{id}", "parameters", 0, "name"), "other", "Path parameter 'id'"),
        (("paths", "/items/{id}", "get", "parameters", 0, "name"), "size", "Duplicate parameter 'size'"),
        (("paths", "/items/{id}", "get", "parameters", 0, "schema", "default"), 0, "less than the minimum"),
        (("components", "schemas", "Item", "properties", "id", "type"), "strin", "'strin' is not one of"),
        (("paths", "/items/{id}", "put", "responses", "204"), {}, "'description' is a required property"),
    ],
)
def test_what_breaks_a_rule_is_told_by_the_slow_way(
    version: str, path: tuple[Any, ...], value: Any, told: str
) -> None:
    """Each rule beyond the schema, and the schema itself, leaves the quick way unsure, and a finding tells."""
    data = document(version)
    parent: Any = data
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    assert not plainly_right(data)
    assert told in findings(data)[0][1]


def test_what_only_the_quick_way_refuses_is_refused() -> None:
    """A status that ends in a line feed passes Python's patterns but not the specification's."""
    data = document("3.0.3")
    responses = ("paths", "/all", "get", "responses")
    data["paths"]["/all"]["get"]["responses"]["200\n"] = {"description": "ok"}
    message = "Additional properties are not allowed ('200\\n' was unexpected)"
    assert findings(data) == [
        (responses, message, "See the OpenAPI 3.0 specification for what may stand here")
    ]


def test_messages_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings name the place and the rule in one line, whichever validators are installed."""
    monkeypatch.setenv("OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND", "jsonschema-rs")
    data = document("3.0.3")
    data["paths"]["/all"]["get"]["responses"] = {"200": {}}
    with pytest.raises(DocumentError) as error:
        read_document(json.dumps(data), "api.json")
    (problem,) = error.value.problems
    assert problem.message == "'description' is a required property"
    assert problem.path == 'paths["/all"].get.responses["200"]'


def test_a_right_document_takes_a_fraction_of_the_time() -> None:
    """A hundred documents of twenty operations are judged within a second of CPU time."""
    data = document("3.1.0")
    for number in range(20):
        data["paths"][f"/more-{number}/{{id}}"] = {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"responses": {"200": {"description": "ok"}}},
        }
    assert findings(data) == []
    start = time.process_time()
    for _ in range(100):
        assert findings(data) == []
    assert time.process_time() - start < 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "(a+)+$", "default": "a" * 60 + "b"},
        {"type": "string", "pattern": r"^\p{L}+$", "default": "a"},
        {"type": "object", "patternProperties": {"(a+)+$": {}}, "default": {"a" * 60 + "b": 1}},
        {
            "type": "object",
            "patternProperties": {"(a+)+$": {}},
            "additionalProperties": False,
            "default": {"a" * 60 + "b": 1},
        },
        {
            "allOf": [{"patternProperties": {"(a+)+$": {}}}],
            "unevaluatedProperties": False,
            "default": {"a" * 60 + "b": 1},
        },
    ],
)
def test_defaults_are_not_searched_for_patterns(version: str, schema: dict[str, Any]) -> None:
    """A pattern is the document's: no choice of it and of a default keeps the reader busy or breaks it."""
    if version == "3.0.3" and not schema.keys().isdisjoint(("patternProperties", "unevaluatedProperties")):
        schema = {"type": "string", "pattern": "(a|a)+$", "default": "a" * 60 + "b"}
    data = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "components": {"schemas": {"X": schema}},
    }
    begun = time.monotonic()
    assert plainly_right(data)
    assert thorough(data) == []
    assert time.monotonic() - begun < 5
