"""Routing: which resource answers, what its parameters are, and how a miss is told."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.domain.api import Api, Resource
from wardgate.domain.upstream import Upstream
from wardgate.gateway.router import Match, Miss, Router


def an_api(name: str, base: str, *resources: str, **more: Any) -> Api:
    """An API whose resources are given as ``GET /path``."""
    split = [resource.split(" ", 1) for resource in resources]
    return Api(
        name=name,
        version="v1",
        base_path=base,
        upstream=Upstream(targets=("http://127.0.0.1:9",)),
        resources=tuple(Resource(method=method, path=path, schemes=()) for method, path in split),
        **more,
    )


def router(*apis: Api) -> Router[str]:
    """A router whose compiled resources are ``api: METHOD /path``."""
    return Router(
        [(api, [f"{api.name}: {r.name}" for r in api.resources], f"{api.name}: undeclared") for api in apis]
    )


def ask(routes: Router[str], request: str, host: str = "any.example") -> tuple[str, dict[str, str]]:
    """What ``METHOD /path`` leads to, as text and parameters."""
    found = routes.match(host, *request.split(" ", 1))
    if isinstance(found, Match):
        return found.resource, found.parameters
    assert isinstance(found, Miss)
    return f"{found.reason} {found.api.name if found.api else '-'}", {}


ORDERS = an_api(
    "orders",
    "/orders/v1",
    "GET /",
    "GET /health",
    "HEAD /health",
    "GET /items",
    "POST /items",
    "GET /items/",
    "GET /items/{id}",
    "DELETE /items/{id}",
    "GET /items/export",
    "GET /items/{id}/lines/{line}",
    "GET /items/special/{x}",
    "GET /files/{name}.json",
    "GET /files/{name}.tar.gz",
    "GET /files/{name}.gz",
    "GET /files/{name}",
    "GET /range/{low}-{high}",
    "GET /items/{id}:cancel",
    "GET /caf%C3%A9/{id}",
)


@pytest.mark.parametrize(
    ("request_", "resource", "parameters"),
    [
        ("GET /orders/v1", "GET /", {}),
        ("GET /orders/v1/", "GET /", {}),
        ("GET /orders/v1/health", "GET /health", {}),
        ("HEAD /orders/v1/health", "HEAD /health", {}),
        ("GET /orders/v1/items", "GET /items", {}),
        ("HEAD /orders/v1/items", "GET /items", {}),
        ("POST /orders/v1/items", "POST /items", {}),
        ("GET /orders/v1/items/", "GET /items/", {}),
        ("GET /orders/v1/items/7", "GET /items/{id}", {"id": "7"}),
        ("HEAD /orders/v1/items/7", "GET /items/{id}", {"id": "7"}),
        ("GET /orders/v1/items/export", "GET /items/export", {}),
        ("DELETE /orders/v1/items/export", "DELETE /items/{id}", {"id": "export"}),
        ("GET /orders/v1/items/7/lines/a b", "GET /items/{id}/lines/{line}", {"id": "7", "line": "a b"}),
        ("GET /orders/v1/items/special/lines", "GET /items/special/{x}", {"x": "lines"}),
        (
            "GET /orders/v1/items/special/lines/3",
            "GET /items/{id}/lines/{line}",
            {"id": "special", "line": "3"},
        ),
        ("GET /orders/v1/items/7:cancel", "GET /items/{id}:cancel", {"id": "7"}),
        ("DELETE /orders/v1/items/7:cancel", "DELETE /items/{id}", {"id": "7:cancel"}),
        ("GET /orders/v1/files/a.json", "GET /files/{name}.json", {"name": "a"}),
        ("GET /orders/v1/files/.json", "GET /files/{name}", {"name": ".json"}),
        ("GET /orders/v1/files/a.tar.gz", "GET /files/{name}.tar.gz", {"name": "a"}),
        ("GET /orders/v1/files/a.gz", "GET /files/{name}.gz", {"name": "a"}),
        ("GET /orders/v1/range/1-2-3", "GET /range/{low}-{high}", {"low": "1", "high": "2-3"}),
        ("GET /orders/v1/range/-1-2", "GET /range/{low}-{high}", {"low": "-1", "high": "2"}),
        ("GET /orders/v1/café/9", "GET /café/{id}", {"id": "9"}),
    ],
)
def test_finds(request_: str, resource: str, parameters: dict[str, str]) -> None:
    """The most specific declared resource answers, with its parameters."""
    expected = resource.replace("é", "%C3%A9")
    assert ask(router(ORDERS), request_) == (f"orders: {expected}", parameters)


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [
        ("GET /", "api_not_found -"),
        ("GET /orders", "api_not_found -"),
        ("GET /orders/v10/items", "api_not_found -"),
        ("GET /Orders/v1/items", "api_not_found -"),
        ("PUT /orders/v1/items", "resource_not_found orders"),
        ("GET /orders/v1/nothing", "resource_not_found orders"),
        ("GET /orders/v1/items/7/", "resource_not_found orders"),
        ("GET /orders/v1/items/7/lines", "resource_not_found orders"),
        ("GET /orders/v1/items/7/lines/", "resource_not_found orders"),
        ("GET /orders/v1/health/", "resource_not_found orders"),
        ("GET /orders/v1/range/1-", "resource_not_found orders"),
        ("GET /orders/v1/range/-", "resource_not_found orders"),
        ("get /orders/v1/items", "resource_not_found orders"),
        ("HEAD /orders/v1/nothing", "resource_not_found orders"),
    ],
)
def test_misses(request_: str, outcome: str) -> None:
    """What is not declared is not found, and the answer tells whether an API was reached."""
    assert ask(router(ORDERS), request_) == (outcome, {})


def test_longest_base_path_answers_alone() -> None:
    """The API mounted deepest answers, and no template of another reaches into it."""
    routes = router(
        an_api("root", "/", "GET /", "GET /{a}/{b}/items", "GET /orders/v1/items", "GET /orders"),
        an_api("orders", "/orders", "GET /{version}/items", "GET /v1/list", "GET /v2"),
        an_api("deep", "/orders/v1", "GET /items"),
    )
    assert ask(routes, "GET /orders/v1/items")[0] == "deep: GET /items"
    assert ask(routes, "GET /orders/v1/list")[0] == "resource_not_found deep"
    assert ask(routes, "GET /orders/v1")[0] == "resource_not_found deep"
    assert ask(routes, "GET /orders/v2/items") == ("orders: GET /{version}/items", {"version": "v2"})
    assert ask(routes, "GET /orders")[0] == "resource_not_found orders"
    assert ask(routes, "GET /x/y/items")[0] == "root: GET /{a}/{b}/items"
    assert ask(routes, "GET /")[0] == "root: GET /"
    assert ask(routes, "GET /ordersx")[0] == "resource_not_found root"


def test_hosts_most_specific_first() -> None:
    """An exact host is asked before a wildcard, a longer wildcard before a shorter, then APIs of any host."""
    routes = router(
        an_api("any", "/", "GET /a", "GET /b"),
        an_api("wide", "/w", "GET /a", hosts=("*.example.com",)),
        an_api("narrow", "/w", "GET /a", hosts=("*.eu.example.com",)),
        an_api("exact", "/w", "GET /a", hosts=("api.eu.example.com", "[::1]")),
    )
    for host, name in {
        "api.eu.example.com": "exact",
        "API.eu.Example.com:8443": "exact",
        "api.eu.example.com.": "exact",
        "[::1]:8080": "exact",
        "b.eu.example.com": "narrow",
        "x.y.eu.example.com": "narrow",
        "eu.example.com": "wide",
        "api.example.com": "wide",
    }.items():
        for _ in range(2):
            assert ask(routes, "GET /w/a", host)[0] == f"{name}: GET /a"
            assert ask(routes, "GET /w/b", host)[0] == f"resource_not_found {name}"
            assert ask(routes, "GET /b", host)[0] == "any: GET /b"
    for host in ("example.com", "notexample.com", "api.example.com.evil.test", "", ":", "[", ".example.org"):
        assert ask(routes, "GET /w/a", host)[0] == "resource_not_found any"


def test_remembered_hosts_are_bounded() -> None:
    """A client that sends ever new hosts does not make the router grow."""
    routes = router(an_api("any", "/", "GET /a"), an_api("exact", "/", "GET /a", hosts=("x.test",)))
    for number in range(3000):
        assert ask(routes, "GET /a", f"h{number}.test")[0] == "any: GET /a"
    assert len(routes._remembered) == 1024
    assert ask(routes, "GET /a", "x.test")[0] == "exact: GET /a"


def test_undeclared_allowed() -> None:
    """With ``undeclared: allow`` the API's own entry answers what it does not declare."""
    routes = router(an_api("open", "/open", "GET /a", undeclared="allow"))
    assert ask(routes, "GET /open/a")[0] == "open: GET /a"
    assert ask(routes, "PATCH /open/zzz") == ("open: undeclared", {})
    # An upstream that ignores case would take it for the declared GET, whose own rules it would have passed by.
    assert ask(routes, "get /open/a")[0] == ask(routes, "pAtCh /open/zzz")[0] == "resource_not_found open"
    assert ask(routes, "GET /other")[0] == "api_not_found -"


