"""Reading OpenAPI 3.1, 3.0 and Swagger 2.0: operations, security, and everything that is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from wardgate.domain.document import DocumentError, Problem
from wardgate.openapi import OpenApiDocument, read_document

BASIC = {"api_key": {"type": "http", "scheme": "basic"}}
OK = {"responses": {"200": {"description": "ok"}}}


def document(version: str = "3.1.0", **parts: Any) -> str:
    """A small document as JSON text."""
    head: dict[str, Any] = {"swagger": "2.0"} if version == "2.0" else {"openapi": version}
    return json.dumps({**head, "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": OK}}, **parts})


def problems(text: str) -> tuple[Problem, ...]:
    """What is wrong with a document."""
    with pytest.raises(DocumentError) as caught:
        read_document(text, "api.json")
    return caught.value.problems


def read(text: str) -> OpenApiDocument:
    """The document of ``text``."""
    return read_document(text, "api.json")


@pytest.mark.parametrize("version", ["3.1.0", "3.1.1", "3.0.3", "2.0"])
def test_each_version_yields_its_operations(version: str) -> None:
    """Every supported version gives method, path and operationId of its operations."""
    found = read(document(version, paths={"/a/{id}": {"get": {"operationId": "one", **_with_id(version)}}}))
    (operation,) = found.operations
    assert (operation.name, operation.operation_id, operation.security) == ("GET /a/{id}", "one", None)
    assert (found.version, found.title, found.api_version) == (version, "T", "1")


def _with_id(version: str) -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True}
    kind: dict[str, Any] = {"type": "string"} if version == "2.0" else {"schema": {"type": "string"}}
    return {**OK, "parameters": [parameter | kind]}


def test_yaml_with_an_unquoted_swagger_version() -> None:
    """``swagger: 2.0`` without quotes, common in old files, is read as Swagger 2.0."""
    text = "swagger: 2.0\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get: {responses: {200: {description: x}}}\n"
    assert [operation.name for operation in read(text).operations] == ["GET /a"]


def test_security_is_resolved_per_operation() -> None:
    """An operation's own security replaces the document's, an empty one stays distinct from none at all."""
    schemes = {
        "key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "oauth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "https://x/t", "scopes": {"r": ""}}},
        },
    }
    paths = {
        "/a": {"get": OK, "post": {**OK, "security": [{"oauth": ["r"], "key": []}]}},
        "/b": {"get": {**OK, "security": []}},
    }
    text = document(paths=paths, security=[{"key": []}], components={"securitySchemes": schemes})
    found = {operation.name: operation.security for operation in read(text).operations}
    assert found == {"GET /a": ({"key": ()},), "POST /a": ({"oauth": ("r",), "key": ()},), "GET /b": ()}


def test_schemes_of_every_kind() -> None:
    """Each OpenAPI scheme is given Wardgate's name for it, and none where there is no such name."""
    oauth = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://x/t", "scopes": {}}}}
    schemes = {
        "a": {"type": "apiKey", "in": "cookie", "name": "k"},
        "b": {"type": "http", "scheme": "Basic"},
        "c": {"type": "http", "scheme": "bearer"},
        "d": {"type": "http", "scheme": "digest"},
        "e": oauth,
        "f": {"type": "openIdConnect", "openIdConnectUrl": "https://x/.well-known/openid-configuration"},
        "g": {"type": "mutualTLS"},
        "h": {"$ref": "#/components/securitySchemes/a"},
    }
    found = read(document(components={"securitySchemes": schemes})).schemes
    assert {name: scheme.scheme for name, scheme in found.items()} == {
        "a": "api_key",
        "b": "basic",
        "c": "oauth2",
        "d": None,
        "e": "oauth2",
        "f": "oauth2",
        "g": "mtls",
        "h": "api_key",
    }
    assert (found["h"].place, found["h"].parameter) == ("cookie", "k")


@pytest.mark.parametrize(
    ("version", "parts", "base"),
    [
        ("3.1.0", {"servers": [{"url": "https://x.example/api/v3/"}]}, "/api/v3"),
        ("3.0.0", {"servers": [{"url": "/v2"}]}, "/v2"),
        ("3.1.0", {"servers": [{"url": "https://x/{p}", "variables": {"p": {"default": "q"}}}]}, "/q"),
        ("2.0", {"basePath": "/v2/", "host": "x.example"}, "/v2"),
        ("2.0", {"basePath": "/"}, ""),
        ("3.1.0", {}, ""),
    ],
)  # fmt: skip
def test_base_paths(version: str, parts: dict[str, Any], base: str) -> None:
    """The path of the first server, or basePath, is known without its trailing slash."""
    assert read(document(version, **parts)).base_path == base


