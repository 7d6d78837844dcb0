"""Tokens of other people's servers at a real Wardgate: keys read ahead, rotated, kept through an outage; introspection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.issuer import ForeignIssuer, basic
from tests.e2e.stack import Stack, api, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Answer, ask

ALLOW = ("--outbound-allow", "127.0.0.0/8")


@pytest.fixture
def issuer() -> Iterator[ForeignIssuer]:
    """The foreign server."""
    with ForeignIssuer() as running:
        yield running


def trusting(upstream: Upstream, issuer: ForeignIssuer, **more: Any) -> dict[str, Any]:
    """A document whose API believes ``issuer``, with its client ``partner`` as the application ``open``."""
    trusted = {"issuer": issuer.url, "audiences": ["items"], "applications": {"partner": "open"}, **more}
    security = {
        "schemes": ["api_key", "oauth2"],
        "oauth2": {"issuers": [trusted]},
        "resources": {"GET /items/{id}": {"scopes": ["items.read"]}},
    }
    return document([api("items", [upstream.url], security=security)])


def call(stack: Stack, token: str, path: str = "/items/v1/items") -> Answer:
    """A request with a bearer token."""
    head = f"GET {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n\r\n"
    return ask(stack.port, head.encode(), "GET")


def test_tokens_of_a_foreign_issuer_open_the_api(
    tmp_path: Path, upstream: Upstream, issuer: ForeignIssuer
) -> None:
    """Keys are found by metadata before the first request; a new key is read when a token names it, and one that is
    gone is believed no more; while the issuer is down known keys go on and unknown ones are refused."""
    with Stack(tmp_path, upstream, trusting(upstream, issuer), *ALLOW, workers=2) as stack:
        stack.service.until(lambda: "/keys" in issuer.asked)
        good = issuer.token(aud="items", scope="items.read other")
        assert call(stack, good).status == 200
        assert call(stack, good, "/items/v1/items/7").status == 200
        refused = call(stack, issuer.token(aud="items"), "/items/v1/items/7")
        assert (refused.status, refused.reason) == (403, "scope_missing")
        assert call(stack, issuer.token(aud="elsewhere")).status == 401
        assert call(stack, issuer.token(aud="items", client_id="stranger")).status == 401
        assert issuer.asked.count("/keys") == 1

        issuer.key("second")
        del issuer.keys["first"]
        rotated = issuer.token("second", aud="items")
        deadline = time.monotonic() + 20
        while call(stack, rotated).status != 200:  # the first reading was less than ten seconds ago
            assert time.monotonic() < deadline
            time.sleep(0.5)
        stack.service.until(lambda: call(stack, good).status == 401)

        issuer.down = True
        assert call(stack, issuer.token("second", aud="items", jti="later")).status == 200
        issuer.key("third")
        unknown = call(stack, issuer.token("third", aud="items"))
        assert unknown.status in (401, 503)


def test_opaque_tokens_are_asked_about(
    tmp_path: Path, upstream: Upstream, issuer: ForeignIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint is asked once a token and time to live, as the client whose secret is in the environment; what is
    not active is refused, and while nobody answers the request is refused with 503."""
    monkeypatch.setenv("INTROSPECTION_PARTNER", "s:e c")
    asking = {
        "endpoint": f"{issuer.url}/introspect",
        "client_id": "gateway",
        "secret_env": "INTROSPECTION_PARTNER",
    }
    issuer.active["opaque-1"] = {
        "active": True,
        "client_id": "partner",
        "aud": "items",
        "scope": "items.read",
    }
    content = trusting(upstream, issuer, introspection=asking)
    with Stack(tmp_path, upstream, content, *ALLOW, workers=1) as stack:
        assert [call(stack, "opaque-1", "/items/v1/items/7").status for _ in range(3)] == [200, 200, 200]
        assert issuer.asked.count("/introspect") == 1
        assert issuer.forms[0] == {"token": "opaque-1", "token_type_hint": "access_token"}
        assert issuer.authorizations == [basic("gateway", "s%3Ae+c")]
        refused = call(stack, "opaque-2")
        assert refused.status == 401
        issuer.down = True
        away = call(stack, "opaque-3")
        assert (away.status, away.reason) == (503, "issuer_unavailable")
        assert call(stack, "opaque-1").status == 200
        issuer.down = False
        issuer.active["opaque-3"] = issuer.active["opaque-1"]
        stack.service.until(lambda: call(stack, "opaque-3").status == 200)
        assert "opaque-" not in stack.service.log
        assert "s:e c" not in stack.service.log


def test_without_leave_no_internal_address_is_called(
    tmp_path: Path, upstream: Upstream, issuer: ForeignIssuer
) -> None:
    """An issuer on this machine is not asked unless the operator allows its network; its tokens answer 503."""
    with Stack(tmp_path, upstream, trusting(upstream, issuer), workers=1) as stack:
        away = call(stack, issuer.token(aud="items"))
        assert (away.status, away.reason) == (503, "issuer_unavailable")
        stack.service.until(lambda: "may not be called without TLS" in stack.service.log)
        assert issuer.asked == []
