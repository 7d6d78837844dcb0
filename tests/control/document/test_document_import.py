"""Importing OpenAPI documents: what comes out loads, and every operation keeps the security its document gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.document.conftest import OK, openapi

from wardgate.control.document import load
from wardgate.domain.api import Api, ApiKeyScheme
from wardgate.domain.document import DocumentError
from wardgate.openapi import import_document

ROOT = Path(__file__).parents[3]
UPSTREAM = "http://127.0.0.1:9001"


def imported(folder: Path, text: str, name: str, **options: Any) -> tuple[str, Api]:
    """The settings made from a document, and the API they load as beside it."""
    options = {"upstream": UPSTREAM, "api_name": None, "base_path": None} | options
    made = import_document(text, name, **options)
    (folder / name).write_text(text, encoding="utf-8")
    (folder / "wardgate.yaml").write_text(made, encoding="utf-8")
    (entry,) = load(folder / "wardgate.yaml").apis
    return made, entry.api


def test_petstore_keeps_its_security_per_operation(tmp_path: Path) -> None:
    """OAuth2 with scopes, API keys, both, none declared and open: each operation asks for what it said."""
    text = (ROOT / "tests" / "openapi" / "petstore.yaml").read_text()
    made, api = imported(tmp_path, text, "petstore.yaml")
    assert (api.id, api.base_path) == ("petstore/v1", "/petstore/v1")
    assert api.upstream.targets == (f"{UPSTREAM}/api/v3",)
    assert api.api_key == ApiKeyScheme(place="header", name="api_key")
    scopes = ("write:pets", "read:pets")
    assert {resource.name: (resource.schemes, resource.scopes) for resource in api.resources} == {
        "POST /pet": (("oauth2",), scopes),
        "GET /pet/{petId}": (("api_key", "oauth2"), scopes),
        "DELETE /pet/{petId}": (("oauth2",), scopes),
        "GET /store/inventory": (("api_key",), ()),
        "POST /store/order": (("api_key",), ()),
        "GET /user/login": ((), ()),
    }
    assert "# The document declares no security for 1 operations" in made
    resources = yaml.safe_load(made)["apis"][0]["security"]["resources"]
    assert resources["GET /user/login"] == {"security": "off"}


def test_scopes_and_issuers_are_written(tmp_path: Path) -> None:
    """The scopes of the document's flows come with their words, and a comment says where its own tokens are from."""
    text = (ROOT / "tests" / "openapi" / "petstore.yaml").read_text()
    made, api = imported(tmp_path, text, "petstore.yaml")
    security = yaml.safe_load(made)["apis"][0]["security"]
    assert security["oauth2"] == {"issuers": ["builtin"]}
    assert security["scopes"] == {"write:pets": "modify pets", "read:pets": "read pets"}
    assert api.scopes == security["scopes"]


def test_credentials_that_come_together_stay_together(tmp_path: Path) -> None:
    """A key and a token at once are asked for together; where alternatives differ, in the stricter reading."""
    flows = {"clientCredentials": {"tokenUrl": "https://x.example/token", "scopes": {"a": "", "b c": "B"}}}
    schemes = {**SCHEMES, "oauth": {"type": "oauth2", "flows": flows}}
    both = {"key": [], "oauth": ["a"]}
    paths = {
        "/both": {"get": {**OK, "security": [both]}},
        "/too": {"get": {**OK, "security": [both]}},
        "/mixed": {"get": {**OK, "security": [both, {"oauth": []}]}},
        "/either": {"get": {**OK, "security": [{"key": []}, {"oauth": []}]}},
        "/basic": {"get": {**OK, "security": [{"basic": [], "oauth": []}]}},
    }
    made, api = imported(tmp_path, openapi(paths, components={"securitySchemes": schemes}), "api.json")
    assert {r.path: (r.schemes, r.require, r.scopes) for r in api.resources} == {
        "/both": (("api_key", "oauth2"), "all", ("a",)),
        "/too": (("api_key", "oauth2"), "all", ("a",)),
        "/mixed": (("api_key", "oauth2"), "all", ("a",)),
        "/either": (("api_key", "oauth2"), "any", ()),
        "/basic": (("oauth2", "basic"), "all", ()),
    }
    assert api.scopes == {"a": "a"}
    assert "# The document gets tokens from https://x.example/token;" in made


def test_httpbin_from_its_own_swagger_document(tmp_path: Path) -> None:
    """httpbin's real Swagger 2.0 document becomes an API in which every operation asks for a key."""
    httpbin = pytest.importorskip("httpbin")
    text = httpbin.app.test_client().get("/spec.json").get_data(as_text=True)
    made, api = imported(tmp_path, text, "httpbin.json")
    assert api.name == "httpbin"
    assert api.upstream.targets == (UPSTREAM,)
    assert len(api.resources) > 60
    assert {resource.schemes for resource in api.resources} == {("api_key",)}
    assert "GET /anything/{anything}" in {resource.name for resource in api.resources}
    assert yaml.safe_load(made)["apis"][0]["security"] == {"schemes": ["api_key"]}


