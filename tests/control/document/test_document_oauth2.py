"""OAuth 2.0 in settings: issuers, presets, scopes, roles, token endpoints, and the paths that are the gateway's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.control.document.conftest import OK, one_api, openapi

from wardgate.control.document import difference, dump
from wardgate.domain.codec import decode_api, encode_api
from wardgate.domain.document import AuthorizationServer
from wardgate.domain.people import Role
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer

if TYPE_CHECKING:
    from tests.control.document.conftest import Load, Refuse, Resolve

TENANT = "11111111-2222-3333-4444-555555555555"
FLOWS = {
    "clientCredentials": {
        "tokenUrl": "https://x.example/token",
        "scopes": {"read": "Read items", "write": ""},
    },
    "authorizationCode": {
        "authorizationUrl": "https://x.example/authorize",
        "tokenUrl": "https://x.example/token",
        "scopes": {"write": "Change items"},
    },
}
SCOPED = openapi(
    {"/items": {"get": {**OK, "security": [{"oauth": ["read"]}]}}},
    components={"securitySchemes": {"oauth": {"type": "oauth2", "flows": FLOWS}}},
)


def taking(name: str) -> dict[str, Any]:
    """An operation with one path parameter."""
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {"get": {**OK, "parameters": [parameter]}}


def oauth2(text: str, more: str = "") -> str:
    """Settings of an API with ``oauth2: text``."""
    return f"security: {{ schemes: [oauth2], oauth2: {text}{more} }}"


def test_all_of_an_issuer_arrives(resolved: Resolve) -> None:
    """Every key of the settings is a field of what the gateway checks, and survives being stored."""
    api = resolved(
        """security:
  schemes: [oauth2]
  oauth2:
    audiences: [orders]
    bound: dpop
    max_lifetime: 3600
    skew: 5
    proof_age: 20
    proof_nonce: true
    acr: [urn:wardgate:acr:2]
    max_age: 600
    token_endpoint: https://id.example.com/token?p=b2c
    issuers:
      - builtin
      - issuer: https://id.example.com/
        jwks_uri: https://id.example.com/keys?all=1
        audiences: [api]
        algorithms: [ES256, RS256]
        types: [AT+JWT, ""]
        application_claims: [cid]
        applications: { 0oa1: mobile }
        scope_claims: [scp]
        roles_claims: [groups]
        role_scopes: { Reader: [read] }
        skew: 0
        max_lifetime: 300
        max_key_age: 3600
      - issuer: http://127.0.0.1:9000/opaque
        introspection: { endpoint: "https://id.example.com/introspect", client_id: gw, secret_env: INTROSPECTION_GW, ttl: 5 }
"""
    )
    assert api.oauth2 == OAuth2Settings(
        audiences=("orders",),
        bound="dpop",
        max_lifetime=3600,
        skew=5,
        proof_age=20,
        proof_nonce=True,
        acr_values=("urn:wardgate:acr:2",),
        max_age=600,
        token_endpoint="https://id.example.com/token?p=b2c",
        issuers=(
            TrustedIssuer(issuer="", kind="builtin"),
            TrustedIssuer(
                issuer="https://id.example.com/",
                jwks_uri="https://id.example.com/keys?all=1",
                audiences=("api",),
                algorithms=("ES256", "RS256"),
                types=("at+jwt", ""),
                application_claims=("cid",),
                applications={"0oa1": "mobile"},
                scope_claims=("scp",),
                roles_claims=("groups",),
                role_scopes={"Reader": ("read",)},
                skew=0,
                max_lifetime=300,
                max_key_age=3600,
            ),
            TrustedIssuer(
                issuer="http://127.0.0.1:9000/opaque",
                kind="introspection",
                introspection_endpoint="https://id.example.com/introspect",
                introspection_client_id="gw",
                introspection_secret="INTROSPECTION_GW",
                introspection_ttl=5,
            ),
        ),
    )
    assert decode_api(encode_api(api)) == api


def test_okta_is_a_preset(resolved: Resolve) -> None:
    """Okta's claims are known; what is written besides wins."""
    api = resolved(
        oauth2(
            "{ issuers: [{ preset: okta, issuer: 'https://dev-1.okta.com/oauth2/default', "
            "audiences: ['api://default'], roles_claims: [roles] }] }"
        )
    )
    assert api.oauth2 is not None
    assert api.oauth2.issuers == (
        TrustedIssuer(
            issuer="https://dev-1.okta.com/oauth2/default",
            audiences=("api://default",),
            algorithms=("RS256",),
            application_claims=("cid",),
            scope_claims=("scp",),
            roles_claims=("roles",),
        ),
    )


