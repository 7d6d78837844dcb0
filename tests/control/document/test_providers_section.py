"""``environments[].identity_providers`` of a document: read, and given back; what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardgate.control.document import dump, load
from wardgate.domain.document import Document, DocumentError
from wardgate.domain.provider import ProviderEntry, ProviderSettings
from wardgate.identity.federation.declared import provider_problem

TENANT = "11111111-2222-4333-8444-555555555555"
FORM = """
environments:
  - name: staging
    identity_providers:
      - {{ {} }}
"""
GOOD = "id: sso, name: SSO, preset: generic, issuer: https://sso.example.com, client_id: me"


def read(tmp_path: Path, text: str) -> Document:
    """The document of ``text``."""
    file = tmp_path / "wardgate.yaml"
    file.write_text(text)
    return load(file, provider_problem=provider_problem)


def test_what_is_read_is_given_back(tmp_path: Path) -> None:
    """With its defaults left out, and the name of its secret alone."""
    more = f"""
      - id: ms
        name: Microsoft
        preset: entra
        tenant: {TENANT.upper()}
        client_id: abc
        operators: {{ Platform: [viewer@default] }}
        create: true
"""
    document = read(tmp_path, FORM.format(f"{GOOD}, client_secret: '${{secret:SSO}}'") + more)
    (environment,) = document.environments
    assert environment.identity_providers == (
        ProviderEntry(
            id="sso",
            name="SSO",
            preset="generic",
            issuer="https://sso.example.com",
            client_id="me",
            client_secret="SSO",
        ),
        ProviderEntry(
            id="ms",
            name="Microsoft",
            preset="entra",
            issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0",
            client_id="abc",
            settings=ProviderSettings(
                tenant=TENANT, create=True, operators={"Platform": ("viewer@default",)}
            ),
        ),
    )
    text = dump(document)
    assert "login.microsoftonline.com" not in text and "${secret:SSO}" in text
    assert read(tmp_path, text) == document


def test_silence_and_none_are_told_apart(tmp_path: Path) -> None:
    """An environment without the key says nothing of them."""
    for text, found in (("", None), (", identity_providers: []", ())):
        document = read(tmp_path, f"environments: [{{ name: staging{text} }}]")
        assert document.environments[0].identity_providers == found
        assert read(tmp_path, dump(document)) == document


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        (f"{GOOD}, client_secret: hunter2", "client_secret", "a client secret has no place in a document"),
        (f"{GOOD}, client_secret: 'x${{secret:A}}hunter2'", "client_secret", "environments secret set"),
        (f"{GOOD}, client_secret: '${{HUNTER}}'", "client_secret", "${secret:NAME}"),
        (
            f"{GOOD}, authentication: private_key_jwt, client_secret: '${{secret:A}}'",
            "client_secret",
            "wardgate idp secret ID",
        ),
        ("name: A, preset: google, client_id: a", "", "the key 'id' is missing"),
        ("id: a, preset: google, client_id: a", "", "the key 'name' is missing"),
        ("id: a, name: A, client_id: a, issuer: https://a.example", "", "the key 'preset' is missing"),
        ("id: a, name: A, preset: google", "", "the key 'client_id' is missing"),
        ("id: a, name: A, preset: okta, client_id: a", "", "the key 'issuer' is missing"),
        ("id: a, name: A, preset: gogle, client_id: a", "preset", "Did you mean 'google'?"),
        ("id: A/b, name: A, preset: google, client_id: a", "id", "is no valid id"),
        ("id: local, name: A, preset: google, client_id: a", "id", "has another meaning"),
        (GOOD.replace("https", "ftp"), "issuer", "the URL is no absolute https URL"),
        (f"{GOOD.replace('.com', '.com/?p=1')}", "issuer", "it holds a query"),
        (f"{GOOD}, issuers: x", "issuers", "unknown key 'issuers'. Did you mean 'issuer'?"),
        (f"{GOOD}, tenant: {TENANT}", "tenant", "only entra has directories"),
        (f"{GOOD}, domains: [example.com]", "domains", "only google has hosted domains"),
        ("id: a, name: A, preset: entra, client_id: a", "", "the key 'tenant' is missing"),
        ("id: a, name: A, preset: entra, client_id: a, tenant: contoso", "tenant", "no id of a directory"),
        ("id: a, name: A, preset: entra, client_id: a, tenant: common", "tenant", "Add `tenants:`"),
        (
            "id: a, name: A, preset: entra, client_id: a, tenant: common, tenants: [x]",
            "tenants[0]",
            "no id of a directory",
        ),
        (f"{GOOD}, algorithms: [HS256]", "algorithms[0]", "Choose among"),
        (f"{GOOD}, authentication: none", "authentication", "is no valid authentication"),
        (f"{GOOD}, roles: {{ staff: admin }}", "roles.staff", "must be a list"),
        (f"{GOOD}, operators: {{ staff: ['@x'] }}", "operators.staff[0]", "ROLE or ROLE@PROJECT"),
        (f"{GOOD}, create: 'yes'", "create", "must be true or false"),
        (f"{GOOD} }}\n      - {{ {GOOD}", None, "the provider 'sso' is declared twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, path: str | None, says: str) -> None:
    """File, line, path and remedy; what may be a secret is not repeated."""
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, FORM.format(text))
    (problem,) = caught.value.problems
    assert says in f"{problem.message}. {problem.remedy}"
    assert problem.remedy and problem.file.endswith("wardgate.yaml")
    here = "environments[0].identity_providers"
    if path is None:
        assert (problem.line, problem.path) == (6, f"{here}[1]")
    else:
        assert (problem.line, problem.path) == (5, f"{here}[0].{path}".rstrip("."))
    assert "hunter2" not in str(problem)
