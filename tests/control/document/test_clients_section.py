"""``clients`` of a document: read, and given back; what is wrong is told."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from wardgate.control.compare.clients import CLIENT
from wardgate.control.document import dump, load
from wardgate.control.document.clients import SETTINGS
from wardgate.domain.document import Document, DocumentError
from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.domain.operator import ADMIN_SCOPE
from wardgate.identity.declared_clients import client_problem
from wardgate.identity.manage_clients import EDITABLE

FORM = """
clients:
  - {{ {} }}
"""
GOOD = "id: till, application: shop, grant_types: [client_credentials]"


def read(tmp_path: Path, text: str) -> Document:
    """The document of ``text``."""
    file = tmp_path / "wardgate.yaml"
    file.write_text(text)
    return load(file, client_problem=client_problem)


def test_every_setting_that_operators_have_is_one_of_documents() -> None:
    """But for the name, which stands before them."""
    assert {*SETTINGS, "name"} == EDITABLE


def test_what_a_change_of_each_setting_weakens_is_known() -> None:
    """A field that no comparator knows would count as a weakening."""
    assert {name for aspect in CLIENT for name in aspect.fields} == {each.name for each in fields(Client)}


def test_what_is_read_is_given_back(tmp_path: Path) -> None:
    """Whole, with its defaults left out."""
    more = """
  - id: screen
    application: shop
    name: A screen
    authentication: none
    grant_types: [device_code]
    scopes: [items.write]
    access_lifetime: 300
  - id: batch
    application: shop
    authentication: private_key_jwt
    grant_types: [client_credentials]
    jwks: { keys: [{ kty: OKP, crv: Ed25519, kid: k, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }] }
"""
    document = read(tmp_path, FORM.format(GOOD) + more)
    till, screen, batch = document.clients or ()
    assert till == Client(
        id="till",
        application="shop",
        environment="",
        name="shop",
        grant_types=("client_credentials",),
        response_types=(),
    )
    assert (screen.grant_types, screen.response_types, screen.name) == ((DEVICE_CODE,), (), "A screen")
    assert batch.jwks == {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        ]
    }
    text = dump(document)
    assert "response_types" not in text
    assert read(tmp_path, text) == document


def test_silence_and_none_are_told_apart(tmp_path: Path) -> None:
    """A document without the key says nothing of clients."""
    assert read(tmp_path, "apis: []").clients is None
    assert read(tmp_path, "clients: []").clients == ()


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        (f"{GOOD}, client_secret: hunter2", "client_secret", "`wardgate clients rotate ID` shows a new one"),
        (f"{GOOD}, secret: hunter2", "secret", "has no place in a document"),
        ("application: shop", "", "the key 'id' is missing"),
        ("id: till", "", "the key 'application' is missing"),
        ("id: a/b, application: shop", "id", "is no valid id"),
        (
            "id: usr_01k5zzzzzzzzzzzzzzzzzzzzzz, application: shop, grant_types: [password]",
            "id",
            "ids of people",
        ),
        (f"{GOOD}, redirect_url: x", "redirect_url", "Did you mean 'redirect_uris'?"),
        ("id: a, application: b, grant_types: [client_credential]", "grant_types[0]", "Did you mean"),
        ("id: a, application: b, grant_types: []", "grant_types", "none gives a first token"),
        ("id: a, application: b", "", "redirect_uris: at least one is needed"),
        (f"{GOOD}, authentication: secret", "authentication", "is no valid authentication"),
        (f"{GOOD}, authentication: none", "grant_types", "needs a client that can keep a secret"),
        (f"{GOOD}, authentication: private_key_jwt", "", "private_key_jwt needs jwks or jwks_uri"),
        (f"{GOOD}, redirect_uris: ['http://a.example/']", "redirect_uris", "http://a.example/"),
        (f"{GOOD}, access_lifetime: 5", "access_lifetime", "5 s is not between 10 and 86400 s"),
        (f"{GOOD}, access_lifetime: soon", "access_lifetime", "must be a whole number"),
        (f"{GOOD}, jwks: yes", "jwks", "must be a JWK set"),
        (f"{GOOD}, jwks: {{ keys: [{{ kty: oct, k: hunter2 }}] }}", "jwks", "send public keys"),
        (f"{GOOD}, scopes: ['a b']", "scopes[0]", "a scope without spaces"),
        (f"{GOOD}, scopes: ['{ADMIN_SCOPE}']", "scopes", "wardgate operators enable-sign-on"),
        (f"{GOOD}, status: active", "status", "unknown key 'status'"),
        (f"{GOOD} }}\n  - {{ {GOOD}", None, "the client 'till' is also declared at"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, path: str | None, says: str) -> None:
    """File, line, path and remedy, also where a rule of the authorization server says it; secrets are not repeated."""
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, FORM.format(text))
    (problem,) = caught.value.problems
    assert says in f"{problem.message}. {problem.remedy}"
    assert problem.remedy and problem.file.endswith("wardgate.yaml")
    if path is None:
        assert (problem.line, problem.path) == (4, "clients[1].id")
    else:
        assert (problem.line, problem.path) == (3, f"clients[0].{path}".rstrip("."))
    assert "hunter2" not in str(problem)