def test_miss_carries_the_api() -> None:
    """A miss names the API that was reached, so that it can be counted."""
    assert router(ORDERS).match("h", "GET", "/orders/v1/nothing") == Miss("resource_not_found", ORDERS)


@pytest.mark.parametrize(
    ("apis", "message"),
    [
        ([an_api("a", "/x", "GET /{i}"), an_api("b", "/x/")], r"APIs a/v1 and b/v1 share the base path"),
        (
            [an_api("a", "/", hosts=("A.test", "b.test")), an_api("b", "/", hosts=("b.test.",))],
            r"APIs a/v1 and b/v1 share",
        ),
        ([an_api("a", "/", "GET /p/{i}", "GET /p/{j}")], r"a/v1 GET /p/\{i\} and a/v1 GET /p/\{j\} answer"),
        ([an_api("a", "/", "GET /p", "GET /p")], r"a/v1 GET /p and a/v1 GET /p answer"),
        ([an_api("a", "/", "GET /{i}/{i}")], r"a/v1 GET /\{i\}/\{i\} uses a path parameter twice"),
        ([an_api("a", "/", "GET /{i}{j}")], r"'\{i\}\{j\}' of resource a/v1 .* no text between"),
        ([an_api("a", "/", "GET /{i")], r"'\{i' of resource a/v1 GET /\{i has unbalanced"),
        ([an_api("a", "/", "GET /i}")], r"unbalanced"),
        ([an_api("a", "/", "GET /{}")], r"unbalanced or empty"),
        ([an_api("a", "/", "GET p")], r"a/v1 GET p must start with '/'"),
        ([an_api("a", "x")], r"base path 'x' of API a/v1"),
        ([an_api("a", "/x//y")], r"base path '/x//y' of API a/v1"),
        ([an_api("a", "/{x}")], r"base path '/\{x\}' of API a/v1"),
        ([an_api("a", "/", hosts=("a.test:80",))], r"host 'a.test:80' of API a/v1"),
        ([an_api("a", "/", hosts=("*",))], r"host '\*' of API a/v1"),
        ([an_api("a", "/", hosts=("x.*.test",))], r"host 'x\.\*\.test' of API a/v1"),
    ],
)
def test_refused_when_built(apis: Sequence[Api], message: str) -> None:
    """APIs that cannot be told apart, or are not valid, are refused by name."""
    with pytest.raises(ValueError, match=message):
        router(*apis)


