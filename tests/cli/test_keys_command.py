"""``wardgate keys`` and ``wardgate apps``."""

from __future__ import annotations

import io

import pytest
from tests.cli.conftest import Run

KEY_SHAPE = {
    "id", "application", "environment", "prefix", "last_four", "name", "description", "state", "created_at",
    "expires_at", "revoked_at", "replaced_by", "lineage", "restrictions", "last_used_at", "last_used_address",
    "use_count",
}  # fmt: skip


def test_a_key_is_shown_once(applied: Run) -> None:
    """Standard output holds the new key alone; no other command shows it again."""
    issued = applied("keys", "issue", "mobile", "--name", "phone", "--expires-in", "90d")
    key = issued.out.strip()
    assert key.startswith("wg_dev_")
    assert len(key) == len("wg_dev_") + 38
    assert "cannot be shown again" in issued.err
    assert key not in issued.err
    listed = applied("keys", "list")
    assert listed.out.split()[:2] == ["ID", "APPLICATION"]
    assert "phone" in listed.out
    assert "in 90 d" in listed.out
    assert key not in listed.out + applied("keys", "list", "--json").out


def test_json_has_a_stable_shape(applied: Run) -> None:
    """Issue, show and list agree on one shape; only issue adds the key."""
    options = [
        "--cidr",
        "192.0.2.0/24",
        "--referer",
        "*.Example.com",
        "--resource",
        "orders/v1 GET /items",
        "--json",
    ]
    issued = applied("keys", "issue", "mobile", *options).json()
    assert set(issued) == KEY_SHAPE | {"key"}
    shown = applied("keys", "show", issued["id"], "--json").json()
    assert shown == {name: value for name, value in issued.items() if name != "key"}
    assert applied("keys", "list", "--json").json() == {"keys": [shown]}
    assert shown["restrictions"] == {
        "cidrs": ["192.0.2.0/24"],
        "referers": ["*.example.com"],
        "resources": ["orders/v1 GET /items"],
    }
    assert (shown["state"], shown["use_count"], shown["application"]) == ("active", 0, "mobile")


def test_rotation_and_revocation(applied: Run) -> None:
    """Rotating leaves the old key until the overlap ends; revoking ends it; both show in the list."""
    old = applied("keys", "issue", "mobile", "--json").json()
    new = applied("keys", "rotate", old["id"], "--overlap", "1h", "--json").json()
    assert new["lineage"] == old["lineage"]
    states = {key["id"]: key["state"] for key in applied("keys", "list", "--json").json()["keys"]}
    assert states == {old["id"]: "rotating", new["id"]: "active"}
    again = applied("keys", "rotate", old["id"], "--json")
    assert (again.status, again.error()["code"]) == (1, "key_already_rotated")
    assert applied("keys", "revoke", old["id"]).out == f"{old['id']} of mobile is revoked\n"
    assert applied("keys", "show", old["id"], "--json").json()["state"] == "revoked"
    assert "replaced by  key_" in applied("keys", "show", old["id"]).out


def test_verify_says_what_the_gateway_would(applied: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict and the status follow the key's state; the key may come from standard input."""
    issued = applied("keys", "issue", "mobile", "--json").json()
    key = issued["key"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    accepted = applied("keys", "verify", "--key", "-")
    assert (accepted.status, accepted.out) == (
        0,
        f"accepted in development ({issued['id']} of mobile, development)\n",
    )
    elsewhere = applied("keys", "verify", "--key", key, "--environment", "production", "--json")
    assert elsewhere.status == 1
    verdict = elsewhere.json()
    assert (verdict["accepted"], verdict["reason"], verdict["environment"]) == (
        False,
        "key_wrong_environment",
        "production",
    )
    assert set(verdict["key"]) == KEY_SHAPE
    assert applied("keys", "verify", "--key", "nonsense", "--json").json() == {
        "accepted": False,
        "reason": "credential_malformed",
        "environment": "development",
        "key": None,
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "Standard input holds no key" in applied("keys", "verify", "--key", "-").err


def test_refusals_name_the_thing_and_the_remedy(applied: Run) -> None:
    """What does not exist or cannot be is said, with status 1, as text or as JSON."""
    unknown = applied("keys", "issue", "nobody")
    assert unknown.status == 1
    assert unknown.err.startswith("error: There is no application 'nobody'. ")
    wrong = applied("keys", "issue", "mobile", "--cidr", "10.0.0.1/8", "--json")
    assert wrong.error()["code"] == "restrictions_invalid"
    assert "10.0.0.0/8" in wrong.error()["remedy"]
    assert applied("keys", "show", "key_0").err.startswith("error: There is no key 'key_0'")
    assert applied("keys", "issue").status == 2
    assert applied("keys", "rotate", "key_0", "--overlap", "soon").status == 2


def test_without_a_store_nothing_is_made(run: Run) -> None:
    """A command that reads says that there is no store, and makes none."""
    result = run("keys", "list")
    assert result.status == 1
    assert "There is no store in" in result.err
    assert "--data-dir" in result.err
    assert run("apps", "list", "--json").error()["code"] == "store_not_found"


def test_applications_are_listed_suspended_and_restored(applied: Run) -> None:
    """The status and the subscriptions of an application are shown and its status changes."""
    (mobile,) = applied("apps", "list", "--json").json()["applications"]
    assert mobile == {
        "id": mobile["id"],
        "name": "mobile",
        "owner": "dev@example.com",
        "status": "active",
        "groups": [],
        "limits": [],
        "throttle": [],
        "subscriptions": [
            {
                "id": mobile["subscriptions"][0]["id"],
                "environment": "development",
                "api": "orders/v1",
                "plan": "free",
                "status": "active",
                "expires_at": None,
            }
        ],
    }
    assert "orders/v1 (free, development)" in applied("applications", "list").out
    assert applied("apps", "suspend", "mobile").out == "mobile is suspended\n"
    key = applied("keys", "issue", "mobile").out.strip()
    assert "application_suspended" in applied("keys", "verify", "--key", key).out
    assert applied("apps", "restore", mobile["id"], "--json").json()["status"] == "active"
    assert applied("apps", "suspend", "nobody").status == 1
