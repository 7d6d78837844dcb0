"""What a document may say of groups, applications and subscriptions, and what it may not."""

from __future__ import annotations

import pytest
from tests.control.document.conftest import Load, Refuse

from wardgate.domain.consumer import Controls
from wardgate.domain.document import NEVER

API = (
    "apis: [{ name: a, version: v1, openapi: api.json, upstream: { targets: ['http://127.0.0.1:1'] }, "
    "security: { schemes: [api_key] } }]\n"
)


def subscription(text: str) -> str:
    """A document whose one subscription says this besides."""
    return f"{API}applications: [{{ name: m, subscriptions: [{{ api: a/v1, {text} }}] }}]"


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("groups: [{ name: g, members: [x] }]", "groups[0].members", "unknown key 'members'", "Known keys"),
        ("groups: [{ description: x }]", "groups[0]", "the key 'name' is missing", "Add `name:`"),
        (
            "groups: [{ name: g, roles: [boss] }]",
            "groups[0].roles[0]",
            "there is no role 'boss'",
            "declare it",
        ),
        ("groups: [{ name: g }, { name: g }]", "groups[1].name", "is also declared", "Merge the two"),
        ("applications: [{ name: m, group: [x] }]", "applications[0].group", "unknown key", "'groups'"),
        (
            "applications: [{ name: m, limits: [{ kind: rate, amount: 1 }] }]",
            "applications[0].limits[0]",
            "needs 'per'",
            "Add `per:`",
        ),
        ("plans: [{ name: p, approval: maybe }]", "plans[0].approval", "'maybe'", "auto"),
    ],
)
def test_wrong_consumers_are_named(refused: Refuse, text: str, path: str, message: str, remedy: str) -> None:
    """Each mistake with its place and what to do."""
    (problem,) = refused(API + text)
    assert problem.path == path
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("text", "path", "message", "remedy"),
    [
        ("expires: soon", "expires", "'soon' is no point in time", "2027-01-31"),
        ("status: pending", "status", "'pending'", "active"),
        ("controls: { cidr: [10.0.0.0/8] }", "controls.cidr", "unknown key", "'cidrs'"),
        ("controls: { cidrs: [10.0.0.1/8] }", "controls.cidrs[0]", "inside a network", "10.0.0.0/8"),
        ("controls: { cidrs: [[]] }", "controls.cidrs[0]", "not an IP address", "192.0.2.0/24"),
        ("controls: { scopes: ['a b'] }", "controls.scopes[0]", "cannot stand here", "without spaces"),
        (
            "controls: { limits: [{ kind: rate, amount: 0, per: day }] }",
            "controls.limits[0].amount",
            "whole",
            "1",
        ),
        ("controls: [10.0.0.0/8]", "controls", "a mapping is expected", "cidrs"),
    ],
)
def test_wrong_controls_are_named(refused: Refuse, text: str, path: str, message: str, remedy: str) -> None:
    """Each mistake with its place and what to do."""
    (problem,) = refused(subscription(text))
    assert problem.path == f"applications[0].subscriptions[0].{path}"
    assert message in problem.message
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-31", 1801353600.0),
        ("2027-01-31T12:00:00Z", 1801396800.0),
        ("'2027-01-31T13:00:00+01:00'", 1801396800.0),
        ("never", NEVER),
    ],
)
def test_an_expiry_is_a_date_or_a_time(loaded: Load, text: str, at: float) -> None:
    """A date alone is its first moment in UTC."""
    (found,) = loaded(subscription(f"expires: {text}")).applications[0].subscriptions
    assert (found.expires_at, found.controls, found.status) == (at, None, None)


def test_networks_are_normalised(loaded: Load) -> None:
    """Two ways to write one network are one."""
    (found,) = (
        loaded(subscription("controls: { cidrs: [192.0.2.7, 192.0.2.7/32] }")).applications[0].subscriptions
    )
    assert found.controls == Controls(cidrs=("192.0.2.7/32",))
