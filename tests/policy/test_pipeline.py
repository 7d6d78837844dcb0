"""The table of steps: which a resource gets, in which order, and that together they only ever narrow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.exchanges import (
    DIGEST,
    Directory,
    Noting,
    compiled,
    exchange,
    principal,
    reason,
    resource,
    verdict,
)

from wardgate.domain.api import PolicyUse, SchemeName
from wardgate.domain.rejection import Rejection
from wardgate.policy.pipeline import TABLE
from wardgate.policy.registry import PHASES, PolicyConfigError, PolicyRegistry


def test_the_table_is_in_the_order_of_its_phases() -> None:
    """Nothing that identifies a caller is believed before ``authenticate``, and each row says why it stands there."""
    phases = [PHASES.index(row.phase) for row in TABLE]
    assert phases == sorted(phases)
    assert all(row.why and not row.why.endswith(".") for row in TABLE)
    assert len({row.policy for row in TABLE}) == len(TABLE)


def test_a_resource_gets_the_steps_it_needs() -> None:
    """What is switched off is not among them."""
    keyed, free = compiled(resource("api_key"), resource(name="GET /free")).resources
    assert [named.policy for named in keyed.table] == ["tls_required", "api_key", "subscription", "limits"]
    assert [named.policy for named in free.table] == ["tls_required"]
    assert keyed.steps == tuple(named.call for named in keyed.table)
    (unplanned,) = compiled(resource("api_key"), plans=()).resources
    # What was set for an application holds at every API, so that is looked at even where there are no plans.
    assert [named.policy for named in unplanned.table] == [
        "tls_required",
        "api_key",
        "subscription",
        "limits",
    ]


@pytest.mark.parametrize(
    ("schemes", "scopes", "expected"),
    [
        (("api_key",), (), "ok"),
        (("api_key", "oauth2"), (), "ok"),
        (("api_key",), ("read",), "scheme_unavailable"),
        (("api_key", "oauth2"), ("read",), "credential_missing"),
        (("oauth2",), (), "credential_missing"),
        (("oauth2",), ("read",), "credential_missing"),
        (("basic",), (), "scheme_unavailable"),
        (("mtls", "hmac"), (), "scheme_unavailable"),
        ((), (), "ok"),
        ((), ("read",), "scheme_unavailable"),
    ],
)
def test_a_good_key_opens_only_what_takes_keys(
    schemes: tuple[SchemeName, ...], scopes: tuple[str, ...], expected: str
) -> None:
    """A resource with scopes, or whose schemes this gateway cannot check, stays shut."""
    (target,) = compiled(resource(*schemes, scopes=scopes)).resources
    assert reason(exchange(target, principal())) == expected


def test_a_shut_resource_looks_like_one_that_wants_a_credential() -> None:
    """401, and which kind."""
    (target,) = compiled(resource("basic", scopes=("read",))).resources
    refused = verdict(exchange(target, digest=None))
    assert refused is not None
    assert (refused.reason.status, refused.reason.public) == (401, "credential_missing")
    assert refused.headers == (b'WWW-Authenticate: Bearer realm="wardgate"',)


@given(
    st.lists(st.sampled_from(["api_key", "oauth2", "basic", "mtls", "hmac"]), unique=True),
    st.lists(st.sampled_from(["read", "write"]), unique=True),
)
def test_without_a_credential_only_an_open_resource_answers(
    schemes: list[SchemeName], scopes: list[str]
) -> None:
    """Whatever schemes and scopes stand together."""
    (target,) = compiled(resource(*schemes, scopes=tuple(scopes))).resources
    assert (reason(exchange(target, digest=None)) == "ok") == (not schemes and not scopes)


def test_policies_of_third_parties_run_after_the_built_in_steps_of_their_phase() -> None:
    """Whatever the order they are named in; of one phase the API's come before the resource's."""
    policies = [Noting(f"test.{phase}", phase) for phase in PHASES]
    own = Noting("test.own", "authorize")
    registry = PolicyRegistry([*policies, own])
    (target,) = compiled(
        resource("api_key", policies=["test.own"]),
        registry=registry,
        policies=tuple(PolicyUse(name=policy.name) for policy in reversed(policies)),
    ).resources
    assert [named.policy for named in target.table] == [
        "tls_required",
        "test.network",
        "api_key",
        "test.authenticate",
        "subscription",
        "test.authorize",
        "test.own",
        "limits",
        "test.limit",
        "test.inspect",
    ]
    assert reason(exchange(target, principal())) == "ok"
    assert [policy.ran for policy in [*policies, own]] == [[f"{p.name} GET /items"] for p in [*policies, own]]


def test_a_policy_sees_what_the_steps_before_it_established() -> None:
    """The caller after ``authenticate``, its subscription after ``authorize``."""
    seen: list[tuple[bool, bool]] = []

    def note(made: object) -> None:
        seen.append((made.principal is not None, made.subscription is not None))  # type: ignore[attr-defined]

    phases = ("network", "authenticate", "authorize")
    registry = PolicyRegistry([Noting(f"test.{phase}", phase, note) for phase in phases])
    (target,) = compiled(
        resource("api_key", policies=[f"test.{p}" for p in phases]), registry=registry
    ).resources
    assert reason(exchange(target, principal())) == "ok"
    assert seen == [(False, False), (True, False), (True, True)]


def test_the_strictest_word_wins() -> None:
    """An API's policy and a resource's both have to agree, and no policy opens what a built-in step shuts."""
    refused = Rejection.of("key_resource_refused")
    lax = Noting("test.lax", "authenticate")
    strict = Noting("test.strict", "authorize", lambda made: refused if made.head.values(b"x-no") else None)
    registry = PolicyRegistry([lax, strict])
    (target,) = compiled(
        resource("api_key", policies=["test.lax"]),
        registry=registry,
        policies=(PolicyUse(name="test.strict"),),
    ).resources
    assert reason(exchange(target, principal())) == "ok"
    assert reason(exchange(target, principal(), b"X-No: 1")) == "key_resource_refused"
    assert reason(exchange(target, digest=None)) == "credential_missing"
    (target,) = compiled(
        resource("api_key", policies=["test.strict"]),
        registry=registry,
        policies=(PolicyUse(name="test.lax"),),
    ).resources
    assert reason(exchange(target, principal(), b"X-No: 1")) == "key_resource_refused"


def test_a_policy_used_twice_runs_twice() -> None:
    """Settings of the resource do not replace the API's: both hold."""
    noting = Noting("test.noting", "inspect")
    (target,) = compiled(
        resource("api_key", policies=["test.noting"]),
        registry=PolicyRegistry([noting]),
        policies=(PolicyUse(name="test.noting"),),
    ).resources
    assert reason(exchange(target, principal())) == "ok"
    assert noting.ran == ["test.noting GET /items"] * 2


