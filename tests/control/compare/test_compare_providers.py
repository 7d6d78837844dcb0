"""Which changes of an environment's identity providers weaken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wardgate.control.compare.providers import at_once
from wardgate.control.compare.rules import At
from wardgate.control.compare.settings import settings
from wardgate.domain.difference import Difference
from wardgate.domain.environment import EnvironmentSettings
from wardgate.domain.provider import ProviderEntry, ProviderSettings

SETTINGS = ProviderSettings(
    tenants=("a",), domains=("x.example",), roles={"g": ("clerk",)}, assertion_clients=("cl_1",)
)
ENTRY = ProviderEntry(
    id="sso",
    name="SSO",
    preset="generic",
    issuer="https://sso.example.com",
    client_id="me",
    settings=SETTINGS,
)


def found(*after: ProviderEntry) -> list[Difference]:
    """How ``after`` differs from the one provider."""
    before = EnvironmentSettings(identity_providers=(ENTRY,))
    return list(settings(At(place="environment x"), before, replace(before, identity_providers=after)))


@pytest.mark.parametrize(
    ("changes", "weakens"),
    [
        ({"roles": {"g": ("clerk", "admin")}}, True),
        ({"roles": {"g": ("clerk",), "h": ("clerk",)}}, True),
        ({"roles": {"h": ("clerk",)}}, True),
        ({"roles": {}}, False),
        ({"groups": {"g": ("sellers",)}}, True),
        ({"operators": {"g": ("viewer",)}}, True),
        ({"tenants": ("a", "b")}, True),
        ({"tenants": ()}, True),
        ({"domains": ()}, True),
        ({"domains": ("x.example", "y.example")}, True),
        ({"create": True}, True),
        ({"on_overage": "ignore"}, True),
        ({"algorithms": ("RS256",)}, True),
        ({"groups_claim": "other"}, True),
        ({"roles_claim": "other"}, True),
        ({"assertion_clients": ("cl_1", "cl_2")}, True),
        ({"assertion_clients": ()}, False),
        ({"scopes": ("openid",)}, False),
        ({"authentication": "client_secret_post"}, False),
    ],
)
def test_a_setting_that_lets_more_in_weakens(changes: dict[str, Any], weakens: bool) -> None:
    """And one that lets fewer in does not; in the first environment neither counts."""
    differing = found(replace(ENTRY, settings=replace(SETTINGS, **changes)))
    assert differing and all(each.sentence for each in differing)
    assert any(each.weakens for each in differing) == weakens
    assert not any(each.weakens for each in at_once(differing))


def test_a_new_one_weakens_and_one_that_goes_does_not() -> None:
    """Whose issuer it is says who people are; its name and its secret say nothing of that."""
    assert [each.weakens for each in found(ENTRY, replace(ENTRY, id="new"))] == [True]
    assert [each.weakens for each in found()] == [False]
    assert [each.weakens for each in found(replace(ENTRY, name="Else", client_secret="A"))] == [False, False]
    assert [each.weakens for each in found(replace(ENTRY, issuer="https://other.example.com"))] == [True]
