"""``wardgate users``: people, their roles, and mail that waits."""

from __future__ import annotations

import io

import pytest
from tests.cli.conftest import Run

PASSWORD = "nine silver herons wade"


@pytest.fixture
def ada(applied: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, with an account ``ada`` that has a password."""
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    added = applied("users", "add", "Ada", "--email", "ada@example.com", "--password-stdin")
    assert (added.status, added.out.strip()) == (0, "ada can sign in")
    return applied


def test_an_invitation_is_a_link_of_the_installation(applied: Run) -> None:
    """Without a password the link is all of standard output, begins with the issuer and waits in the outbox too."""
    added = applied("users", "add", "bob", "--email", "bob@example.com", "--issuer", "https://id.example.com")
    link = added.out.strip()
    assert link.startswith("https://id.example.com/oauth2/")
    assert "works once" in added.err
    mail = applied("users", "outbox", "--json").json()["mail"]
    assert [each["to"] for each in mail] == ["bob@example.com"]
    assert "https://id.example.com/oauth2/" in mail[0]["body"]


def test_accounts_are_listed_without_their_secrets(ada: Run) -> None:
    """List and show tell who there is and how they sign in; no hash is anywhere."""
    shown = ada("users", "show", "ada")
    assert "1 password" in shown.out
    everything = shown.out + ada("users", "show", "ada", "--json").out + ada("users", "list").out
    assert "argon2" not in everything
    assert PASSWORD not in everything
    assert ada("users", "list", "--json").json()["users"][0]["email_verified"] is True


def test_suspending_restoring_and_removing(ada: Run) -> None:
    """Each command says what is true afterwards."""
    assert ada("users", "suspend", "ada").out.strip() == "ada is suspended"
    assert ada("users", "restore", "ada", "--json").json()["status"] == "active"
    assert ada("users", "remove", "ada").out.strip() == "ada is removed"
    gone = ada("users", "show", "ada", "--json")
    assert (gone.status, gone.error()["code"]) == (1, "user_not_found")


def test_roles_bound_people_and_do_not_open_by_accident(ada: Run) -> None:
    """A role carries scopes; taking the last one away that carries a scope needs to be said."""
    ada(
        "users",
        "roles",
        "put",
        "clerk",
        "--scope",
        "orders:write orders:read",
        "--description",
        "Places orders",
    )
    assert ada("users", "set-roles", "ada", "--role", "clerk").out.strip() == "ada: clerk"
    assert ada("users", "roles", "list", "--json").json()["roles"] == [
        {"name": "clerk", "scopes": ["orders:write", "orders:read"], "description": "Places orders"}
    ]
    for refused in (
        ada("users", "roles", "put", "clerk", "--scope", "orders:read", "--json"),
        ada("users", "roles", "remove", "clerk", "--json"),
    ):
        assert (refused.status, refused.error()["code"]) == (1, "scopes_would_open")
        assert "orders:write" in refused.err
    assert ada("users", "roles", "remove", "clerk", "--open-scopes").status == 0
    assert ada("users", "show", "ada", "--json").json()["roles"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "ada"), "user_exists"),
        (("add", "no spaces"), "name_invalid"),
        (("add", "eve", "--email", "nowhere"), "email_invalid"),
        (("add", "eve", "--role", "none"), "role_not_found"),
        (("set-roles", "ada", "--role", "none"), "role_not_found"),
        (("reset", "nobody"), "user_not_found"),
        (("roles", "put", "clerk", "--scope", "openid"), "scope_invalid"),
        (("roles", "remove", "none"), "role_not_found"),
    ],
)
def test_what_cannot_be_is_named(ada: Run, arguments: tuple[str, ...], code: str) -> None:
    """A refusal has its code and changes nothing."""
    refused = ada("users", *arguments, "--json")
    assert (refused.status, refused.error()["code"]) == (1, code)
    assert len(ada("users", "list", "--json").json()["users"]) == 1


@pytest.mark.parametrize("password", ["", "short", "passwordpassword"])
def test_a_poor_password_is_refused(applied: Run, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """Nothing is stored, and the password is not repeated."""
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    refused = applied("users", "add", "eve", "--password-stdin", "--json")
    assert refused.error()["code"] in ("password_missing", "password_invalid")
    assert not password or password not in refused.err
    assert applied("users", "list", "--json").json() == {"users": []}


def test_a_reset_writes_a_link(ada: Run) -> None:
    """The link is good once; the old password stays good until it is used."""
    link = ada("users", "reset", "ada", "--factors", "--issuer", "https://id.example.com", "--json").json()[
        "link"
    ]
    assert link.startswith("https://id.example.com/oauth2/")