def test_entra_is_a_preset_of_two_issuers(resolved: Resolve) -> None:
    """A tenant's tokens come from its issuer of version 2.0 or of 1.0, and each is believed for that tenant alone."""
    api = resolved(oauth2(f"{{ audiences: [x], issuers: [{{ preset: entra, tenant: {TENANT.upper()} }}] }}"))
    assert api.oauth2 is not None
    second, first = api.oauth2.issuers
    assert second.issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert first.issuer == f"https://sts.windows.net/{TENANT}/"
    assert first.jwks_uri == f"https://login.microsoftonline.com/{TENANT}/discovery/keys"
    for issuer in (first, second):
        assert issuer.application_claims == ("azp", "appid")
        assert (issuer.scope_claims, issuer.roles_claims) == (("scp",), ("roles",))
        assert issuer.algorithms == ("RS256",)


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("{ issuers: [] }", "issuers", "an empty list of issuers says nothing", "Write `issuers: [builtin]`"),
        ("{ issuers: [okta] }", "issuers[0]", "'okta' is no issuer", "Write `builtin`, or a mapping"),
        ("{ issuers: [builtin, builtin] }", "issuers[1]", "'builtin' stands here twice", "Remove one"),
        ("{ issuers: [{}] }", "issuers[0]", "the key 'issuer' is missing", "Add `issuer:`"),
        (
            "{ issuers: [{ issuer: 'https://a.example' }, { issuer: 'https://a.example' }] }",
            "issuers[1]",
            "the issuer 'https://a.example' stands here twice",
            "Merge the two",
        ),
        (
            "{ issuers: [{ issuer: 'http://a.example' }] }",
            "issuers[0].issuer",
            "the URL of 'issuer' cannot be used: it must start with https://; plain http reaches this machine only",
            "Write it as https://",
        ),
        (
            "{ issuers: [{ issuer: 'https://u:p@a.example' }] }",
            "issuers[0].issuer",
            "the URL of 'issuer' cannot be used: it holds a user name or password",
            "Write it as https://",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example/?tenant=1' }] }",
            "issuers[0].issuer",
            "the URL of 'issuer' cannot be used: it holds a query",
            "Write it as https://",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example', algorithms: [HS256] }] }",
            "issuers[0].algorithms[0]",
            "the algorithm 'HS256' is not accepted",
            "Use one with a public key",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example', algorithms: [none] }] }",
            "issuers[0].algorithms[0]",
            "the algorithm 'none' is not accepted",
            "Use one with a public key",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example', algorithms: [ES265] }] }",
            "issuers[0].algorithms[0]",
            "the algorithm 'ES265' is not accepted",
            "Did you mean 'ES256'?",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example', tenant: x }] }",
            "issuers[0].tenant",
            "only the preset entra has a tenant",
            "Add `preset: entra`",
        ),
        (
            "{ issuers: [{ preset: okta, issuer: 'https://dev.okta.com', audiences: [a] }] }",
            "issuers[0].issuer",
            "tokens of Okta's org authorization server are for Okta alone",
            "Use a custom authorization server",
        ),
        (
            "{ issuers: [{ preset: okta, audiences: [a] }] }",
            "issuers[0]",
            "the key 'issuer' is missing",
            "Add `issuer: https://NAME.okta.com/oauth2/default`",
        ),
        (
            "{ issuers: [{ preset: okta, issuer: 'https://dev.okta.com/oauth2/default' }] }",
            "issuers[0]",
            "tokens of okta name an audience of their own, and none is given",
            "Add `audiences:`",
        ),
        (
            "{ issuers: [{ preset: entra, tenant: common, audiences: [a] }] }",
            "issuers[0].tenant",
            "'common' is no tenant ID",
            "Write the directory (tenant) ID",
        ),
        (
            "{ issuers: [{ preset: entra, tenant: contoso.onmicrosoft.com, audiences: [a] }] }",
            "issuers[0].tenant",
            "'contoso.onmicrosoft.com' is no tenant ID",
            "Write the directory (tenant) ID",
        ),
        (
            f"{{ issuers: [{{ preset: entra, tenant: {TENANT}, issuer: 'https://a.example', audiences: [a] }}] }}",
            "issuers[0].issuer",
            "the issuers of Entra follow from its tenant",
            "Remove it",
        ),
        (
            "{ issuers: [{ issuer: 'https://a.example', introspection: {} }] }",
            "issuers[0].introspection",
            "the key 'endpoint' is missing",
            "Add `endpoint:`",
        ),
        (
            (
                "{ issuers: [{ issuer: 'https://a.example', jwks_uri: 'https://a.example/k', introspection: "
                "{ endpoint: 'https://a.example/i', client_id: a, secret_env: INTROSPECTION_S } }] }"
            ),
            "issuers[0].jwks_uri",
            "'jwks_uri' has no meaning for tokens that are asked about",
            "Remove it",
        ),
        (
            (
                "{ issuers: [{ issuer: 'https://a.example', introspection: "
                "{ endpoint: 'https://a.example/i', client_id: a, secret_env: 's3cr3t!' } }] }"
            ),
            "issuers[0].introspection.secret_env",
            "'s3cr3t!' is no valid secret_env",
            "Use an environment variable that holds",
        ),
        (
            (
                "{ issuers: [{ issuer: 'https://a.example', introspection: "
                "{ endpoint: 'https://a.example/i', client_id: a, secret_env: WARDGATE_SMTP_PASSWORD } }] }"
            ),
            "issuers[0].introspection.secret_env",
            "'WARDGATE_SMTP_PASSWORD' is no valid secret_env",
            "Use an environment variable that holds the client's secret and begins with INTROSPECTION_",
        ),
        (
            "{ token_endpoint: 'https://a.example/token' }",
            "token_endpoint",
            "tokens from this endpoint would not open the API: no other issuer is listed",
            "Add whoever issues them",
        ),
        ("{ bound: yes }", "bound", "'yes' is no valid bound", "Known values"),
        ("{ audience: [a] }", "audience", "unknown key 'audience'", "Did you mean 'audiences'?"),
    ],
)
def test_wrong_settings_are_named(refused: Refuse, text: str, path: str, message: str, remedy: str) -> None:
    """Each mistake is told with its place and remedy."""
    problem = refused(one_api(oauth2(text)))[0]
    assert problem.path == f"apis[0].security.oauth2.{path}"
    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy)
    assert "u:p" not in str(problem)


