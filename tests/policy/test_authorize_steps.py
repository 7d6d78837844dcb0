"""Standing, subscriptions, ACLs and conditions: each refuses under its own reason, and none lets anybody in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.exchanges import (
    TOKEN,
    WALL,
    Directory,
    bearer,
    compiled,
    exchange,
    presented,
    principal,
    reason,
    resource,
    verdict,
    with_application,
)

from wardgate.domain.api import Acl, ApiKeyScheme, Resource
from wardgate.domain.consumer import Controls
from wardgate.domain.principal import Principal
from wardgate.domain.rejection import REASONS
from wardgate.domain.standing import Standing
from wardgate.policy.exchange import Exchange


def subscribed(who: Principal | None = None, **changes: Any) -> Principal:
    """A caller whose subscription is special."""
    who = who or principal()
    (found,) = who.subscriptions.values()
    return Principal(who.credential, who.application, {found.api: replace(found, **changes)}, who.token)


def grouped(who: Principal, *groups: str) -> Principal:
    """A caller whose application is in these groups."""
    return with_application(who, groups=groups)


def asked(
    target: Resource, who: Principal, *fields: bytes, path: Mapping[str, str] | None = None, **more: Any
) -> Exchange:
    """The request of ``who``, by key or token, at the one resource of an API."""
    (made,) = compiled(target, plans=(), **more).resources
    if who.token is not None:
        found = exchange(
            made, None, *fields, digest=None, token=presented(), directory=Directory(tokens={TOKEN: who})
        )
    else:
        found = exchange(made, who, *fields)
    if path is not None:
        found.head.matched = SimpleNamespace(match=SimpleNamespace(parameters=dict(path)))  # type: ignore[attr-defined]
    return found


def outcome(*args: Any, **named: Any) -> str:
    """The reason of the request, or ``ok``."""
    return reason(asked(*args, **named))


KEYED = resource("api_key")
BEARER = resource("oauth2")


# -- standing


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(), "ok"),
        (Standing(lifecycle="created"), "ok"),
        (Standing(lifecycle="deprecated", deprecated_at=1.0), "ok"),
        (Standing(lifecycle="retired"), "api_retired"),
        (Standing(off=("*",)), "api_disabled"),
        (Standing(off=("GET /items",)), "api_disabled"),
        (Standing(off=("GET /other",)), "ok"),
    ],
)
def test_what_is_shut_is_shut_for_everyone(standing: Standing, expected: str) -> None:
    """Retired APIs and what the kill switch names, before anybody is asked who they are."""
    assert outcome(KEYED, principal(), standing=standing) == expected
    (made,) = compiled(KEYED, standing=standing).resources
    directory = Directory()
    assert reason(exchange(made, directory=directory)) == (expected if expected != "ok" else "key_unknown")
    assert bool(directory.asked) == (expected == "ok")
    refused = verdict(exchange(made, directory=directory))
    assert refused is not None
    assert refused.retry_after is None


def test_an_api_in_good_standing_has_no_step_for_it() -> None:
    """What is not used costs nothing."""
    (made,) = compiled(KEYED).resources
    assert [named.policy for named in made.table] == ["tls_required", "api_key", "subscription", "limits"]


# -- subscriptions


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "ok"),
        ({"status": "pending"}, "subscription_pending"),
        ({"status": "suspended"}, "subscription_suspended"),
        ({"status": "rejected"}, "subscription_rejected"),
        ({"expires_at": WALL}, "subscription_expired"),
        ({"expires_at": WALL + 1}, "ok"),
        ({"controls": Controls(cidrs=("192.0.2.0/24",))}, "ok"),
        ({"controls": Controls(cidrs=("198.51.100.0/24", "2001:db8::/32"))}, "subscription_network"),
        ({"controls": Controls(scopes=("other",))}, "ok"),
    ],
)
def test_what_was_set_for_a_subscription_holds(changes: dict[str, Any], expected: str) -> None:
    """Status, expiry and networks, each under its own reason, for a key and for a token alike."""
    assert outcome(KEYED, subscribed(**changes)) == expected
    assert outcome(BEARER, subscribed(bearer(), **changes)) == expected


def test_every_refusal_of_access_looks_the_same_to_its_client() -> None:
    """Pending, suspended, expired, from elsewhere, in the wrong group or against a condition: one public answer."""
    names = [name for name in REASONS if name.startswith("subscription_") and name != "subscription_missing"]
    found = {
        (REASONS[name].public, REASONS[name].status, REASONS[name].detail)
        for name in (*names, "acl_denied", "condition_failed")
    }
    assert len(names) == 5
    assert found == {("access_denied", 403, REASONS["access_denied"].detail)}


def test_a_token_is_left_with_the_scopes_its_subscription_allows() -> None:
    """What the token has besides counts neither for resources nor for upstreams."""
    scoped = resource("oauth2", scopes=("read",))
    who = bearer(scopes=frozenset({"read", "write"}))
    narrow = subscribed(who, controls=Controls(scopes=("write", "more")))
    assert outcome(scoped, who) == "ok"
    assert outcome(scoped, narrow) == "scope_missing"
    made = asked(BEARER, narrow)
    assert reason(made) == "ok"
    assert made.principal is not None
    assert made.principal.token is not None
    assert made.principal.token.scopes == {"write"}


def test_an_api_that_asks_for_no_subscription_takes_those_its_acl_lets_in() -> None:
    """The credential is enough, unless the application is suspended, its key is narrowed, or it has a subscription that
    says otherwise."""
    acl = Acl(allow=("partners",))
    alone = grouped(principal(subscribed=None), "partners")
    more: dict[str, Any] = {"acl": acl, "subscription": "off"}
    assert outcome(KEYED, alone, acl=acl) == "subscription_missing"
    made = asked(KEYED, alone, **more)
    assert reason(made) == "ok"
    assert made.subscription is not None
    assert made.subscription.id == "app_1@development orders/v1"
    assert outcome(KEYED, principal(subscribed=None), **more) == "acl_denied"
    suspended = with_application(alone, status="suspended")
    assert outcome(KEYED, suspended, **more) == "application_suspended"
    narrowed = grouped(principal(subscribed=None, resources=("orders/v1 POST /items",)), "partners")
    assert outcome(KEYED, narrowed, **more) == "key_resource_refused"
    assert (
        outcome(KEYED, grouped(subscribed(status="suspended"), "partners"), **more)
        == "subscription_suspended"
    )


# -- ACLs


@pytest.mark.parametrize(
    ("acl", "groups", "expected"),
    [
        (Acl(allow=("a", "b")), ("b",), "ok"),
        (Acl(allow=("a", "b")), ("c",), "acl_denied"),
        (Acl(allow=("a",)), (), "acl_denied"),
        (Acl(deny=("a",)), (), "ok"),
        (Acl(deny=("a",)), ("b", "a"), "acl_denied"),
        (Acl(allow=("a",), deny=("b",)), ("a", "b"), "acl_denied"),
        (Acl(allow=("a",), deny=("b",)), ("a",), "ok"),
    ],
)
def test_an_acl_lets_in_by_groups(acl: Acl, groups: tuple[str, ...], expected: str) -> None:
    """The application's groups with a key, and the person's with a token, at an API and at a resource."""
    for who in (grouped(principal(), *groups), bearer(groups=frozenset(groups))):
        target = KEYED if who.token is None else BEARER
        assert outcome(target, who, acl=acl) == expected
        assert outcome(replace(target, acl=acl), who) == expected


def test_application_and_person_are_in_their_groups_together() -> None:
    """Either may be in an allowed one; neither may be in a denied one."""
    who = grouped(bearer(groups=frozenset({"staff"})), "partners")
    assert who.groups == {"staff", "partners"}
    for group in ("staff", "partners"):
        assert outcome(BEARER, who, acl=Acl(allow=(group,))) == "ok"
        assert outcome(BEARER, who, acl=Acl(deny=(group,))) == "acl_denied"


def test_api_and_resource_are_both_asked() -> None:
    """Who passes the API's ACL alone does not pass."""
    target = replace(KEYED, acl=Acl(allow=("b",)))
    assert outcome(target, grouped(principal(), "a"), acl=Acl(allow=("a",))) == "acl_denied"
    assert outcome(target, grouped(principal(), "a", "b"), acl=Acl(allow=("a",))) == "ok"


