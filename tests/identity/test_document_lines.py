"""What use cases would refuse of a document is told when it is loaded: with file, line, path and remedy."""

from __future__ import annotations

import textwrap

import pytest

from wardgate.control.document.uploaded import load_uploaded
from wardgate.domain.document import DocumentError
from wardgate.identity.declared_clients import client_problem
from wardgate.identity.federation.declared import provider_problem

#: A document, with the line that is wrong; each line stands alone, so that its number says which it is.
PROVIDER = """
environments:
  - name: development
    identity_providers:
      - id: sso
        name: SSO
        preset: generic
        issuer: https://sso.example.com
        client_id: me
"""
ENTRA = PROVIDER.replace("generic", "entra").replace("        issuer: https://sso.example.com\n", "")
CLIENT = """
clients:
  - id: shop
    application: shop
    redirect_uris: ["https://shop.example/done"]
"""
MACHINE = """
clients:
  - id: till
    application: shop
    grant_types: [client_credentials]
"""
WEBHOOK = """
webhooks:
  - url: https://a.example/
"""
ENVIRONMENT = """
environments:
  - name: development
"""
TENANT = "11111111-2222-3333-4444-555555555555"
LONG = "x" * 101
#: What stands in the document, what stands there instead, and the path that is told; ``None`` where that is of the thing as
#: a whole, which lacks a key, or of something within it.
PROVIDERS = [
    ("name: SSO", f"name: {LONG}", "name"),
    ("name: SSO", "name: ' '", "name"),
    ("name: SSO", 'name: "a\\tb"', "name"),
    ("id: sso", "id: Sso", "id"),
    ("id: sso", "id: -sso", "id"),
    ("id: sso", f"id: {'x' * 41}", "id"),
    ("id: sso", "id: local", "id"),
    ("id: sso", "id: ''", "id"),
    ("client_id: me", "client_id: ''", "client_id"),
    ("client_id: me", "client_id: ü", "client_id"),
    ("client_id: me", f"client_id: {'x' * 501}", "client_id"),
    ("issuer: https://sso.example.com", "issuer: sso.example.com", "issuer"),
    ("issuer: https://sso.example.com", "issuer: https://me@sso.example.com", "issuer"),
    ("issuer: https://sso.example.com", "issuer: https://sso.example.com/?a=b", "issuer"),
    ("issuer: https://sso.example.com", "issuer: https://127.1/", "issuer"),
    ("issuer: https://sso.example.com", "issuer: https://sso.example.com:25/", "issuer"),
    ("issuer: https://sso.example.com", f"issuer: https://sso.example.com/{'x' * 2040}", "issuer"),
    ("preset: generic", "preset: keycloak", "preset"),
    *(
        ("client_id: me", f"client_id: me\n        {line}", path)
        for line, path in (
            (f"tenant: {TENANT}", "tenant"),
            (f"tenants: [{TENANT}]", "tenants"),
            ("domains: [a.example]", "domains"),
            ("algorithms: [HS256]", "algorithms[0]"),
            ("scopes: [a b]", "scopes[0]"),
            ("on_overage: guess", "on_overage"),
            ("authentication: none", "authentication"),
            ("operators: { staff: ['viewer@A'] }", "operators.staff[0]"),
            ("roles: { staff: ['a b'] }", "roles.staff[0]"),
            ("client_secret: hunter2", "client_secret"),
        )
    ),
]
ENTRAS = [
    ("client_id: me", f"client_id: me\n        {line}", path)
    for line, path in (
        ("tenant: contoso", "tenant"),
        ("tenant: common", "tenant"),
        (f"tenant: {TENANT}\n        tenants: [{TENANT}]", "tenants"),
        (f"tenant: common\n        tenants: [{TENANT}, x]", "tenants[1]"),
    )
]
KEYS = "jwks: { keys: [{ kty: EC, crv: P-256, x: a, y: b }] }"
CLIENTS = [
    ("id: shop", "id: a/b", "id"),
    ("id: shop", f"id: usr_{'0' * 26}", "id"),
    ("    redirect_uris:", "    trusted: true\n    redirect_uri:", "redirect_uri"),
    ('["https://shop.example/done"]', '["http://shop.example/done"]', "redirect_uris"),
    (
        'redirect_uris: ["https://shop',
        'subject_type: pairwise\n    redirect_uris: ["https://a.example/", "https://shop',
        None,
    ),
    *(
        ("application: shop", f"application: shop\n    {line}", path)
        for line, path in (
            (f"name: {'x' * 201}", "name"),
            ('name: "\\u202e"', "name"),
            (f"contacts: [{'x' * 201}]", "contacts"),
            ("authentication: basic", "authentication"),
            ("authentication: private_key_jwt", None),
            ("authentication: tls_client_auth", None),
            ("grant_types: [refresh_token]", "grant_types"),
            ("grant_types: [guess]", "grant_types[0]"),
            ("response_types: [token]", "response_types"),
            (f"scopes: [{'x' * 101}]", "scopes"),
            ("audiences: [relative]", "audiences"),
            ("access_lifetime: 1", "access_lifetime"),
            ("refresh_idle_lifetime: 86400000", "refresh_idle_lifetime"),
            ("default_acr_values: [gold]", "default_acr_values"),
            ("backchannel_logout_session_required: true", None),
            ("backchannel_logout_uri: http://a.example/", "backchannel_logout_uri"),
            ("client_uri: http://a.example/", "client_uri"),
            ("jwks: { keys: [] }", "jwks"),
            (KEYS, "jwks"),
            (f"jwks_uri: https://a.example/\n    {KEYS}", "jwks"),
            ("require_signed_request: true", None),
            ("tls_subject_dn: CN=a", "tls_subject_dn"),
            ("assertion_alg: HS256", "assertion_alg"),
            ("id_token_alg: none", "id_token_alg"),
        )
    ),
]
MACHINES = [
    ("grant_types:", "authentication: none\n    grant_types:", "grant_types"),
    ("grant_types:", "response_types: [code]\n    grant_types:", "response_types"),
]
WEBHOOKS = [
    ("https://a.example/", "ftp://a.example/", "url"),
    ("https://a.example/", "https://me:hunter2@a.example/", "url"),
    *(
        ("https://a.example/", f"https://a.example/\n    {line}", path)
        for line, path in (
            (f"description: {'x' * 1001}", "description"),
            ("events: [key.lost]", "events[0]"),
            ("environments: [A]", "environments[0]"),
            ("status: disabled", "status"),
        )
    ),
]
ENVIRONMENTS = [
    ("name: development", "name: Development", "name"),
    *(
        ("name: development", f"name: development\n    {line}", path)
        for line, path in (
            ("tag: too-long-a-tag", "tag"),
            ("hosts: [A.example]", "hosts[0]"),
            ("variables: { 1: x }", 'variables["1"]'),
            ('variables: { A: "a\\nb" }', "variables.A"),
            (f"variables: {{ A: {'x' * 10_001} }}", "variables.A"),
            ("retention: { audit: 0 }", "retention.audit"),
            ("token_endpoint: 'http://a.example/'", "token_endpoint"),
            ("leak_overlap: -1", "leak_overlap"),
            ("leaks: shrug", "leaks"),
            ("plans: { free: { limits: [{ kind: rate, amount: 0, per: minute }] } }", None),
        )
    ),
]
CASES = [
    (form, place, case)
    for form, place, cases in (
        (PROVIDER, "environments[0].identity_providers[0]", PROVIDERS),
        (ENTRA, "environments[0].identity_providers[0]", ENTRAS),
        (CLIENT, "clients[0]", CLIENTS),
        (MACHINE, "clients[0]", MACHINES),
        (WEBHOOK, "webhooks[0]", WEBHOOKS),
        (ENVIRONMENT, "environments[0]", ENVIRONMENTS),
    )
    for case in cases
]