def test_path_items_are_followed_within_the_document() -> None:
    """A path item that is a local reference yields the operations of what it names (OpenAPI 3.1 section 4.8.9)."""
    text = document(
        paths={"/a": {"$ref": "#/components/pathItems/A"}}, components={"pathItems": {"A": {"get": OK}}}
    )
    assert [operation.name for operation in read(text).operations] == ["GET /a"]


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("a: 1", "(document)", "no OpenAPI document", "Give an OpenAPI"),
        ("[1]", "(document)", "no OpenAPI document", "Give an OpenAPI"),
        (document("3.2.0"), "openapi", "version '3.2.0' is not supported", "Use OpenAPI 3.1"),
        (document("3.0.0", openapi=3.1), "openapi", "version 3.1 is not supported", "Use OpenAPI 3.1"),
        (document(paths=[]), "paths", "`paths` is no mapping", "Write `paths`"),
        (document("3.0.1", paths=None), "paths", "`paths` is missing", "Write `paths`"),
        (
            document(paths={"/a/{x}": {"get": OK}, "/a/{y}": {"post": OK}}),
            'paths["/a/{y}"]',
            "the paths '/a/{x}' and '/a/{y}' differ only in the names of their parameters",
            "Give both the same",
        ),
        (document(paths={"a": {"get": OK}}), "paths.a", "the path 'a' does not start with a slash", "Write /a"),
        (document(paths={"/a//b": {"get": OK}}), 'paths["/a//b"]', "the path '/a//b' has an empty segment", "Write"),
        (document(paths={"/a/../b": {}}), 'paths["/a/../b"]', "the path '/a/../b' has an empty segment or", "Write"),
        (document(paths={"/a?x=1": {}}), 'paths["/a?x=1"]', "the path '/a?x=1' holds the character '?'", "Paths are"),
        (document(paths={"/{a": {}}), 'paths["/{a"]', "the path '/{a' has unbalanced", "Write each"),
        (document(paths={"/{a}{b}": {}}), 'paths["/{a}{b}"]', "the path '/{a}{b}' has two parameters with", "Put a"),
        (document(paths={"/{a}/{a}": {}}), 'paths["/{a}/{a}"]', "the path '/{a}/{a}' uses a parameter name", "Give"),
        (document(paths={"/a": {"get": 3}}), 'paths["/a"].get', "an operation must be a mapping", "Write at least"),
        (
            document(paths={"/a": {"get": {**OK, "operationId": "x"}, "put": {**OK, "operationId": "x"}}}),
            'paths["/a"].put.operationId',
            "the operationId 'x' is also that of GET /a",
            "Make it unique",
        ),
        (
            document(security=[{"apikey": []}], components={"securitySchemes": BASIC}),
            "security[0].apikey",
            "the security scheme 'apikey' is not declared",
            "Did you mean 'api_key'?",
        ),
        (document(security={}), "security", "`security` must be a list", "Write `security"),
        (
            document(components={"securitySchemes": {"k": {"type": "apikey"}}}),
            "components.securitySchemes.k",
            "the security scheme 'k' has the type 'apikey'",
            "Use one of apiKey",
        ),
        (
            document(components={"securitySchemes": {"k": {"type": "apiKey", "in": "body", "name": "k"}}}),
            "components.securitySchemes.k",
            "the API key scheme 'k' does not say where the key stands",
            "Write `in: header`",
        ),
        (
            document(paths={"/a": {"$ref": "other.yaml#/a"}}),
            'paths["/a"].$ref',
            "the reference 'other.yaml#/a' leaves this document",
            "Bundle",
        ),
        (
            document(components={"schemas": {"X": {"$ref": "file:///etc/passwd"}}}),
            "components.schemas.X.$ref",
            "the reference 'file:///etc/passwd' leaves this document",
            "Bundle",
        ),
        (
            document(components={"schemas": {"X": {"$ref": "#/components/schemas/Y"}}}),
            "components.schemas.X.$ref",
            "the reference '#/components/schemas/Y' names nothing",
            "Correct",
        ),
        (
            document(components={"schemas": {"X": {"type": "sting"}}}),
            "components.schemas.X.type",
            "'sting' is not one of",
            "See the OpenAPI 3.1 specification",
        ),
    ],
)  # fmt: skip
def test_wrong_documents_are_refused_by_place(text: str, path: str, message: str, remedy: str) -> None:
    """Each kind of mistake is named with its place in the document, what is wrong, and what to do."""
    first = problems(text)[0]
    assert first.message.startswith(message)
    assert first.path == path.replace(".$ref", '["$ref"]')
    assert first.remedy.startswith(remedy)
    assert first.file == "api.json"


