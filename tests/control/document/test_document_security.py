"""Security of settings and OpenAPI document together: shut unless somebody opened it on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.control.document.conftest import OK, one_api, openapi

from wardgate.domain.api import ApiKeyScheme

if TYPE_CHECKING:
    from pathlib import Path

    from tests.control.document.conftest import Refuse, Resolve

KEY = {"type": "apiKey", "in": "query", "name": "api_key"}
OTHER = {"type": "apiKey", "in": "header", "name": "X-Other"}
FLOWS = {"clientCredentials": {"tokenUrl": "https://x.example/token", "scopes": {"read": "", "write": ""}}}
SCHEMES = {
    "key": KEY,
    "oauth": {"type": "oauth2", "flows": FLOWS},
    "basic": {"type": "http", "scheme": "basic"},
    "digest": {"type": "http", "scheme": "digest"},
}


def document(security: Any = ..., glob: Any = ..., **schemes: Any) -> str:
    """A document with one operation, with its security and the document's."""
    operation = OK if security is ... else {**OK, "security": security}
    parts = {} if glob is ... else {"security": glob}
    return openapi(
        {"/items": {"get": operation}}, components={"securitySchemes": schemes or SCHEMES}, **parts
    )


#: Settings, the operation's security, the document's; then the schemes and scopes that are enforced.
TABLE: list[tuple[str, Any, Any, tuple[str, ...], tuple[str, ...]]] = [
    ("security: off", [{"key": []}], ..., (), ()),
    ("security: 'off'", [{"key": []}], ..., (), ()),
    ("security: false", ..., ..., (), ()),
    ("security: { schemes: [api_key] }", ..., ..., ("api_key",), ()),
    ("security: { schemes: [api_key] }", [], ..., ("api_key",), ()),
    ("security: { schemes: [api_key] }", [{}], [], ("api_key",), ()),
    ("security: { schemes: [api_key] }", [{"oauth": ["read"]}], ..., ("api_key",), ()),
    (
        "security: { schemes: [oauth2, api_key] }",
        [{"oauth": ["read"]}],
        ...,
        ("api_key", "oauth2"),
        ("read",),
    ),
    ("security: { schemes: [api_key], resources: { 'GET /items': { security: off } } }", ..., ..., (), ()),
    (
        "security: { schemes: [api_key], resources: { 'get /items': { schemes: [basic] } } }",
        ...,
        ...,
        ("basic",),
        (),
    ),
    (
        "security: { schemes: [oauth2], resources: { 'GET /items': { scopes: [write] } } }",
        [{"oauth": ["read"]}],
        ...,
        ("oauth2",),
        ("read", "write"),
    ),
    ("security: { resources: { 'GET /items': { security: off } } }", ..., ..., (), ()),
    ("", [{"key": []}], ..., ("api_key",), ()),
    ("", ..., [{"key": []}], ("api_key",), ()),
    ("", [{"basic": []}], [{"key": []}], ("basic",), ()),
    ("", [], [{"key": []}], (), ()),
    ("", [{}], [{"key": []}], (), ()),
    ("", ..., [], (), ()),
    ("", [{"key": []}, {}], ..., ("api_key",), ()),
    (
        "",
        [{"key": []}, {"oauth": ["read"]}, {"oauth": ["write"]}],
        ...,
        ("api_key", "oauth2"),
        ("read", "write"),
    ),
]


@pytest.mark.parametrize(("extra", "operation", "glob", "schemes", "scopes"), TABLE)
def test_the_stricter_word_wins(
    resolved: Resolve,
    extra: str,
    operation: Any,
    glob: Any,
    schemes: tuple[str, ...],
    scopes: tuple[str, ...],
) -> None:
    """Settings and document together give exactly these schemes and scopes."""
    (resource,) = resolved(extra, document(operation, glob)).resources
    assert (resource.schemes, resource.scopes) == (schemes, scopes)


requirements = st.dictionaries(
    st.sampled_from(("key", "oauth", "basic")), st.just(("read",)).map(list), max_size=2
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.just(...) | st.lists(requirements, max_size=3),
    glob=st.just(...) | st.lists(requirements, max_size=2),
)
def test_nothing_in_a_document_opens_what_settings_guard(
    resolved: Resolve, tmp_path: Path, operation: Any, glob: Any
) -> None:
    """Whatever the OpenAPI document declares, an operation asks for the schemes the settings name."""
    api = resolved("security: { schemes: [api_key] }", document(operation, glob))
    assert all(resource.schemes == ("api_key",) for resource in api.resources)


def test_operations_without_any_security_are_refused(refused: Refuse) -> None:
    """Silence of both settings and document is no permission; the remedy says how to speak."""
    paths = {f"/p{number}": {"get": OK, "put": {**OK, "security": []}} for number in range(7)}
    (problem,) = refused(one_api(""), openapi(paths))
    assert problem.path == "apis[0].openapi"
    assert problem.message == (
        "the OpenAPI document declares no security for GET /p0, GET /p1, GET /p2, GET /p3, GET /p4 and 2 more"
    )
    assert problem.remedy == (
        "Add `security: { schemes: [api_key] }` to the API, or `security: off` to open it on purpose"
    )


