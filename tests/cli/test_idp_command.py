"""``wardgate idp``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.e2e.second import restore_provider

SECRET = "top-secret-of-the-provider"
SHAPE = {
    "id", "environment", "name", "preset", "issuer", "client_id", "has_secret", "settings", "status", "held",
    "redirect_path",
}  # fmt: skip


@pytest.fixture
def add(applied: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Adds an Okta with more options, its secret on standard input."""

    def run(*more: str, secret: str = SECRET) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(secret + "\n"))
        return applied(
            "idp", "add", "okta", "--name", "Okta", "--issuer", "https://example.okta.com", "--client-id", "0oa1",
            "--client-secret-stdin", *more,
        )  # fmt: skip

    return run


def test_a_provider_from_beginning_to_end(applied: Run, add: Any) -> None:
    """Added, listed, shown, suspended, restored, removed; the secret is never shown."""
    applied("users", "roles", "put", "admin", "--scope", "x")
    made = add("--role", "a=b=admin", "--create")
    assert made.status == 0, made.err
    assert "/oauth2/federation/okta/callback" in made.out
    assert "a=b=admin" in made.out
    shown = applied("idp", "show", "okta", "--json").json()
    assert set(shown) == SHAPE | {"links", "public_key"}
    assert shown["settings"] == {"roles": {"a=b": ["admin"]}, "create": True}
    assert (shown["has_secret"], shown["links"], shown["public_key"]) == (True, 0, None)
    listed = applied("idp", "list", "--json").json()["providers"]
    assert [set(each) for each in listed] == [SHAPE]
    assert "https://example.okta.com" in applied("idp", "list").out
    assert applied("idp", "list", "--environment", "production", "--json").json() == {"providers": []}
    assert "suspended" in applied("idp", "suspend", "okta").out
    assert applied("idp", "show", "okta", "--json").json()["status"] == "suspended"
    assert applied("idp", "restore", "okta", "--json").json()["status"] == "active"
    assert "is removed" in applied("idp", "remove", "okta").out
    assert "no providers" in applied("idp", "list").err
    assert SECRET not in made.out + made.err + str(shown) + str(listed)


def test_elsewhere_it_waits_for_another_person(applied: Run, add: Any, tmp_path: Path) -> None:
    """The status is 3 and the command is named by which another person agrees; who added it cannot, nor without a reason."""
    made = add("--environment", "staging")
    assert made.status == 3
    assert "wardgate idp restore okta --reason WHY" in made.err
    assert "waits for another person" in made.out
    (listed,) = applied("idp", "list", "--json").json()["providers"]
    assert (listed["status"], listed["held"]) == ("suspended", True)
    assert "held" in applied("idp", "list").out
    own = applied("idp", "restore", "okta", "--reason", "mine", "--json")
    assert (own.status, own.error()["code"]) == (1, "second_person")
    restore_provider(tmp_path / "data", "okta")
    assert applied("idp", "show", "okta", "--json").json()["status"] == "active"
    applied("idp", "suspend", "okta")
    assert applied("idp", "restore", "okta").status == 0


def test_a_secret_is_replaced(applied: Run, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From standard input only, and not by nothing."""
    add()
    monkeypatch.setattr("sys.stdin", io.StringIO("another\n"))
    assert "new secret" in applied("idp", "secret", "okta", "--client-secret-stdin").out
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    failed = applied("idp", "secret", "okta", "--client-secret-stdin", "--json")
    assert (failed.status, failed.error()["code"]) == (1, "secret_missing")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("idp", "show", "nobody"), "provider_not_found"),
        (("idp", "test", "nobody"), "provider_not_found"),
        (("idp", "test", "nobody", "--outbound-allow", "x"), "network_invalid"),
        (("idp", "remove", "nobody"), "provider_not_found"),
        (("idp", "list", "--environment", "nowhere"), "environment_not_found"),
        (("idp", "add", "entra", "--name", "E", "--client-id", "x"), "tenant_invalid"),
        (("idp", "add", "generic", "--name", "E", "--client-id", "x"), "issuer_invalid"),
        (("idp", "add", "google", "--name", "G", "--client-id", "x", "--role", "x"), "role_invalid"),
        (("idp", "add", "google", "--name", "G", "--client-id", "x", "--role", "x=y"), "role_not_found"),
    ],
)
def test_what_is_refused(applied: Run, arguments: tuple[str, ...], code: str) -> None:
    """With a stable code as JSON."""
    failed = applied(*arguments, "--json")
    assert (failed.status, failed.error()["code"]) == (1, code)


def test_a_test_that_fails_says_why(applied: Run) -> None:
    """A provider on an address that must not be called: status 1, and the remedy."""
    applied("idp", "add", "generic", "--name", "Near", "--client-id", "x", "--issuer", "https://127.0.0.1:2")
    failed = applied("idp", "test", "near")
    assert failed.status == 1
    assert "WRONG" in failed.out
    told = applied("idp", "test", "near", "--outbound-allow", "127.0.0.0/8", "--json")
    assert (told.status, told.json()["right"], told.json()["findings"][0]["what"]) == (1, False, "metadata")