# -- conditions


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("claims.sub == path.user_id", "ok"),
        ("claims.sub == 'other'", "condition_failed"),
        ("claims.missing == 'x'", "condition_failed"),
        ("claims.iss == 'https://gateway.example' && 'read' in scopes", "ok"),
        ("claims.exp > 0 && claims.client_id == 'client_1' && claims.scope == 'read'", "ok"),
        ("query.tag == ['a', 'b c'] && query.empty[0] == ''", "ok"),
        ("headers['x-tenant'] == 'acme, other'", "ok"),
        ("headers.host == 'api.test' && headers.exists(h, h == 'x-tenant')", "ok"),
        ("'authorization' in headers || 'cookie' in headers || 'x-api-key' in headers", "condition_failed"),
        ("headers.cookie == 'a=b'", "condition_failed"),
        ("headers.exists(h, h.startsWith('x-wardgate'))", "condition_failed"),
        ("application.id == 'app_1' && application.name == 'mobile' && 'g' in application.groups", "ok"),
        ("groups == ['g', 'p'] && roles == ['admin', 'clerk', 'reader']", "ok"),
        ("method == 'GET' && address == '192.0.2.7'", "ok"),
        ("time == timestamp('2027-01-15T08:00:00Z') && time.getHours('UTC') < 18", "ok"),
    ],
)
def test_a_condition_sees_request_and_caller(condition: str, expected: str) -> None:
    """Everything it may ask about, and no credential."""
    who = grouped(
        bearer(
            subject="u1",
            roles=frozenset({"admin"}),
            groups=frozenset({"p"}),
        ),
        "g",
    )
    who = with_application(who, roles=("clerk",))
    who = subscribed(who, controls=Controls(roles=("reader",)))
    made = asked(
        replace(BEARER, condition=condition),
        who,
        b"X-Tenant: acme",
        b"X-Tenant: other",
        b"Cookie: a=b",
        b"Authorization: Bearer x",
        b"X-API-Key: none",
        b"X-Wardgate-Application: mine",
        path={"user_id": "u1"},
    )
    head = made.head
    made.head = SimpleNamespace(
        method=head.method,
        path=head.path,
        query=b"tag=a&tag=b+c&empty=",
        host=head.host,
        fields=head.fields,
        values=head.values,
        passed=head.passed,
        matched=head.matched,  # type: ignore[attr-defined]
    )
    assert reason(made) == expected


