"""``wardgate operators``, ``projects``, ``service-accounts`` and ``admin-tokens`` at the machine itself."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from wardgate.cli.main import main
from wardgate.domain.operator import is_token


@pytest.fixture
def run(new_data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command on a fresh store: what it writes with ``--json``, or its error where it fails."""
    data_dir = tmp_path / "data"
    shutil.copytree(new_data_dir, data_dir)

    def call(*words: str, status: int = 0) -> Any:
        assert main([*words, "--data-dir", str(data_dir), "--json"]) == status
        written = capsys.readouterr()
        return json.loads(written.err)["error"] if status else json.loads(written.out or "null")

    return call


def test_roles_are_granted_listed_and_withdrawn(run: Callable[..., Any]) -> None:
    """Everywhere and in a project, to users and service accounts; the last owner stays."""
    run("users", "add", "ada")
    run("users", "add", "bob")
    run("projects", "set", "shop", "--description", "The shop")
    run("service-accounts", "add", "ci", "--description", "pipeline")
    granted = run("operators", "grant", "ada", "owner", "--note", "first")
    assert [(held["role"], held["project"]) for held in granted["roles"]] == [("owner", "")]
    run("operators", "grant", "ada", "viewer", "--project", "shop")
    run("operators", "grant", "ci", "publisher", "--kind", "service", "--project", "shop")
    found = run("operators", "list")["operators"]
    assert [(each["kind"], each["name"], len(each["roles"])) for each in found] == [
        ("service", "ci", 1),
        ("user", "ada", 2),
    ]
    assert [each["name"] for each in run("operators", "list", "--project", "shop")["operators"]] == [
        "ci",
        "ada",
    ]
    assert run("operators", "show", "bob")["roles"] == []
    assert run("operators", "withdraw", "ada", "owner", status=1)["code"] == "last_owner"
    assert run("operators", "withdraw", "bob", "owner", status=1)["code"] == "grant_not_found"
    assert (
        run("operators", "withdraw", "ci", "publisher", "--kind", "service", "--project", "shop")["roles"]
        == []
    )


def test_roles_of_ones_own_are_set_and_removed(run: Callable[..., Any]) -> None:
    """Unknown permissions and the installation's own roles are refused by name."""
    made = run(
        "operators", "roles", "set", "seeing", "--permission", "apis.view", "--permission", "plans.view"
    )
    assert made["permissions"] == ["apis.view", "plans.view"]
    run("operators", "roles", "set", "seeing", "--permission", "apis.view")
    assert run("operators", "roles", "show", "seeing")["permissions"] == ["apis.view"]
    assert len(run("operators", "roles", "list")["roles"]) == 7
    run("operators", "roles", "remove", "seeing")
    assert run("operators", "roles", "show", "seeing", status=1)["code"] == "role_not_found"
    refused = run("operators", "roles", "set", "x", "--permission", "apis.wish", status=1)
    assert (refused["code"], "apis.wish" in refused["message"]) == ("permission_invalid", True)
    assert run("operators", "roles", "set", "owner", "--permission", "apis.view", status=1)["code"] == (
        "role_builtin"
    )


def test_tokens_are_issued_once_listed_and_revoked(run: Callable[..., Any]) -> None:
    """The text is in one answer; lists show prefix and end."""
    run("users", "add", "ada")
    run("operators", "grant", "ada", "viewer")
    issued = run(
        "admin-tokens", "issue", "--name", "laptop", "--user", "ada", "--permissions", "apis.view",
        "--expires", "30d",
    )  # fmt: skip
    text, token = issued["token"], issued["credential"]
    assert is_token(text)
    assert token["permissions"] == ["apis.view"]
    assert round(token["expires_at"] - token["created_at"], -2) == 30 * 86400
    (listed,) = run("admin-tokens", "list")["admin_tokens"]
    assert text not in json.dumps(listed)
    assert (listed["prefix"], listed["last_four"]) == (text[:9], text[-4:])
    shown = run("admin-tokens", "show", token["id"])
    assert (
        (listed["issued_by"], listed["issued_through"])
        == (shown["issued_by"], [])
        == (f"local:{getuser()}", [])
    )
    assert run("admin-tokens", "revoke", token["id"])["state"] == "revoked"
    assert run("admin-tokens", "show", token["id"])["state"] == "revoked"
    nobody = run("admin-tokens", "issue", "--name", "x", status=1)
    assert (nobody["code"], "--user" in nobody["remedy"]) == ("owner_invalid", True)
    assert run("admin-tokens", "issue", "--name", "x", "--user", "eve", status=1)["code"] == "user_not_found"
    wide = run(
        "admin-tokens", "issue", "--name", "x", "--user", "ada", "--permissions", "keys.issue", status=1
    )
    assert wide["code"] == "forbidden"


def test_service_accounts_are_looked_after(run: Callable[..., Any]) -> None:
    """Added, described, suspended, restored and removed by name."""
    made = run("service-accounts", "add", "ci")
    assert re.fullmatch(r"svc_[0-9a-z]{26}", made["id"])
    assert run("service-accounts", "add", "ci", status=1)["code"] == "service_account_exists"
    assert run("service-accounts", "describe", "ci", "Applies")["description"] == "Applies"
    assert run("service-accounts", "suspend", "ci")["status"] == "suspended"
    assert run("service-accounts", "restore", made["id"])["status"] == "active"
    assert [each["name"] for each in run("service-accounts", "list")["service_accounts"]] == ["ci"]
    run("service-accounts", "remove", "ci")
    assert run("service-accounts", "show", "ci", status=1)["code"] == "service_account_not_found"


def test_projects_are_looked_after(run: Callable[..., Any]) -> None:
    """The default one is always there."""
    run("projects", "set", "shop", "--description", "The shop")
    run("projects", "set", "shop", "--description", "Our shop")
    found = run("projects", "list")["projects"]
    assert [(each["name"], each["description"]) for each in found][1] == ("shop", "Our shop")
    shown = run("projects", "show", "shop")
    assert (shown["name"], shown["description"], shown["apis"]) == ("shop", "Our shop", [])
    assert run("projects", "show", "bank", status=1)["code"] == "project_not_found"
    run("projects", "remove", "shop")
    assert run("projects", "remove", "default", status=1)["code"] == "project_default"


def test_sign_on_is_enabled_and_disabled(run: Callable[..., Any]) -> None:
    """The client is named after the environment's tag."""
    assert run("operators", "enable-sign-on")["client_id"] == "wardgate-cli-dev"
    run("operators", "disable-sign-on")
    assert run("operators", "disable-sign-on", status=1)["code"] == "sign_on_not_found"