def problems(text: str) -> list[tuple[int, str, str, str]]:
    """Line, path, message and remedy of each, none of which is without its file."""
    try:
        load_uploaded({"wardgate.yaml": text}, ".", client_problem, provider_problem)
    except DocumentError as error:
        assert {each.file for each in error.problems} == {"wardgate.yaml"}
        return [(each.line, each.path, each.message, each.remedy) for each in error.problems]
    return []


def test_the_forms_themselves_are_fine() -> None:
    """What is changed below is all that is wrong there."""
    entra = ENTRA.replace("client_id: me", f"client_id: me\n        tenant: {TENANT}")
    for text in (PROVIDER, entra, CLIENT, MACHINE, WEBHOOK, ENVIRONMENT):
        assert problems(text) == []


@pytest.mark.parametrize(("form", "place", "case"), CASES, ids=lambda each: None)
def test_what_a_use_case_would_refuse_is_told_with_its_line(
    form: str, place: str, case: tuple[str, str, str | None]
) -> None:
    """Each rule of providers, clients, webhooks and environments: one problem, at the line that is wrong."""
    old, new, path = case
    text = form.replace(old, new)
    ((line, where, message, remedy),) = problems(text)
    assert message and remedy
    assert "hunter2" not in f"{message} {remedy}"
    assert where.startswith(place)
    if path is not None:
        assert where == f"{place}.{path}"
        key = path.split(".")[0].split("[")[0]
        assert text.splitlines()[line - 1].strip().removeprefix("- ").startswith(key)


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        (
            """\
            environments:
              - name: development
                identity_providers: [{ id: a, name: A, preset: google, client_id: a }]
              - name: staging
                identity_providers:
                  - { id: a, name: A, preset: google, client_id: a }
            """,
            6,
            "environments[1].identity_providers[0].id",
            "the provider 'a' is also declared at wardgate.yaml:3",
        ),
        (
            """\
            environments:
              - { name: one, tag: t }
              - { name: two, tag: t }
            """,
            3,
            "environments[1].tag",
            "the tag 't' is also that of 'one', at wardgate.yaml:2",
        ),
        (
            "webhooks:\n" + "".join(f"  - url: https://a.example/{number}\n" for number in range(101)),
            102,
            "webhooks[100]",
            "there may be 100 webhooks, and these are 101",
        ),
    ],
)
def test_what_contradicts_something_else_is_told_with_its_line(
    text: str, line: int, path: str, message: str
) -> None:
    """Providers of two environments, tags of two, and more webhooks than there may be."""
    ((found, where, told, remedy),) = problems(textwrap.dedent(text))
    assert (found, where, told) == (line, path, message)
    assert remedy