def test_a_key_has_no_claims() -> None:
    """A condition on claims refuses a key unless it says otherwise."""
    assert outcome(replace(KEYED, condition="claims.sub == 'x'"), principal()) == "condition_failed"
    assert outcome(replace(KEYED, condition="!has(claims.sub)"), principal()) == "ok"


def test_a_key_in_the_query_is_not_seen_by_conditions() -> None:
    """Neither under its name nor among all parameters."""
    made = asked(
        replace(KEYED, condition="'key' in query || query.size() > 1"),
        principal(),
        api_key=ApiKeyScheme(place="query", name="key"),
    )
    made.head = SimpleNamespace(query=b"key=wg_1&a=1", method="GET", fields=(), values=lambda _: [])
    assert reason(made) == "condition_failed"


@pytest.mark.parametrize("query", [b"a=%ff", b"&".join(b"a=%d" % n for n in range(600))])
def test_a_query_that_cannot_be_read_refuses(query: bytes) -> None:
    """Bytes that are no text, and more parameters than anybody sends."""
    made = asked(replace(KEYED, condition="!('x' in query)"), principal())
    made.head = SimpleNamespace(query=query, method="GET", fields=(), values=lambda _: [])
    assert reason(made) == "condition_failed"


def test_why_a_condition_failed_is_for_the_operator() -> None:
    """Which one, and whether it was false or had no value; no value of the request."""
    false = verdict(asked(replace(KEYED, condition="method == 'PUT'"), principal()))
    undecided = verdict(asked(replace(KEYED, condition="claims.sub == 'secret'"), principal()))
    assert false is not None
    assert undecided is not None
    assert false.note == "method == 'PUT' is false"
    assert undecided.note == "claims.sub == 'secret' could not be decided: not_found"


