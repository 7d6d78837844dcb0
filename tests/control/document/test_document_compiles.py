"""What a document may say a gateway can do: whatever loads, compiles and routes, and every operation can be reached."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from tests.control.document.conftest import OK, POLICIES, Refuse, one_api, openapi

from wardgate.control.document import load
from wardgate.domain.document import Document, DocumentError
from wardgate.gateway.path import canonical
from wardgate.gateway.router import Match, Router
from wardgate.openapi.yamltext import dump_yaml
from wardgate.policy.compiled import CompiledResource
from wardgate.policy.exchange import Step
from wardgate.policy.pipeline import compile_api
from wardgate.policy.registry import CompileContext, PolicyConfigError, PolicyRegistry

#: Parts of paths, those that may stand in one more often.
PIECES = st.sampled_from(
    (
        *("a", "b", "items", "{id}", "{a}", "{b}.json", "{a}-{b}", "x{a}", ".well-known", "~@|") * 8,
        *("{a}{b}", "{", "}", "{}", "{a/b}", "", ".", "..", "...", "ä", '"', "<a>", "*", "\u200b", "\uff0f"),
        *(
            "a;b",
            "a%2Fb",
            "a%62",
            "%zz",
            "a b",
            "a\\b",
            "a?b",
            "a#b",
            "\u2044",
            "\u2024",
            "\ufdd0",
            "\x7f",
            "\x85",
        ),
    )
)
PATHS = st.builds(
    lambda parts, slash: slash + "/".join(parts), st.lists(PIECES, max_size=4), st.sampled_from("/ /a/")
)
HOSTS = st.sampled_from(
    (
        "a.example",
        "*.example",
        "A.example",
        "a.example.",
        "a_b.example",
        "[::1]",
        "[:::]",
        "*",
        "*.*",
        "a:1",
        "ä.example",
    )
)
ORIGINS = st.sampled_from(
    (
        *(
            "*",
            "null",
            "https://a.example",
            "https://a.example:443",
            "http://a.example:80",
            "https://a.example:80",
        ),
        *(
            "http://a.example:0",
            "http://a.example:01",
            "http://a.example:65536",
            "http://[::1]:81",
            "https://A.example",
        ),
        *(
            "ftp://a.example",
            "https://a.example/",
            "https://a..example",
            "https://*.example",
            "https://a_b.example",
        ),
    )
)
TOKENS = st.sampled_from(("*", "GET", "get", "TRACE", "connect", "Track", "PROPFIND", "X-A", "A B", "", "ä"))
CORS = st.fixed_dictionaries(
    {"origins": st.lists(ORIGINS, min_size=1, max_size=3)},
    optional={
        "methods": st.lists(TOKENS, max_size=3),
        "headers": st.lists(TOKENS, max_size=3),
        "expose": st.lists(TOKENS, max_size=3),
        "credentials": st.booleans(),
        "max_age": st.sampled_from((0, 600, 86400, -1)),
    },
)
API = st.fixed_dictionaries(
    {"paths": st.lists(PATHS, min_size=1, max_size=4)},
    optional={
        "base_path": PATHS,
        "hosts": st.lists(HOSTS, max_size=2),
        "cors": CORS,
        "undeclared": st.sampled_from(("deny", "allow")),
    },
)


def written(folder: Path, apis: list[dict[str, Any]]) -> Document:
    """The document with ``apis``, loaded from files in ``folder``."""
    entries = []
    for number, api in enumerate(apis):
        paths: dict[str, Any] = {}
        for template in api["paths"]:
            names = re.findall(r"\{([^{}]*)\}", template)
            parameters = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ]
            paths[template] = {"parameters": parameters, "get": OK, "post": OK}
        (folder / f"api{number}.json").write_text(openapi(paths), encoding="utf-8")
        settings_of = {key: value for key, value in api.items() if key != "paths"}
        entries.append(
            {
                "name": f"n{number}",
                "version": "v1",
                "openapi": f"./api{number}.json",
                "upstream": {"targets": ["http://127.0.0.1:9000"]},
                "security": "off",
                **settings_of,
            }
        )
    (folder / "compiles.yaml").write_text(dump_yaml({"apis": entries}), encoding="utf-8")
    return load(folder / "compiles.yaml", POLICIES)


def routed(document: Document) -> Router[CompiledResource]:
    """The routes a worker would have for ``document``."""
    compiled = [compile_api(entry.api, "development", POLICIES) for entry in document.apis]
    return Router((each.api, each.resources, each.undeclared) for each in compiled)


@settings(max_examples=300, deadline=None)
@given(API)
@example({"paths": ["/a"], "cors": {"origins": ["https://a.example:443"]}})
@example({"paths": ["/a"], "cors": {"origins": ["*"], "methods": ["TRACE"]}})
@example({"paths": ["/a"], "base_path": "/ä"})
@example({"paths": ["/..."]})
@example({"paths": ["/a/\u200b"]})
def test_every_operation_that_loads_can_be_reached(
    tmp_path_factory: pytest.TempPathFactory, api: dict[str, Any]
) -> None:
    """The canonical path of each operation, its parameters filled, leads to that operation and no other."""
    try:
        document = written(tmp_path_factory.getbasetemp(), [api])
        event("loaded")
    except DocumentError as error:
        assert all(problem.line >= 1 and problem.path and problem.remedy for problem in error.problems)
        return
    router = routed(document)
    (loaded,) = (entry.api for entry in document.apis)
    host = (loaded.hosts or ("any.example",))[0].replace("*", "www")
    assert loaded.resources
    for resource in loaded.resources:
        path = loaded.base_path + re.sub(r"\{[^{}]*\}", "zq7", resource.path)
        decoded, target, _ = canonical(quote(path).encode())
        assert decoded == path
        found = router.match(host, resource.method, decoded)
        assert isinstance(found, Match)
        assert found.resource.name == resource.name
        if loaded.upstream.strip_base_path and loaded.base_path:
            assert target.startswith(canonical(loaded.base_path.encode())[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(API, min_size=2, max_size=3))
def test_every_document_that_loads_compiles_and_routes(
    tmp_path_factory: pytest.TempPathFactory, apis: list[dict[str, Any]]
) -> None:
    """Several APIs of one document never clash in a worker."""
    try:
        document = written(tmp_path_factory.getbasetemp(), apis)
    except DocumentError:
        return
    routed(document)


@pytest.mark.parametrize(
    ("cors", "path", "message", "remedy"),
    [
        (
            "{ origins: ['https://b.example', 'https://a.example:443'] }",
            "origins[1]",
            "'https://a.example:443' is not how a browser names an origin",
            "Write it like https://app.example.com",
        ),
        (
            "{ origins: ['http://a.example:70000'] }",
            "origins[0]",
            "'http://a.example:70000' is not how",
            "Write",
        ),
        (
            "{ origins: ['*'], methods: [get, trace] }",
            "methods[1]",
            "'TRACE' is no method a browser may",
            "Remove",
        ),
    ],
)
def test_cors_that_no_browser_honours_is_told(
    refused: Refuse, cors: str, path: str, message: str, remedy: str
) -> None:
    """What a worker could not compile is a problem of the document, at its place."""
    (problem,) = refused(one_api(f"security: off\ncors: {cors}"))
    assert (problem.line, problem.path) == (7, f"apis[0].cors.{path}")
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("/a;b", "holds the character ';'"),
        ("/a%2Fb", "holds the character '%'"),
        ("/a/../b", "has an empty segment or a dot segment"),
        ("/a//b", "has an empty segment or a dot segment"),
        ("/a/.../b", "can be read in two ways ('/.../' in the path)"),
        ("/a\u200bb", "can be read in two ways (U+200B in the path)"),
        ("/a\uff0fb", "can be read in two ways (U+FF0F in the path)"),
    ],
)
def test_operations_no_request_could_reach_are_named(refused: Refuse, template: str, why: str) -> None:
    """Requests have one canonical path, so such a template would never match: its operations are told, and what to do."""
    (problem,) = refused(one_api(), openapi({template: {"get": OK, "delete": OK}}))
    assert problem.message == (
        f"the path {template!r} {why}, so no request could reach GET {template} or DELETE {template}"
    )
    assert problem.remedy
    assert problem.path == f"paths[{json.dumps(template, ensure_ascii=False)}]"


class Fussy:
    """A policy whose settings are fine and which still cannot guard everything."""

    name = "acme.fussy"
    phase = "inspect"

    def validate(self, config: Mapping[str, Any]) -> None:
        """Raises TypeError, as careless code does, for ``broken``."""
        if config.get("broken"):
            raise TypeError("the secret is hunter2")

    def compile(self, config: Mapping[str, Any], context: CompileContext) -> Step | None:
        """Objects to POST."""
        if context.resource.method == "POST":
            raise PolicyConfigError("mode", f"cannot guard {context.resource.name}", "Use it on GET only")
        return None


@pytest.mark.parametrize(
    ("config", "path", "message"),
    [
        ("mode: x", "mode", "cannot guard POST /items"),
        ("broken: true", "use", "the policy 'acme.fussy' fails on these settings with TypeError"),
    ],
)
def test_policies_that_cannot_be_compiled_are_told(
    tmp_path: Path, config: str, path: str, message: str
) -> None:
    """A policy is compiled for everything it guards before anything is stored; its failures never show settings."""
    text = one_api(f"security: off\npolicies:\n  - use: acme.fussy\n    {config}")
    (tmp_path / "api.json").write_text(openapi({"/items": {"get": OK, "post": OK}}))
    (tmp_path / "wardgate.yaml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        load(tmp_path / "wardgate.yaml", PolicyRegistry([Fussy()]))
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (f"apis[0].policies[0].{path}", message)
    assert problem.remedy
    assert "hunter2" not in str(caught.value)