def test_all_problems_are_told_with_their_lines() -> None:
    """Several mistakes are reported together, each with the line it stands on."""
    text = (
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths:\n  /a//b:\n    get: {responses: {}}\n"
        "  c:\n    get: {responses: {}}\n"
    )
    assert [(problem.line, problem.path) for problem in problems(text)] == [
        (4, 'paths["/a//b"]'),
        (6, "paths.c"),
    ]


def test_lines_are_known_in_json_too() -> None:
    """A problem in a JSON document names the line."""
    text = json.dumps(json.loads(document(paths={"/a": {"get": OK}, "b": {"get": OK}})), indent=1)
    (problem,) = problems(text)
    assert problem.line == text[: text.index('"b"')].count("\n") + 1


def test_duplicate_paths_in_json_are_refused() -> None:
    """A key that stands twice in JSON is refused, where a plain parser would keep the last."""
    text = document().replace('"/a": {', '"/a": {}, "/a": {')
    assert problems(text)[0].message.startswith("the key '/a' stands here and on line 1")


def test_a_reference_in_an_example_is_data() -> None:
    """``$ref`` within an example is the API's data and no reference."""
    schema = {"X": {"type": "object", "example": {"$ref": "http://elsewhere"}}}
    assert read(document(components={"schemas": schema})).operations


def test_nothing_is_fetched_even_by_the_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deep validator cannot open a URL either: every scheme leads to a refusal."""
    from wardgate.openapi import validation

    def opened(*arguments: object) -> None:
        raise AssertionError(f"opened {arguments}")

    monkeypatch.setattr("urllib.request.urlopen", opened)
    data = json.loads(document(components={"schemas": {"X": {"$ref": "http://127.0.0.1:1/x"}}}))
    (finding,) = validation.findings(data)
    assert finding[1] == "the document could not be validated to its end: http://127.0.0.1:1/x is missing"


def test_a_reference_in_a_default_response_is_one() -> None:
    """`default` among responses is a name, not the default of a schema: what it refers to is told with its line."""
    paths = {"/a": {"get": {"responses": {"default": {"$ref": "other.json"}}}}}
    (problem,) = problems(document(paths=paths))
    assert problem.path == 'paths["/a"].get.responses.default["$ref"]'
    assert problem.message == "the reference 'other.json' leaves this document"


def test_references_may_be_percent_encoded() -> None:
    """A reference is a URI's fragment: bundlers write the braces and blanks of its pointer as escapes (RFC 6901)."""
    schemas = {
        "X": {
            "properties": {
                "a b": {"type": "string"},
                "c": {"$ref": "#/components/schemas/X/properties/a%20b"},
            }
        }
    }
    paths = {
        "/a/{id}": {
            "get": {"responses": {"200": {"description": "ok"}, "404": {"description": "no"}}},
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        },
        "/b": {"get": {"responses": {"404": {"$ref": "#/paths/~1a~1%7Bid%7D/get/responses/404"}}}},
    }
    found = read(document(paths=paths, components={"schemas": schemas}))
    assert [operation.name for operation in found.operations] == ["GET /a/{id}", "GET /b"]