def test_conditions_stand_between_scopes_and_step_up() -> None:
    """In the table's order, so that nobody signs in again for what is refused anyway."""
    target = replace(
        resource("oauth2", scopes=("read",)), condition="true", acl=Acl(allow=("a",)), max_age=60
    )
    (made,) = compiled(target).resources
    assert [named.policy for named in made.table] == [
        "tls_required",
        "oauth2",
        "subscription",
        "acl",
        "scopes",
        "condition",
        "step_up",
        "limits",
    ]


def test_what_is_open_asks_for_neither_groups_nor_conditions() -> None:
    """An API's ACL and condition concern the resources that ask who calls."""
    free = resource(name="GET /free")
    _, opened = compiled(KEYED, free, acl=Acl(allow=("a",)), condition="false").resources
    assert [named.policy for named in opened.table] == ["tls_required"]


# -- more rules let in no more

ACLS = st.builds(
    Acl,
    allow=st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(tuple),
    deny=st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(tuple),
)
CONDITIONS = st.sampled_from(
    ["", "true", "'a' in groups", "!('b' in groups)", "claims.sub == 'u'", "method == 'GET'"]
)
CONTROLS = st.builds(
    Controls,
    cidrs=st.sampled_from([(), ("192.0.2.0/24",), ("10.0.0.0/8",)]),
    scopes=st.sampled_from([(), ("read",), ("write",)]),
)


@given(
    st.sets(st.sampled_from("abc")).map(sorted),
    st.booleans(),
    st.one_of(st.none(), ACLS),
    st.one_of(st.none(), ACLS),
    CONDITIONS,
    CONDITIONS,
    CONTROLS,
    st.sampled_from(["acl", "resource acl", "condition", "resource condition", "controls", "status"]),
)
def test_one_more_rule_never_lets_in_who_was_refused(
    groups: list[str],
    with_token: bool,
    acl: Acl | None,
    own_acl: Acl | None,
    condition: str,
    own_condition: str,
    controls: Controls,
    added: str,
) -> None:
    """Merging is most restrictive: whatever is asked for besides, whoever passes passed before it was."""
    who = bearer(groups=frozenset(groups)) if with_token else grouped(principal(), *groups)
    target = resource("oauth2", scopes=("read",)) if with_token else KEYED
    rules: dict[str, Any] = {
        "acl": acl,
        "resource acl": own_acl,
        "condition": condition,
        "resource condition": own_condition,
        "controls": controls,
        "status": "suspended",
    }

    def passes(names: set[str]) -> bool:
        caller = who
        if "controls" in names:
            caller = subscribed(caller, controls=controls)
        if "status" in names:
            caller = subscribed(caller, status="suspended")
        made = replace(
            target,
            acl=rules["resource acl"] if "resource acl" in names else None,
            condition=rules["resource condition"] if "resource condition" in names else "",
        )
        changes: dict[str, Any] = {}
        if "acl" in names:
            changes["acl"] = acl
        if "condition" in names:
            changes["condition"] = condition
        return outcome(made, caller, **changes) == "ok"

    before = set(rules) - {added, "status"}
    assert passes(before) or not passes(before | {added})