def test_undeclared_needs_something_compiled() -> None:
    """An API that allows undeclared resources must say what decides on them."""
    with pytest.raises(ValueError, match="a/v1 allows undeclared"):
        Router([(an_api("a", "/", undeclared="allow"), [], None)])


def test_parameters_of_resources_of_one_shape_keep_their_names() -> None:
    """Resources that differ in nothing but a literal may call their parameters differently, also where HEAD is added."""
    routes = router(
        an_api(
            "a", "/", "GET /x/{i}", "GET /y/{j}", "GET /z/{i}", "HEAD /z/{k}", "HEAD /w/{j}", "HEAD /x/{i}"
        )
    )
    expected = {
        "GET /x/1": ("GET /x/{i}", "i"),
        "GET /y/1": ("GET /y/{j}", "j"),
        "GET /z/1": ("GET /z/{i}", "i"),
        "HEAD /x/1": ("HEAD /x/{i}", "i"),
        "HEAD /y/1": ("GET /y/{j}", "j"),
        "HEAD /z/1": ("HEAD /z/{k}", "k"),
        "HEAD /w/1": ("HEAD /w/{j}", "j"),
    }
    for request, (resource, name) in expected.items():
        assert ask(routes, request) == (f"a: {resource}", {name: "1"})
    assert ask(routes, "GET /w/1")[0] == "resource_not_found a"


@pytest.mark.parametrize("number", [6, 20])
def test_many_shapes_of_one_length(number: int) -> None:
    """Few shapes are tried in turn and many in a tree: the answers are the same."""
    shapes = [[shape >> bit & 1 for bit in range(5)] for shape in range(1, number + 1)]
    templates = ["/" + "/".join(f"{{p{at}}}" if hole else "a" for at, hole in enumerate(s)) for s in shapes]
    api = an_api("a", "/", *(f"GET {template}" for template in templates), "GET /x")
    routes = router(api)
    for parts in itertools.product("ab", repeat=5):
        path = "/" + "/".join(parts)
        assert ask(routes, f"HEAD {path}")[0] == oracle([api], "HEAD", path)
    assert ask(routes, "GET /x")[0] == "a: GET /x"