def test_orders_from_openapi_3_1(tmp_path: Path) -> None:
    """The orders example keeps its open health check and its key everywhere else."""
    text = (ROOT / "examples" / "orders" / "orders.openapi.yaml").read_text()
    _, api = imported(tmp_path, text, "orders.openapi.yaml")
    assert (api.id, api.base_path) == ("orders/v1", "/orders/v1")
    access = {resource.name: resource.schemes for resource in api.resources}
    assert access.pop("GET /health") == ()
    assert set(access.values()) == {("api_key",)}


@pytest.mark.parametrize(
    ("options", "name", "base_path", "target"),
    [
        ({}, "t", "/t/v1", f"{UPSTREAM}/base"),
        ({"api_name": "shop"}, "shop", "/shop/v1", f"{UPSTREAM}/base"),
        ({"base_path": "/else"}, "t", "/else", f"{UPSTREAM}/base"),
        ({"upstream": "http://h/own"}, "t", "/t/v1", "http://h/own"),
        ({"upstream": "http://h/"}, "t", "/t/v1", "http://h"),
    ],
)
def test_names_paths_and_targets(
    tmp_path: Path, options: dict[str, str], name: str, base_path: str, target: str
) -> None:
    """Name and base path come from the document unless given; an upstream without a path gets the server's."""
    text = openapi(servers=[{"url": "https://x.example/base/"}])
    _, api = imported(tmp_path, text, "api.json", **options)
    assert (api.name, api.base_path, api.upstream.targets) == (name, base_path, (target,))


def test_schemes_that_cannot_be_checked_become_keys(tmp_path: Path) -> None:
    """An operation that asks for HTTP digest asks for a key after the import, and is never open."""
    schemes = {"digest": {"type": "http", "scheme": "digest"}}
    text = openapi(security=[{"digest": []}], components={"securitySchemes": schemes})
    made, api = imported(tmp_path, text, "api.json")
    assert api.resources[0].schemes == ("api_key",)
    assert "# The document asks for http digest at 1 operations, which cannot be checked here" in made


def test_the_usual_place_is_written_where_there_are_others(tmp_path: Path) -> None:
    """Of several places the header X-API-Key is named as any other would be: the document alone leaves it open."""
    schemes = {
        "a": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "b": {"type": "apiKey", "in": "query", "name": "key"},
    }
    text = openapi(security=[{"a": []}], components={"securitySchemes": schemes})
    made, api = imported(tmp_path, text, "api.json")
    assert api.api_key == ApiKeyScheme()
    assert yaml.safe_load(made)["apis"][0]["security"]["api_key"] == {"in": "header", "name": "X-API-Key"}


def test_several_key_places_are_noted(tmp_path: Path) -> None:
    """Where a document puts keys in two places, the one used most is taken and the other named in a comment."""
    schemes = {
        "a": {"type": "apiKey", "in": "header", "name": "X-A"},
        "b": {"type": "apiKey", "in": "query", "name": "b"},
    }
    paths = {"/a": {"get": {**OK, "security": [{"a": []}]}}, "/b": {"get": OK, "put": OK}}
    text = openapi(paths, security=[{"b": []}], components={"securitySchemes": schemes})
    made, api = imported(tmp_path, text, "api.json")
    assert api.api_key == ApiKeyScheme(place="query", name="b")
    assert "the document also names: header X-A." in made


def test_titles_cannot_break_out_of_the_comment(tmp_path: Path) -> None:
    """A title with line breaks and YAML in it stays one comment line and gives a valid name."""
    data = json.loads(openapi())
    data["info"]["title"] = "Evil\napis: []\n\u2028# ÄÖ"
    _, api = imported(tmp_path, json.dumps(data), "api.json")
    assert api.name == "evil-apis"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "no OpenAPI document"), (openapi({}), "the document declares no operation")],
)
def test_documents_that_cannot_be_imported(text: str, message: str) -> None:
    """A document that is none, or has nothing to expose, is refused with the reason."""
    with pytest.raises(DocumentError, match=message):
        import_document(text, "api.json", UPSTREAM, None, None)


SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-K"},
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
requirement: st.SearchStrategy[dict[str, list[str]]] = st.dictionaries(
    st.sampled_from(sorted(SCHEMES)), st.just([]), max_size=2
)
security = st.none() | st.lists(requirement, max_size=2)


@settings(max_examples=25, deadline=None)
@given(
    operations=st.lists(security, min_size=1, max_size=4),
    glob=security,
    title=st.text(max_size=20),
    version=st.text(max_size=8),
)
def test_an_import_never_opens_what_the_document_guards(
    tmp_path_factory: pytest.TempPathFactory, operations: list[Any], glob: Any, title: str, version: str
) -> None:
    """Whatever the document, its import loads, and only operations it opens in so many words are open."""
    paths = {
        f"/p{number}": {"get": OK if own is None else {**OK, "security": own}}
        for number, own in enumerate(operations)
    }
    parts = {} if glob is None else {"security": glob}
    data = json.loads(openapi(paths, components={"securitySchemes": SCHEMES}, **parts))
    data["info"] = {"title": title, "version": version}
    _, api = imported(tmp_path_factory.mktemp("import"), json.dumps(data), "api.json")
    for resource, own in zip(api.resources, operations, strict=True):
        effective = own if own is not None else glob
        opened = effective is not None and not any(effective)
        assert (resource.schemes == ()) == opened
