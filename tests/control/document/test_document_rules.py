"""ACLs, conditions, subscriptions and limits of APIs in documents: what is taken, and what is told to be wrong where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.control.document.conftest import OK, one_api, openapi

from wardgate.control.document import load
from wardgate.control.document.dump import dump
from wardgate.domain.api import Acl
from wardgate.domain.limit import Limit, Soften

if TYPE_CHECKING:
    from pathlib import Path

    from tests.control.document.conftest import Load, Refuse, Resolve

USERS = openapi(
    {
        "/users/{user_id}": {
            "parameters": [{"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": OK,
        },
        "/users": {"get": OK},
        "/open": {"get": OK},
    }
)
FULL = """security:
  schemes: [oauth2]
  acl: { allow: [partners, "Everyone Else"], deny: [banned] }
  condition: "time > timestamp('2026-01-01T00:00:00Z')"
  subscription: off
  resources:
    "GET /users/{user_id}":
      acl: { deny: [trainees] }
      condition: >-
        claims.sub == path.user_id
        || 'admin' in roles
    "GET /open": { security: off }
limits:
  - { kind: quota, amount: 10, per: day, on_exceeded: soften, soften: { amount: 1, per: hour } }"""


def test_rules_of_api_and_resources_are_read(resolved: Resolve) -> None:
    """Each stays where it was written: the gateway asks both."""
    api = resolved(FULL, USERS)
    assert api.acl == Acl(allow=("partners", "Everyone Else"), deny=("banned",))
    assert api.condition == "time > timestamp('2026-01-01T00:00:00Z')"
    assert api.subscription == "off"
    one, every, opened = api.resources
    assert one.acl == Acl(deny=("trainees",))
    assert one.condition == "claims.sub == path.user_id || 'admin' in roles"
    assert (every.acl, every.condition, opened.schemes) == (None, "", ())
    soft = Soften(amount=1, per="hour")
    assert api.limits == (Limit(kind="quota", amount=10, per="day", on_exceeded="soften", soften=soft),)


def test_rules_survive_being_written_down(loaded: Load, tmp_path: Path) -> None:
    """``export`` gives the same document back, softened quotas of plans among it."""
    text = one_api(f"plans: [soft]\n{FULL}") + (
        "plans:\n  - name: soft\n    limits:\n"
        "      - { kind: quota, amount: 5, per: month, on_exceeded: soften, soften: { amount: 2, per: minute } }\n"
    )
    document = loaded(text, USERS)
    (tmp_path / "wardgate.yaml").write_text(dump(document), encoding="utf-8")
    assert load(tmp_path / "wardgate.yaml") == document
    assert document.plans[0].limits[0].soften == Soften(amount=2, per="minute")


SECURED = "security:\n  schemes: [oauth2]\n  "


@pytest.mark.parametrize(
    ("extra", "path", "message", "remedy"),
    [
        (
            SECURED + 'condition: "claims.sub == user"',
            "security.condition",
            "the condition is wrong at column 15: there is no 'user'",
            "Use claims",
        ),
        (
            SECURED + "condition: |\n    true &&\n    method == 1",
            "security.condition",
            "wrong at line 2, column 8: found no matching overload",
            "one type",
        ),
        (SECURED + "condition: [a]", "security.condition", "a condition is one text", "in quotes"),
        (SECURED + 'condition: ""', "security.condition", "a condition is one text", "in quotes"),
        (
            SECURED + 'resources: { "GET /users": { condition: "path.user_id == claims.sub" } }',
            'security.resources["GET /users"].condition',
            "GET /users has no path parameter 'user_id'",
            "path parameters",
        ),
        (
            SECURED + 'condition: "path.user_idd == claims.sub"',
            "security.condition",
            "GET /users/{user_id} has no path parameter 'user_idd'",
            "Did you mean 'user_id'?",
        ),
        (
            SECURED + "condition: \"headers['X-Tenant'] == 'a'\"",
            "security.condition",
            "no header is called 'X-Tenant' here",
            "headers['x-tenant']",
        ),
        (
            SECURED + "condition: \"headers.authorization == 'a'\"",
            "security.condition",
            "conditions do not see the header 'authorization'",
            "claims",
        ),
        (
            SECURED + "condition: \"headers['x-forwarded-proto'] == 'https'\"",
            "security.condition",
            "conditions do not see the header 'x-forwarded-proto'",
            "claims",
        ),
        (SECURED + "acl: {}", "security.acl", "an ACL without groups says nothing", "allow:"),
        (SECURED + "acl: { allowed: [a], deny: [b] }", "security.acl.allowed", "unknown key", "'allow'"),
        (SECURED + "acl: { allow: [a], deny: [a] }", "security.acl.deny", "is allowed as well", "Remove"),
        (
            SECURED + "subscription: off",
            "security.subscription",
            "every application's credential would open",
            "acl",
        ),
        (
            SECURED + "subscription: off\n  acl: { deny: [banned] }",
            "security.subscription",
            "every application's credential would open",
            "acl",
        ),
        (SECURED + "subscription: maybe", "security.subscription", "no valid subscription", "`off`"),
        (
            SECURED + 'resources: { "GET /users": { security: off, acl: { allow: [a] } } }',
            'security.resources["GET /users"].acl',
            "contradicts `security: off`",
            "Remove",
        ),
        (
            "security: off\nlimits: [{ kind: quota, amount: 1, per: day, on_exceeded: soften }]",
            "limits[0].on_exceeded",
            "needs 'soften'",
            "soften: {",
        ),
        (
            "security: off\nlimits: [{ kind: quota, amount: 1, per: day, soften: { amount: 1, per: day } }]",
            "limits[0].soften",
            "what follows a quota that stops",
            "on_exceeded: soften",
        ),
        (
            "security: off\nlimits: [{ kind: quota, amount: 1, per: day, on_exceeded: soften, soften: { amount: 1 } }]",
            "limits[0].soften",
            "the key 'per' is missing",
            "per",
        ),
        (
            (
                "security: off\nlimits: [{ kind: quota, amount: 1, per: day, on_exceeded: soften, "
                "soften: { amount: 1, per: month } }]"
            ),
            "limits[0].soften.per",
            "'month' is no valid per",
            "minute",
        ),
        (
            "security: off\nlimits: [{ kind: rate, amount: 1, per: day, on_exceeded: soften }]",
            "limits[0].on_exceeded",
            "takes no 'on_exceeded'",
            "quota",
        ),
    ],
)
def test_what_is_wrong_is_told_by_place_and_remedy(
    refused: Refuse, extra: str, path: str, message: str, remedy: str
) -> None:
    """One problem each, at the key it is about."""
    (problem,) = refused(one_api(extra), USERS)
    assert problem.path == f"apis[0].{path}"
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_condition_is_told_by_its_line(refused: Refuse) -> None:
    """The line of the file the condition begins in."""
    (problem,) = refused(one_api(SECURED + 'condition: "nothing"'), USERS)
    assert problem.line == 8
