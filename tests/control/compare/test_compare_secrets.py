"""Where secrets are sent: every pair of a secret and an upstream that was none before weakens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.control.compare.weaker import STRICT, issuer, oauth2, resource, upstream

from wardgate.control.compare import Deployable, compare
from wardgate.domain.api import PolicyUse
from wardgate.domain.trust import TrustedIssuer

BACK = {"Authorization": "Bearer ${secret:BACK}"}
SIGN = PolicyUse(name="acme.sign", config={"keys": [{"key": "${secret:KEY}"}], "price": "$$5"})
ASKED = TrustedIssuer(
    issuer="https://id.example.com",
    kind="introspection",
    introspection_endpoint="https://id.example.com/ask?x=1",
    introspection_client_id="gw",
    introspection_secret="GW",
)


def sent(before: Deployable | None, after: Deployable) -> list[str]:
    """The sentences about secrets, all of which weaken."""
    found = [each for each in compare(before, after) if each.kind == "secret_sent"]
    assert all(each.weakens and each.place == "orders/v1 secrets" for each in found)
    return [each.sentence for each in found]


def to(*targets: str, **headers: str) -> Deployable:
    """The API with that upstream and no other secrets."""
    return upstream(targets=targets, headers=headers)(STRICT)


def signing(state: Deployable, *uses: PolicyUse) -> Deployable:
    """The API with those policies."""
    return replace(state, api=replace(state.api, policies=uses))


def test_a_new_api_answers_for_each_upstream_that_gets_a_secret() -> None:
    """Once for each pair, however often it stands there; what names no secret says nothing."""
    new = to(
        "https://a.example.com/x", "https://A.example.com:443/y", "http://b:81", **BACK, B="${secret:BACK}x"
    )
    assert sent(None, new) == [
        "the secret BACK is sent to https://a.example.com, where it was not sent",
        "the secret BACK is sent to http://b:81, where it was not sent",
    ]
    assert sent(None, to("https://a.example.com", A="$${secret:BACK} ${VARIABLE}")) == []


@pytest.mark.parametrize(
    ("targets", "new"),
    [
        (("https://a/v2",), []),
        (("https://A:443",), []),
        (("https://a:444",), ["https://a:444"]),
        (("http://a",), ["http://a"]),
        (("https://a", "https://evil.example.com"), ["https://evil.example.com"]),
        (("https://a.",), ["https://a."]),
        (("${BACK_URL}/x",), ["${BACK_URL}/x"]),
        (("https://${Host}:443/x",), ["https://${Host}:443"]),
    ],
)
def test_an_upstream_is_its_scheme_host_and_port(targets: tuple[str, ...], new: list[str]) -> None:
    """The path on it is not, nor the way it is spelled; one who had it in clear may have it by TLS."""
    expected = [f"the secret BACK is sent to {each}, where it was not sent" for each in new]
    assert sent(to("https://a", **BACK), to(*targets, **BACK)) == expected
    assert sent(to("http://a:8080", **BACK), to("https://a:8080", **BACK)) == []


def test_another_secret_to_the_same_upstream_weakens() -> None:
    """It is the pair that counts; fewer secrets are no matter."""
    both = to("https://a", **BACK, B="${secret:OTHER}")
    assert sent(to("https://a", **BACK), both) == [
        "the secret OTHER is sent to https://a, where it was not sent"
    ]
    assert sent(both, to("https://a", **BACK)) == []


def test_a_policy_that_is_given_a_secret_weakens() -> None:
    """At the API, at a resource, and before another upstream; nobody here knows what it does with it."""
    bare = to("https://a")
    told = "the secret KEY is given to the policy acme.sign{} before https://{}, where it was not given"
    assert sent(None, signing(bare, SIGN)) == [told.format("", "a")]
    assert sent(signing(bare), signing(bare, SIGN)) == [told.format("", "a")]
    assert sent(signing(bare, SIGN), signing(to("https://b"), SIGN)) == [told.format("", "b")]
    at_resource = resource("GET /items", policies=(SIGN,))(signing(bare, SIGN))
    assert sent(signing(bare, SIGN), at_resource) == [told.format(" of GET /items", "a")]
    assert sent(at_resource, signing(bare, SIGN)) == []


@pytest.mark.parametrize(
    ("changes", "new"),
    [
        ({"introspection_endpoint": "https://id.example.com/other"}, []),
        (
            {"introspection_endpoint": "https://evil.example.com/ask"},
            ["the gateway's secret GW is sent to https://evil.example.com, where it was not sent"],
        ),
        (
            {"introspection_secret": "SMTP"},
            ["the gateway's secret SMTP is sent to https://id.example.com, where it was not sent"],
        ),
    ],
)
def test_who_is_asked_about_tokens_gets_a_secret_too(changes: dict[str, Any], new: list[str]) -> None:
    """That of the client the gateway asks as; also where only the name of the secret changes, and at a new API."""
    before = oauth2(issuers=(ASKED,))(to("https://a"))
    after = oauth2(issuers=(replace(ASKED, **changes),))(before)
    assert sent(before, after) == new
    assert len(sent(None, after)) == 1
    assert sent(before, issuer(skew=5)(before)) == []


def test_what_is_not_served_any_more_sends_nothing() -> None:
    """An API that comes back is measured by what it was, and asks anew for its secrets."""
    state = to("https://a", **BACK)
    assert compare(state, state) == ()
    (only,) = compare(replace(state, served=False), state)
    assert only.kind == "secret_sent"