def test_an_unknown_policy_stops_the_api() -> None:
    """It is not left out: the error names it and what is known."""
    with pytest.raises(PolicyConfigError, match=r"unknown policy 'acme\.none'.*known here: test\.a"):
        compiled(
            resource("api_key", policies=["acme.none"]),
            registry=PolicyRegistry([Noting("test.a", "inspect")]),
        )


def test_undeclared_resources_are_guarded_like_the_api() -> None:
    """What is let through although nobody declared it asks for the API's schemes and runs the API's policies."""
    noting = Noting("test.noting", "inspect")
    made = compiled(
        resource(name="GET /free"),
        registry=PolicyRegistry([noting]),
        undeclared="allow",
        schemes=("api_key",),
        policies=(PolicyUse(name="test.noting"),),
    )
    assert made.undeclared is not None
    assert made.undeclared.name == "* *"
    assert reason(exchange(made.undeclared, digest=None)) == "credential_missing"
    assert reason(exchange(made.undeclared, principal())) == "ok"
    assert noting.ran == ["test.noting * *"]
    restricted = principal(resources=("orders/v1 GET /free",))
    assert reason(exchange(made.undeclared, restricted)) == "key_resource_refused"
    assert compiled(undeclared="deny").undeclared is None


def test_the_cheap_refusals_come_first() -> None:
    """A key in clear is not looked up, a caller without subscription does not touch a counter."""
    (target,) = compiled().resources
    directory = Directory({DIGEST: principal(subscribed=None)})
    assert reason(exchange(target, secure=False, directory=directory)) == "credential_over_plain_http"
    assert directory.asked == []
    made = exchange(target, directory=directory)
    assert reason(made) == "subscription_missing"
    assert made.limit_set is None