@pytest.mark.parametrize(
    ("extra", "glob", "expected"),
    [
        ("security: off", ..., ()),
        ("security: { schemes: [basic] }", ..., ("basic",)),
        ("", [{"oauth": []}], ("oauth2",)),
        ("", [], ("api_key",)),
    ],
)
def test_undeclared_resources_are_guarded(
    resolved: Resolve, extra: str, glob: Any, expected: tuple[str, ...]
) -> None:
    """What the document does not declare asks for the settings' schemes, else the document's, never for none."""
    assert resolved(f"{extra}\nundeclared: allow", document(..., glob)).schemes == expected


def test_where_keys_stand(resolved: Resolve) -> None:
    """The settings say where keys stand; else the document's one API key scheme; else X-API-Key."""
    used = document([{"key": []}])
    assert resolved("", used).api_key == ApiKeyScheme(place="query", name="api_key")
    written = "security: { schemes: [api_key], api_key: { in: cookie, name: k } }"
    assert resolved(written, used).api_key == ApiKeyScheme(place="cookie", name="k")
    only = document(..., ..., key=KEY)
    assert resolved("security: { schemes: [api_key] }", only).api_key == ApiKeyScheme(
        place="query", name="api_key"
    )
    assert resolved("security: { schemes: [api_key] }", openapi()).api_key == ApiKeyScheme()


def test_per_resource_settings_arrive(resolved: Resolve) -> None:
    """Body limit and policies of one resource are its own."""
    settings = "{ max_body: 1KB, policies: [{ use: acme.x, x: 1 }] }"
    text = f"security:\n  schemes: [api_key]\n  resources:\n    GET /items: {settings}"
    (resource,) = resolved(text).resources
    assert resource.max_body == 1024
    assert [(use.name, use.config) for use in resource.policies] == [("acme.x", {"x": 1})]


@pytest.mark.parametrize(
    ("extra", "path", "message", "remedy"),
    [
        ("security: on", "security", "'on' is no valid security", "Write `off` or"),
        (
            "security: { schemes: [] }",
            "security.schemes",
            "an empty list of schemes",
            "Write `security: off`",
        ),
        (
            "security: { schemes: api_key }",
            "security.schemes",
            "'schemes' must be a list",
            "Write `schemes: [...]`",
        ),
        (
            "security: { scheme: [api_key] }",
            "security.scheme",
            "unknown key 'scheme'",
            "Did you mean 'schemes'?",
        ),
        (
            "security: { schemes: [api_key], api_key: { in: body } }",
            "security.api_key.in",
            "'body' is no valid in",
            "Known values: cookie, header, query",
        ),
        (
            "security: { schemes: [api_key], api_key: { in: query } }",
            "security.api_key",
            "a key in a query needs a name",
            "Add `name:`",
        ),
        (
            "security: { schemes: [api_key], api_key: { name: 'X Key' } }",
            "security.api_key.name",
            "'X Key' is no valid name",
            "Use a name as HTTP allows it",
        ),
        (
            "security: { schemes: [api_key], resources: { 'GET /item': { security: off } } }",
            'security.resources["GET /item"]',
            "the OpenAPI document has no operation 'GET /item'",
            "Did you mean 'GET /items'?",
        ),
        (
            "security: { schemes: [api_key], resources: { 'GET /items': { security: on } } }",
            'security.resources["GET /items"].security',
            "a resource's security can only be switched off",
            "Write `security: off`",
        ),
        (
            "security: { schemes: [api_key], resources: { 'GET /items': { security: off, scopes: [a] } } }",
            'security.resources["GET /items"].scopes',
            "'scopes' contradicts `security: off`",
            "Remove one",
        ),
        (
            "security: { schemes: [api_key], resources: { 'GET /items': {}, 'get /items': {} } }",
            'security.resources["get /items"]',
            "'GET /items' stands here twice",
            "Merge the two",
        ),
        (
            "security: { schemes: [oauth2], resources: { 'GET /items': { scopes: ['a b'] } } }",
            'security.resources["GET /items"].scopes[0]',
            "'a b' cannot stand here",
            "Use a scope without spaces",
        ),
    ],
)
def test_wrong_security_is_named(refused: Refuse, extra: str, path: str, message: str, remedy: str) -> None:
    """Each mistake in security settings is told with its place and remedy."""
    problem = refused(one_api(extra))[0]
    assert problem.path == f"apis[0].{path}"
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize("name", ["Host", "X-Wardgate-Application", "content-length", "Sec-Fetch-Site"])
def test_keys_cannot_stand_in_headers_with_another_meaning(refused: Refuse, name: str) -> None:
    """A key header that frames messages or belongs to Wardgate is refused, whoever names it."""
    written = f"security: {{ schemes: [api_key], api_key: {{ name: {name} }} }}"
    declared = document([{"key": []}], key={"type": "apiKey", "in": "header", "name": name})
    for (problem,), path in (
        (refused(one_api(written)), "security"),
        (refused(one_api(""), declared), "openapi"),
    ):
        assert problem.path == f"apis[0].{path}"
        assert problem.message == f"the header {name!r} cannot carry an API key"