def test_unchanged_apis_keep_their_index() -> None:
    """A new router takes over the index of what was compiled once; an API that comes or goes below changes that."""
    upper = (an_api("upper", "/", "GET /low/{a}", "GET /b"), ["low", "b"], None)
    other = (an_api("other", "/other", "GET /{a}"), ["a"], None)
    lower = (an_api("lower", "/low", "GET /{z}"), ["z"], None)
    first: Router[str] = Router([upper, other])
    second: Router[str] = Router([upper, other, lower], first)
    assert second.built["other/v1"] == first.built["other/v1"]
    assert second.built["upper/v1"] != first.built["upper/v1"]
    assert ask(first, "GET /low/1") == ("low", {"a": "1"})
    assert ask(second, "GET /low/1") == ("z", {"z": "1"})
    third: Router[str] = Router([upper, (*other[:1], ["changed"], None)], second)
    assert ask(third, "GET /low/1") == ("low", {"a": "1"})
    assert ask(third, "GET /other/1")[0] == "changed"


def test_an_index_is_shared_by_hosts() -> None:
    """An API of many hosts is indexed once."""
    routes = router(an_api("a", "/", "GET /{x}", hosts=("a.test", "b.test", "*.c.test")))
    assert len({id(index) for index in routes.built["a/v1"]}) == 1
    assert ask(routes, "GET /1", "x.c.test") == ("a: GET /{x}", {"x": "1"})


SEGMENTS = ["a", "b", "{p}", "{p}.x", "{p}-{q}", ""]
PATHS = st.lists(st.sampled_from(["a", "b", "a.x", "a-b", "-", ".x", ""]), min_size=1, max_size=6)


def oracle(apis: Sequence[Api], method: str, path: str) -> str:
    """The same rules written as a search over everything: the lowest rank of all that match."""
    under = [api for api in apis if path == api.base_path or path.startswith(api.base_path.rstrip("/") + "/")]
    if not under:
        return "api_not_found -"
    api = max(under, key=lambda candidate: len(candidate.base_path))
    rest = path[len(api.base_path.rstrip("/")) :] or "/"
    ranked: list[tuple[list[tuple[int, int]], str]] = []
    declared = {(r.method, _shape(r.path)) for r in api.resources}
    for resource in api.resources:
        answers = {resource.method}
        if resource.method == "GET" and ("HEAD", _shape(resource.path)) not in declared:
            answers.add("HEAD")
        pattern = "".join(
            "([^/]+)" if piece.startswith("{") else re.escape(piece)
            for piece in re.split(r"(\{[^}]*\})", resource.path)
        )
        if method in answers and re.fullmatch(pattern, rest):
            ranked.append(([_rank(segment) for segment in resource.path.split("/")], resource.name))
    return f"{api.name}: {min(ranked)[1]}" if ranked else f"resource_not_found {api.name}"


def _shape(template: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", template)


def _rank(segment: str) -> tuple[int, int]:
    literal = len(re.sub(r"\{[^}]*\}", "", segment))
    return (0, 0) if "{" not in segment else (1, -literal) if literal else (2, 0)


@st.composite
def some_apis(draw: st.DrawFn, segments: Sequence[str] = SEGMENTS, most: int = 3) -> list[Api]:
    """A few APIs with small, overlapping templates, free of duplicates."""
    apis: list[Api] = []
    for base in draw(
        st.lists(st.sampled_from(["/", "/a", "/a/b", "/b"]), min_size=1, max_size=3, unique=True)
    ):
        resources: dict[str, str] = {}
        several = st.lists(st.sampled_from(segments), min_size=1, max_size=most)
        for parts in draw(st.lists(several, max_size=8 * (most - 2))):
            if "" in parts[:-1]:
                continue  # no template has an empty segment within it
            template = "/" + "/".join(
                part.replace("p", f"p{i}").replace("q", f"q{i}") for i, part in enumerate(parts)
            )
            method = draw(st.sampled_from(["GET", "POST", "HEAD"]))
            resources[f"{method} {_shape(template)}"] = f"{method} {template}"
        apis.append(an_api(f"api{len(apis)}", base, *resources.values()))
    return apis


@given(
    st.one_of(some_apis(), some_apis(["a", "b", "{p}", ""], 5)),
    st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    PATHS,
)
def test_agrees_with_a_naive_search(apis: list[Api], method: str, parts: list[str]) -> None:
    """The router finds what a search over every template finds, whatever the APIs and the request."""
    path = "/" + "/".join(part for part in parts[:-1] if part) + ("/" if len(parts) > 1 else "") + parts[-1]
    path = path.replace("//", "/")
    assert ask(router(*apis), f"{method} {path}")[0] == oracle(apis, method, path)


@given(st.text("a-.", min_size=1, max_size=8))
def test_parameters_rebuild_the_segment(segment: str) -> None:
    """Parameters put back into the template give the path that was asked for."""
    found = router(an_api("a", "/", "GET /{x}-{y}.{z}")).match("", "GET", f"/{segment}")
    matches = re.fullmatch(r".+-.+\..+", segment) is not None
    assert isinstance(found, Match) is matches
    if isinstance(found, Match):
        values = found.parameters
        assert all(values.values())
        assert f"{values['x']}-{values['y']}.{values['z']}" == segment