def test_extensions_among_paths_may_be_anything() -> None:
    """A plain value under `x-...` beside the paths is the document's own business."""
    paths = {"x-note": "text", "x-none": None, "/a": {"get": {"responses": {"200": {"description": "ok"}}}}}
    assert [operation.name for operation in read(document(paths=paths)).operations] == ["GET /a"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[\p{L}\p{Z}_.:/=+\-@]*$",
        r"[^\P{L}\d]",
        r"[\w-.]+",
        r"\u{1F600}",
        r"(?<y>\d{4})-\k<y>",
        r"[^]\cM\z",
        r"\\p",
    ],
)
def test_patterns_are_those_of_ecma(pattern: str) -> None:
    """A pattern that ECMA-262 knows and Python does not is no mistake of the document."""
    schemas = {"X": {"type": "string", "pattern": pattern}}
    assert read(document(components={"schemas": schemas})).operations


@pytest.mark.parametrize("pattern", ["[", "(", "a{2,1}", "*", r"\k<x>", r"\\[p"])
def test_patterns_that_nobody_reads_are_refused(pattern: str) -> None:
    """What is no regular expression in either language is told."""
    (problem,) = problems(document(components={"schemas": {"X": {"type": "string", "pattern": pattern}}}))
    assert problem.message.endswith("is not a 'regex'")


def test_swagger_2_deviations_are_remarks() -> None:
    """A Swagger 2.0 document that breaks its frozen schema is read, and the deviation kept as a remark."""
    found = read(document("2.0", protocol="https"))
    assert [remark.path for remark in found.remarks] == ["(document)"]
    assert "protocol" in found.remarks[0].message


def test_numbers_that_nothing_holds_are_refused() -> None:
    """A number past every float is told with its line in JSON as in YAML."""
    (problem,) = problems(document(components={}).replace('"components": {}', '"x-a": 1e9999'))
    assert problem.message == "the number 1e9999 is too large"


def test_deep_nesting_is_refused() -> None:
    """A document nested beyond all reason is refused instead of exhausting the stack."""
    text = document()[:-1] + ', "x-deep": ' + '{"a":' * 400 + "1" + "}" * 401
    assert problems(text)[0].message.startswith("nested deeper than")
    text = document()[:-1] + ', "x-deep": ' + '{"a":' * 40_000 + "1" + "}" * 40_001
    assert problems(text)[0].message.startswith("nested deeper than")


def test_ten_thousand_operations_load_in_seconds() -> None:
    """A document of 10,000 operations is read within three seconds of CPU time."""
    text = document(paths={f"/r{number}/{{id}}": {"get": OK} for number in range(10_000)})
    start = time.process_time()
    assert len(read(text).operations) == 10_000
    assert time.process_time() - start < 3


def test_lines_are_known_beside_surrogate_pairs() -> None:
    """JSON escapes of characters past U+FFFF, which YAML cannot read, do not cost the line of a problem."""
    text = '{"x-note": "\\ud83d\\ude00",\n' + document(paths={"b": {}})[1:]
    (problem,) = problems(text)
    assert (problem.line, problem.path) == (2, "paths.b")


@pytest.mark.parametrize("title", ["\\\U00010000", "\\\\\U0001f600\U0001f601", "\U0001f600\\"])
def test_surrogate_pairs_may_stand_beside_backslashes(title: str) -> None:
    """An escaped backslash before a pair of escapes is a character of its own, not part of them."""
    text = document(info={"title": title, "version": "1"}, paths={})
    assert "\\ud8" in text
    assert read_document(text, "api.json").title == title


def test_half_a_surrogate_pair_is_refused() -> None:
    """Text that no UTF-8 can hold is refused where it comes in."""
    assert problems(document(servers=[]).replace('"T"', '"\\ud800"'))[0].message.startswith("not valid YAML")


@pytest.mark.parametrize(
    ("paths", "path"),
    [
        ({"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}}, 'paths["/'),
        ({"/a": {"$ref": ["x"]}}, 'paths["/a"]'),
        ({"/a": {"$ref": "#/info/default"}}, 'paths["/a"]'),
    ],
)
def test_references_that_lead_nowhere(paths: dict[str, Any], path: str) -> None:
    """Circular, malformed and dangling path references are refused, not followed for ever."""
    assert problems(document(paths=paths))[0].path.startswith(path)


@pytest.mark.parametrize("place", [["header"], None, {}, 3])
def test_odd_types_in_a_scheme(place: Any) -> None:
    """A value of an unexpected type is a problem with its place, never a crash."""
    text = document(components={"securitySchemes": {"k": {"type": "apiKey", "in": place, "name": "k"}}})
    assert problems(text)[0].message == "the API key scheme 'k' does not say where the key stands"
