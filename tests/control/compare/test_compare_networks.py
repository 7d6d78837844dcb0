"""Ranges of addresses and the controls of subscriptions."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardgate.control.compare.controls import controls
from wardgate.control.compare.networks import covered
from wardgate.control.compare.rules import At
from wardgate.domain.consumer import Controls
from wardgate.domain.limit import Limit

_NETWORK = st.builds(
    lambda last, length: str(ip_network((f"10.0.0.{last}", length), strict=False)),
    st.integers(0, 255),
    st.integers(24, 32),
)


@given(st.lists(_NETWORK, min_size=1, max_size=5), st.lists(_NETWORK, min_size=1, max_size=5))
def test_covered_means_that_no_address_is_new(wanted: list[str], allowed: list[str]) -> None:
    """Exactly when every address of the one lies within the other."""

    def addresses(networks: list[str]) -> set[str]:
        return {str(address) for each in networks for address in ip_network(each)}

    assert covered(wanted, allowed) is (addresses(wanted) <= addresses(allowed))


@pytest.mark.parametrize(
    ("wanted", "allowed", "said"),
    [
        ([], ["10.0.0.0/8"], False),
        (["10.0.0.0/8"], [], True),
        (["::ffff:10.0.0.1"], ["10.0.0.0/8"], True),
        (["10.1.2.3"], ["::ffff:10.0.0.0/104"], True),
        (["2001:db8::/33"], ["2001:db8::/32"], True),
        (["2001:db8::/32"], ["10.0.0.0/8"], False),
        (["nonsense"], ["10.0.0.0/8"], False),
        ([], ["0.0.0.0/0", "::/0"], True),
    ],
)
def test_both_versions_and_none(wanted: list[str], allowed: list[str], said: bool) -> None:
    """No range stands for every address, a mapped one for the address it maps, nonsense for nothing."""
    assert covered(wanted, allowed) is said


def test_controls_that_let_more_weaken() -> None:
    """Wider networks, more scopes or roles, and limits that stand before the plan's."""
    at = At(place="subscription")
    before = Controls(cidrs=("10.0.0.0/24",), scopes=("a",), roles=())
    after = Controls(
        cidrs=("10.0.0.0/23",), scopes=(), roles=("admin",), limits=(Limit(kind="concurrency", amount=1),)
    )
    assert [(each.kind, each.weakens) for each in controls(at, before, after)] == [
        ("limit_set", True),
        ("networks_widened", True),
        ("scopes_widened", True),
        ("role_added", True),
    ]
    assert not any(each.weakens for each in controls(at, after, before) if each.kind != "limit_removed")
