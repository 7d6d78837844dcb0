"""What a condition sees is what the upstream gets; where another reader may see something else, it is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.policy.exchanges import bearer, principal, resource
from tests.policy.test_authorize_steps import asked

from wardgate.domain.api import ApiKeyScheme
from wardgate.gateway.head import HeadParser
from wardgate.policy.exchange import Exchange
from wardgate.policy.expression import ConditionError, UndecidedError, expression

KEYED = resource("api_key")
BEARER = resource("oauth2")


def judged(condition: str, *fields: bytes, query: bytes = b"") -> str:
    """The verdict on a request with these fields and query."""
    made: Exchange = asked(replace(KEYED, condition=condition), principal(), *fields)
    line = b"GET /orders/v1/items" + (b"?" + query if query else b"") + b" HTTP/1.1"
    made.head = HeadParser(100, 8192).parse(b"\r\n".join([line, b"Host: api.test", *fields]))
    for step in made.resource.steps:
        outcome = step(made)
        if outcome is not None:
            return str(outcome.reason.name)  # type: ignore[union-attr]
    return "ok"


MINE = "headers['x-tenant'] == 'mine'"


@pytest.mark.parametrize(
    ("condition", "fields", "expected"),
    [
        (MINE, [b"X-Tenant: mine"], "ok"),
        (MINE, [b"X-Tenant: mine", b"X-Tenant: other"], "condition_failed"),
        # Removed on the way: the upstream never hears of it.
        (MINE, [b"X-Tenant: mine", b"Connection: x-tenant"], "condition_failed"),
        ("'x-tenant' in headers", [b"X-Tenant: mine", b"Connection: x-tenant"], "condition_failed"),
        ("headers['x-forwarded-proto'] == 'https'", [b"X-Forwarded-Proto: https"], "condition_failed"),
        ("'x-http-method-override' in headers", [b"X-HTTP-Method-Override: PUT"], "condition_failed"),
        # A CGI-style upstream reads one variable of both.
        (MINE, [b"X-Tenant: mine", b"X_Tenant: other"], "condition_failed"),
        (MINE, [b"X_Tenant: other", b"X-Tenant: mine"], "condition_failed"),
        ("!('x-blocked' in headers)", [b"X_Blocked: 1"], "condition_failed"),
        ("!has(headers.host) || headers.size() > 1", [b"X.Other: 1"], "condition_failed"),
        ("headers['x-tenant'] == 'mine'", [b"X-Tenant: mine", b"X_Other: 1"], "ok"),
    ],
)
def test_a_header_is_seen_as_the_upstream_gets_it(condition: str, fields: list[bytes], expected: str) -> None:
    """Neither what is removed nor what another spelling may stand in for decides anything."""
    assert judged(condition, *fields) == expected


@pytest.mark.parametrize(
    "query",
    [
        b"u=me%00victim",
        b"u=me;u=victim",
        b"x=1;u=victim&u=me",
        b"u=me&%u0075=victim",
        b"u=me&%zu=victim",
        b"u=me&u%",
    ],
)
def test_a_query_with_two_readings_is_refused(query: bytes) -> None:
    """A zero byte, a semicolon that some split at, an escape that is none: who reads it decides what it says."""
    assert judged("query.u == ['me']", query=query) == "condition_failed"
    assert judged("!('v' in query)", query=query) == "condition_failed"
    assert judged("method == 'GET'", query=query) == "ok"
    assert judged("query.u == ['me;']", query=b"u=me%3B") == "ok"


@pytest.mark.parametrize(
    ("claims", "condition"),
    [
        ({"sub": "victim\0mine"}, "claims.sub == path.user_id"),
        ({"org": {"id": ["victim\0"]}}, "path.user_id in claims.org.id"),
        ({"sub": "mine", "sub\0": "victim"}, "claims.size() > 0 && claims.sub == 'victim'"),
        ({"sub\0x": "victim"}, "claims.exists(k, k == 'sub')"),
    ],
)
def test_a_zero_byte_ends_no_text(claims: Mapping[str, Any], condition: str) -> None:
    """A claim that only begins like the path's parameter is another text."""
    who = bearer(subject="u1", claims=dict(claims))
    made = asked(replace(BEARER, condition=condition), who, path={"user_id": "victim"})
    verdicts = [step(made) for step in made.resource.steps]
    assert "condition_failed" in [each.reason.name for each in verdicts if each is not None]  # type: ignore[union-attr]


def test_a_zero_byte_is_undecided_wherever_it_stands() -> None:
    """Not true, and not false either."""
    for values in ({"roles": ["a\0"]}, {"roles": ["a", "b\0"]}):
        with pytest.raises(UndecidedError):
            expression("'a' in roles").holds(values)
    assert expression("'a' in roles").holds({"roles": ["a"]})


@pytest.mark.parametrize(
    "condition", ["headers['X-Tenant'] == 'a'", "!('X-Blocked' in headers)", "has(headers.Host)"]
)
def test_a_header_in_upper_case_is_told_when_it_is_published(condition: str) -> None:
    """Names are in lower case: one that is not would never be found, and "not there" always true."""
    with pytest.raises(ConditionError, match="lower case") as caught:
        expression(condition)
    assert (caught.value.line, caught.value.column) == (
        1,
        {"h": 1, "!": 3}[condition[0]] + 4 * condition.startswith("has"),
    )


@pytest.mark.parametrize(
    ("condition", "remedy"),
    [
        ("query.a.map(x, query.a).map(y, [y, y]).size() == 1", "at most one"),
        ("query.a.map(x, x + x).size() == 1", "map"),
        (" + ".join(["headers.x"] * 20) + " == ''", "at most"),
    ],
)
def test_what_multiplies_what_a_client_sends_is_refused(condition: str, remedy: str) -> None:
    """Lists of lists and texts of texts would cost seconds."""
    with pytest.raises(ConditionError, match=remedy):
        expression(condition)


def test_the_costliest_request_is_not_dear() -> None:
    """500 parameters and long headers, with as many joins and repetitions as an expression may have."""
    parts = " + ".join(["query.a"] * 5)
    dear = expression(f"({parts}).exists(x, (headers.x + headers.x + headers.x).contains(x + 'z'))")
    values = {"query": {"a": ["a" * 12] * 500}, "headers": {"x": "b" * 8000}}
    began = time.perf_counter()
    assert not dear.holds(values)
    assert time.perf_counter() - began < 1.0


def test_a_key_in_another_spelling_is_not_seen() -> None:
    """No spelling of the key's header passes to the upstream, so none is there for a condition."""
    target = replace(KEYED, condition="headers.exists(h, h.contains('secret'))")
    made = asked(
        target, principal(), b"X_Secret_Key: wg", api_key=ApiKeyScheme(place="header", name="X-Secret-Key")
    )
    verdicts = [step(made) for step in made.resource.steps]
    notes = [each.note for each in verdicts if each is not None]  # type: ignore[union-attr]
    assert notes == ["headers.exists(h, h.contains('secret')) is false"]