def test_scopes_are_made_and_described(resolved: Resolve) -> None:
    """An API's scopes are the document's with its words, and those made in the settings, whose words win."""
    api = resolved("", SCOPED)
    assert api.scopes == {"read": "Read items", "write": "Change items"}
    made = resolved(
        oauth2(
            "{}",
            ", scopes: { write: Edit, admin: Everything }, resources: { 'GET /items': { scopes: [admin] } }",
        ),
        SCOPED,
    )
    assert made.scopes == {"read": "Read items", "write": "Edit", "admin": "Everything"}
    assert made.resources[0].scopes == ("read", "admin")
    implied = resolved(oauth2("{}", ", resources: { 'GET /items': { scopes: [other] } }"))
    assert implied.scopes == {"other": ""}


def test_a_scope_nobody_made_is_named(refused: Refuse) -> None:
    """Where scopes are made in the settings, a resource's misspelt one is a problem."""
    text = oauth2(
        "{}", ", scopes: { items.read: Read }, resources: { 'GET /items': { scopes: [items.raed] } }"
    )
    (problem,) = refused(one_api(text))
    assert problem.message == "there is no scope 'items.raed'"
    assert problem.remedy == "Did you mean 'items.read'?"
    (problem,) = refused(one_api(oauth2("{}", ", scopes: { 'a b': Read }")))
    assert problem.message == "'a b' is no valid scope"


def test_a_resource_asks_how_somebody_signed_in(resolved: Resolve, refused: Refuse) -> None:
    """Authentication class and age arrive, and contradict an open resource."""
    resources = ", resources: { 'GET /items': { acr: ['urn:wardgate:acr:2'], max_age: 300 } }"
    (resource,) = resolved(oauth2("{}", resources)).resources
    assert (resource.acr_values, resource.max_age) == (("urn:wardgate:acr:2",), 300)
    wrong = refused(one_api(oauth2("{}", ", resources: { 'GET /items': { security: off, max_age: 1 } }")))
    assert wrong[0].message == "'max_age' contradicts `security: off`"