def test_schemes_that_cannot_be_checked_are_refused(refused: Refuse) -> None:
    """An operation that asks for HTTP digest is neither opened nor silently changed."""
    (problem,) = refused(one_api(""), document([{"digest": []}]))
    assert problem.message == "the scheme 'http digest' of GET /items is not supported"
    assert problem.remedy.startswith("Set `security.schemes` to some of api_key, oauth2")


BOTH = {"key": [], "oauth": ["read"]}
#: Settings, the operation's security; then the schemes, how many of them, and the scopes.
TOGETHER: list[tuple[str, Any, tuple[str, ...], str, tuple[str, ...]]] = [
    ("", [BOTH], ("api_key", "oauth2"), "all", ("read",)),
    ("", [BOTH, {"key": [], "oauth": ["write"]}], ("api_key", "oauth2"), "all", ("read", "write")),
    ("", [BOTH, {}], ("api_key", "oauth2"), "all", ("read",)),
    ("security: { require: any }", [BOTH], ("api_key", "oauth2"), "all", ("read",)),
    (
        "security: { resources: { 'GET /items': { require: any } } }",
        [BOTH],
        ("api_key", "oauth2"),
        "all",
        ("read",),
    ),
    ("security: { schemes: [oauth2] }", [BOTH], ("oauth2",), "any", ("read",)),
    ("security: { schemes: [api_key, oauth2] }", [BOTH], ("api_key", "oauth2"), "any", ("read",)),
    ("security: { require: all }", [{"key": []}, {"oauth": []}], ("api_key", "oauth2"), "all", ()),
    ("security: { require: all }", [{"key": []}], ("api_key",), "any", ()),
    ("security: { schemes: [api_key, oauth2], require: all }", [], ("api_key", "oauth2"), "all", ()),
    (
        "security: { schemes: [api_key, oauth2], require: all, resources: { 'GET /items': { require: any } } }",
        [],
        ("api_key", "oauth2"),
        "any",
        (),
    ),
    (
        "security: { schemes: [api_key, oauth2], resources: { 'GET /items': { require: all } } }",
        [],
        ("api_key", "oauth2"),
        "all",
        (),
    ),
]


@pytest.mark.parametrize(("extra", "operation", "schemes", "require", "scopes"), TOGETHER)
def test_credentials_that_must_come_together_are_asked_for_together(
    resolved: Resolve,
    extra: str,
    operation: Any,
    schemes: tuple[str, ...],
    require: str,
    scopes: tuple[str, ...],
) -> None:
    """One requirement with a key and OAuth 2.0 needs both; settings can ask for more, and for less only by name."""
    (resource,) = resolved(extra, document(operation)).resources
    assert (resource.schemes, resource.require, resource.scopes) == (schemes, require, scopes)


@pytest.mark.parametrize(
    "operation",
    [
        [BOTH, {"oauth": []}],
        [BOTH, {"key": []}],
        [{"key": [], "basic": []}],
        [{"oauth": [], "basic": []}],
        [{"key": [], "oauth": [], "basic": []}],
        [BOTH, {"oauth": [], "basic": []}],
    ],
)
def test_combinations_that_cannot_be_kept_are_refused(
    refused: Refuse, resolved: Resolve, operation: Any
) -> None:
    """One of two credentials that a document wants at once would open what asks for both; the settings may choose."""
    (problem,) = refused(one_api(""), document(operation))
    assert problem.message == (
        "the OpenAPI document asks for credentials in a combination that cannot be kept for GET /items"
    )
    assert "`security: { schemes: [...], require: all }`" in problem.remedy
    chosen = resolved("security: { schemes: [api_key, oauth2], require: all }", document(operation))
    assert chosen.resources[0].require == "all"


def test_what_is_undeclared_needs_both_where_the_document_says_so(resolved: Resolve) -> None:
    """The document's own security holds for undeclared resources too, and a mixed one in its stricter reading."""
    for glob in ([BOTH], [BOTH, {"oauth": []}]):
        api = resolved("undeclared: allow", document([{"key": []}], glob))
        assert (api.schemes, api.require) == (("api_key", "oauth2"), "all")


def test_keys_in_several_places_need_a_choice(refused: Refuse) -> None:
    """Two API key schemes in use make the owner choose one place."""
    (problem,) = refused(one_api(""), document([{"key": []}, {"other": []}], key=KEY, other=OTHER))
    assert (
        problem.message
        == "the OpenAPI document puts API keys in several places: query api_key and header X-Other"
    )
    assert problem.remedy == "Choose one: `security: { api_key: { in: header, name: X-API-Key } }`"