ROLES = """roles:
  - { name: reader, description: Reads, scopes: [read] }
  - { name: editor, scopes: [read, write, openid] }
"""


def test_roles_carry_scopes(loaded: Load) -> None:
    """Roles arrive with the scopes of the document's APIs, and are written back as they were."""
    document = loaded(ROLES + one_api(""), SCOPED)
    assert document.roles == (
        Role(name="reader", description="Reads", scopes=("read",)),
        Role(name="editor", scopes=("read", "write", "openid")),
    )
    assert loaded(dump(document), SCOPED) == document


def test_wrong_roles_are_named(refused: Refuse) -> None:
    """A scope no API has, and a name used twice, are told with their places."""
    roles = "roles:\n  - { name: reader, scopes: [raed] }\n  - { name: reader }\n"
    problems = refused(roles + one_api(""), SCOPED)
    assert [(p.path, p.message, p.remedy) for p in problems] == [
        (
            "roles[0].scopes[0]",
            "no API has the scope 'raed'",
            "Did you mean 'read'? One of an API elsewhere stands in `scopes_elsewhere`",
        ),
        (
            "roles[1].name",
            f"the role 'reader' is also declared at {problems[0].file}:2",
            "Merge the two",
        ),
    ]


def test_a_role_may_have_scopes_of_apis_elsewhere(loaded: Load, refused: Refuse) -> None:
    """Said apart from those of the document's own APIs, they are part of the role, and given back so."""
    roles = "roles:\n  - { name: reader, scopes: [read], scopes_elsewhere: [bill, openid] }\n"
    document = loaded(roles + one_api(""), SCOPED)
    assert document.roles[0].scopes == ("read", "bill", "openid")
    text = dump(document)
    assert "scopes_elsewhere:\n      - bill" in text
    assert set(loaded(text, SCOPED).roles[0].scopes) == {"read", "bill", "openid"}
    (problem,) = refused(roles.replace("bill", "read") + one_api(""), SCOPED)
    assert (problem.path, problem.message) == (
        "roles[0].scopes_elsewhere[0]",
        "'read' stands in `scopes` as well",
    )


def test_the_token_endpoint_can_be_somebody_elses(loaded: Load, refused: Refuse) -> None:
    """The environment's token endpoint is named once, can be given back, and is written back as it was."""
    named = 'authorization_server: { token_endpoint: "https://id.example.com/token" }\n' + one_api()
    document = loaded(named)
    assert document.authorization_server == AuthorizationServer(token_endpoint="https://id.example.com/token")
    assert loaded(dump(document)) == document
    off = loaded("authorization_server: off\n" + one_api())
    assert off.authorization_server == AuthorizationServer()
    assert loaded(dump(off)) == off
    (problem,) = refused("authorization_server: {}\n" + one_api())
    assert problem.message == "the key 'token_endpoint' is missing"
    (problem,) = refused("authorization_server: { token_endpoint: 'http://id.example.com/' }\n" + one_api())
    assert "must start with https://" in problem.message


@pytest.mark.parametrize(
    ("extra", "paths", "path", "message"),
    [
        (
            "base_path: /oauth2",
            {"/items": {"get": OK}},
            "base_path",
            "the base path '/oauth2' is the gateway's own",
        ),
        (
            "base_path: /.well-known/openid-configuration",
            {"/items": {"get": OK}},
            "base_path",
            "the base path '/.well-known/openid-configuration' is the gateway's own",
        ),
        (
            "base_path: /\nhosts: [a.example]",
            {"/oauth2/token": {"post": OK}, "/oauth2/{x}": taking("x"), "/items": {"get": OK}},
            "base_path",
            "below this base path POST /oauth2/token, GET /oauth2/{x} cannot be reached",
        ),
        (
            "base_path: /.well-known",
            {"/oauth-protected-resource/x": {"get": OK}},
            "base_path",
            "below this base path GET /oauth-protected-resource/x cannot be reached",
        ),
    ],
)
def test_the_gateways_own_paths_are_no_apis(
    refused: Refuse, extra: str, paths: dict[str, Any], path: str, message: str
) -> None:
    """What is mounted where the authorization server answers is told, not silently shadowed."""
    (problem,) = refused(one_api(f"security: {{ schemes: [api_key] }}\n{extra}"), openapi(paths))
    assert problem.path == f"apis[0].{path}"
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    "paths", [{"/oauth2x": {"get": OK}}, {"/{x}": taking("x")}, {"/.well-known/{x}": taking("x")}]
)
def test_paths_beside_the_gateways_own_are_free(resolved: Resolve, paths: dict[str, Any]) -> None:
    """A longer name, or a parameter that could be anything, is not refused."""
    assert resolved("security: { schemes: [api_key] }\nbase_path: /", openapi(paths)).base_path == ""


def test_token_endpoints_do_not_collide(refused: Refuse) -> None:
    """Two token endpoints of one host, one at the root of every host, and one over an operation are told."""
    issuers = "issuers: [{ issuer: 'https://a.example' }]"
    secured = oauth2(f"{{ token_endpoint: 'https://a.example/token', {issuers} }}")
    (problem,) = refused(one_api(f"{secured}\nbase_path: /"))
    assert problem.path == "apis[0].security.oauth2.token_endpoint"
    assert problem.message == "the token endpoint at '/oauth2/token' on every host is the gateway's own"
    assert problem.remedy.startswith("Write `authorization_server:")
    first = one_api(f"{secured}\nhosts: [a.example]")
    second = one_api(f"{secured}\nhosts: [a.example]\nbase_path: /other").replace("orders", "other")
    (problem,) = refused(first + second.removeprefix("apis:\n"))
    assert problem.message == (
        "the token endpoint at '/oauth2/token' on the host a.example is taken by orders/v1 (token endpoint)"
    )
    third = one_api("security: { schemes: [api_key] }\nbase_path: /orders/v1/oauth2/token").replace(
        "name: orders", "name: third"
    )
    (problem,) = refused(one_api(secured) + third.removeprefix("apis:\n"))
    assert (
        problem.message
        == "the token endpoint at '/orders/v1/oauth2/token' on every host is taken by third/v1"
    )
    (problem,) = refused(one_api(secured), openapi({"/oauth2/token": {"post": OK}}))
    assert problem.message == "POST /oauth2/token cannot be reached: the token endpoint stands there"


def test_an_issuer_has_its_keys_at_one_place(refused: Refuse) -> None:
    """Two APIs cannot disagree about where the keys of an issuer are."""
    first = one_api(oauth2("{ issuers: [{ issuer: 'https://a.example' }] }"))
    second = one_api(
        oauth2("{ issuers: [{ issuer: 'https://a.example', jwks_uri: 'https://a.example/k' }] }")
    )
    (problem,) = refused(first + second.removeprefix("apis:\n").replace("orders", "other"))
    assert problem.path == "apis[1].security.oauth2.issuers"
    assert problem.message == "the issuer 'https://a.example' has another jwks_uri at orders/v1"


def test_what_changes_is_shown(loaded: Load) -> None:
    """The difference names issuers, requirements, scopes, roles and the token endpoint, each in a line."""
    before = loaded(one_api(oauth2("{ issuers: [builtin] }")))
    text = (
        "authorization_server: { token_endpoint: 'https://id.example.com/token' }\n"
        "roles: [{ name: reader, scopes: [read] }]\n"
    ) + one_api(
        "security: { schemes: [api_key, oauth2], require: all, scopes: { read: Read }, "
        "oauth2: { issuers: [{ issuer: 'https://a.example', audiences: [x] }] }, "
        "resources: { 'GET /items': { acr: [high], max_age: 60 } } }"
    )
    lines = difference(before, loaded(text))
    for line in (
        "~ api orders/v1: require: any -> all",
        "~ api orders/v1: oauth2.issuers: builtin -> https://a.example",
        "~ api orders/v1: oauth2.issuers[https://a.example].audiences: none -> x",
        "~ api orders/v1: scopes.read: none -> Read",
        "~ api orders/v1: ~ resource GET /items: oauth2 -> api_key and oauth2; acr none -> high; max_age none -> 60",
        "+ role reader: read",
        "~ authorization server: token endpoint built in -> https://id.example.com/token",
    ):
        assert line in lines
    later = loaded(text.replace("scopes: [read]", "scopes: [openid], description: Reads"))
    assert difference(loaded(text), later) == [
        "~ role reader: description: none -> Reads",
        "~ role reader: - scope read",
        "~ role reader: + scope openid",
    ]
