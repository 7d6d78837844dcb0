"""Keys on the wire: where they are looked for, what is told of wrong ones, what the upstream learns of the caller."""

from __future__ import annotations

import base64
import json
import secrets
import statistics
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack, api, command, document
from tests.e2e.upstream import Upstream
from tests.e2e.wire import Closed, ask

from wardgate.domain import apikey

_ORIGIN = "https://app.example.com"


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack, upstream: Upstream) -> Stack:
    """APIs with their key in header, query, cookie and Authorization; one with CORS; one that nobody subscribed to."""

    def keyed(name: str, place: str, field: str) -> dict[str, object]:
        return api(
            name, [upstream.url], security={"schemes": ["api_key"], "api_key": {"in": place, "name": field}}
        )

    cors = {
        "origins": [_ORIGIN], "methods": ["GET", "PUT"], "headers": ["X-API-Key", "Content-Type"], "credentials": True,
    }  # fmt: skip
    content = document(
        [
            api("raw", [upstream.url], cors=cors),
            keyed("query", "query", "api_key"),
            keyed("cookie", "cookie", "session"),
            keyed("bearer", "header", "Authorization"),
            api("strict", [upstream.url], undeclared="deny", security={
                "schemes": ["api_key"], "resources": {"GET /health": {"security": "off"}},
            }),
        ]
    )  # fmt: skip
    content["apis"].append({**api("other", [upstream.url]), "plans": []})
    return make_stack(upstream, content, workers=2)


def _ask(stack: Stack, line: str, *fields: str) -> tuple[int, str]:
    head = "".join(f"{field}\r\n" for field in ("Host: gateway", *fields))
    answer = ask(stack.port, f"{line} HTTP/1.1\r\n{head}\r\n".encode(), line.split()[0])
    return answer.status, answer.reason


def test_keys_are_found_where_the_api_says_and_never_forwarded(stack: Stack, upstream: Upstream) -> None:
    """In a header, the query, a cookie or Authorization; the rest of query and cookies is passed on."""
    key = stack.key
    found = [
        _ask(stack, "GET /raw/v1/echo", f"X-Api-Key: {key}"),
        _ask(stack, f"GET /query/v1/echo?a=1&api_key={key}&b=2"),
        _ask(stack, f"GET /query/v1/echo?%61pi_key={key}"),
        _ask(stack, "GET /cookie/v1/echo", f"Cookie: a=1; session={key}; b=2"),
        _ask(stack, "GET /cookie/v1/echo", "Cookie: a=1", f'Cookie: session="{key}"'),
        _ask(stack, "GET /bearer/v1/echo", f"Authorization: Bearer {key}"),
        _ask(stack, "GET /bearer/v1/echo", f"Authorization: ApiKey {key}"),
    ]
    assert found == [(200, "")] * 7
    assert not upstream.on_wire(key.encode())
    assert not upstream.on_wire(b"wg_")
    targets = [seen.target for seen in upstream.log.requests]
    assert targets[1:3] == [b"/echo?a=1&b=2", b"/echo"]
    assert [seen.values(b"cookie") for seen in upstream.log.requests[3:5]] == [[b"a=1; b=2"], [b"a=1"]]
    assert not upstream.find(b"Authorization")


def test_open_resources_do_not_forward_keys_either(stack: Stack, upstream: Upstream) -> None:
    """A key sent where none is asked for is removed all the same, and what is not declared is not found."""
    assert _ask(stack, "GET /strict/v1/health", f"X-API-Key: {stack.key}") == (200, "")
    assert _ask(stack, "GET /strict/v1/health") == (200, "")
    assert not upstream.on_wire(b"wg_")
    assert _ask(stack, "GET /strict/v1/nothing", f"X-API-Key: {stack.key}") == (404, "resource_not_found")
    assert _ask(stack, "DELETE /strict/v1/items", f"X-API-Key: {stack.key}") == (404, "resource_not_found")
    assert _ask(stack, "GET /strict/v1/items/7", f"X-API-Key: {stack.key}") == (200, "")


def test_keys_sent_twice_are_refused(stack: Stack) -> None:
    """Two keys in any place are ambiguous, equal or not."""
    key = stack.key
    found = [
        _ask(stack, f"GET /query/v1/echo?api_key={key}&api_key={key}"),
        _ask(stack, f"GET /query/v1/echo?api_key={key}&api%5Fkey=x"),
        _ask(stack, "GET /cookie/v1/echo", f"Cookie: session={key}; session=x"),
        _ask(stack, "GET /cookie/v1/echo", f"Cookie: session={key}", "Cookie: session=x"),
        _ask(stack, "GET /bearer/v1/echo", f"Authorization: Bearer {key}", "Authorization: x"),
    ]
    assert found == [(400, "credential_ambiguous")] * 4 + [(400, "header_duplicate")]


def test_every_wrong_credential_gets_the_same_bytes(stack: Stack) -> None:
    """Malformed, unknown, revoked, expired, of another environment, address or referrer: nobody can tell."""
    expired = stack.issue("open", "--expires-in", "1")
    elsewhere = stack.issue("open", "--cidr", "10.0.0.0/8")
    referred = stack.issue("open", "--referer", "app.example.com")
    revoked = stack.issued("open")
    stack.revoke(revoked["id"])
    body, check = stack.key[:-6], stack.key[-6:]
    unknown = apikey.generate("dev", secrets.token_bytes)
    foreign = stack.issue("open", "--environment", "staging")
    time.sleep(1.2)
    wrong = [
        "x", "wg_dev_", stack.key[:-1], body + check[::-1], stack.key.upper(), expired, elsewhere, referred,
        revoked["key"], f"{stack.key} ", "wg_dev_" + "0" * 38, "é", unknown, foreign,
    ]  # fmt: skip
    heads = set()
    for key in wrong:
        data = f"GET /raw/v1/echo HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {key}\r\n\r\n".encode("latin-1")
        answer = ask(stack.port, data)
        if key == f"{stack.key} ":
            assert answer.status == 200  # white space around a field's value is no part of it
            continue
        assert (answer.status, answer.reason) == (401, "credential_invalid")
        head = b"\r\n".join(
            line for line in answer.head.split(b"\r\n") if not line.startswith(b"X-Wardgate-Request-Id")
        )
        heads.add((head, answer.body))
    assert len(heads) == 1
    reasons = {line["reason"] for line in _logged(stack, 8)}
    assert {
        "credential_malformed",
        "key_unknown",
        "key_wrong_environment",
        "key_expired",
        "key_revoked",
        "key_address_refused",
        "key_referrer_refused",
    } <= reasons


def _logged(stack: Stack, at_least: int) -> list[dict[str, object]]:
    stack.service.until(lambda: len(stack.access_log()) >= at_least, 5)
    time.sleep(0.5)
    return stack.access_log()


def test_no_log_holds_a_key(stack: Stack) -> None:
    """Neither the access log nor the service's own output shows one, in a query either."""
    before = len(stack.access_log())
    _ask(stack, f"GET /query/v1/echo?api_key={stack.key}")
    _ask(stack, f"GET /raw/v1/echo?api_key={stack.key}", f"Referer: https://x/?k={stack.key}")
    stack.service.until(lambda: len(stack.access_log()) >= before + 2, 5)
    text = (stack.data_dir / "access.log").read_text() + stack.service.log
    assert stack.key not in text
    assert stack.key[8:40] not in text


def test_authorization_is_judged_after_authentication(stack: Stack) -> None:
    """A key without a subscription is 403, and its restriction to resources too."""
    assert _ask(stack, "GET /other/v1/echo", f"X-API-Key: {stack.key}") == (403, "subscription_missing")
    narrow = stack.issue("open", "--resource", "strict/v1 GET /items/{id}")
    assert _ask(stack, "GET /strict/v1/items/7", f"X-API-Key: {narrow}") == (200, "")
    assert _ask(stack, "PUT /strict/v1/items/7", f"X-API-Key: {narrow}") == (403, "key_resource_refused")
    referred = stack.issue("open", "--referer", "*.example.com")
    field = f"X-API-Key: {referred}"
    assert _ask(stack, "GET /raw/v1/echo", field, "Referer: https://a.example.com/b")[0] == 200
    assert _ask(stack, "GET /raw/v1/echo", field, "Referer: https://example.com.evil/")[0] == 401
    assert _ask(stack, "GET /raw/v1/echo", field, "Referer: https://a.example.com@evil/")[0] == 401


def test_preflights_are_answered_before_authentication(stack: Stack, upstream: Upstream) -> None:
    """An allowed origin gets its answer without a key, another none; the real request still needs the key."""
    lines = [
        f"Origin: {_ORIGIN}",
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: x-api-key",
    ]
    data = "OPTIONS /raw/v1/a HTTP/1.1\r\nHost: g\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"
    answer = ask(stack.port, data.encode())
    assert (answer.status, answer.values("access-control-allow-origin")) == (204, [_ORIGIN])
    assert answer.values("access-control-allow-credentials") == ["true"]
    evil = ask(stack.port, data.replace("app.example.com", "evil.example.com").encode())
    assert (evil.status, evil.values("access-control-allow-origin")) == (403, [])
    assert not upstream.log.requests
    refused = ask(stack.port, f"GET /raw/v1/a HTTP/1.1\r\nHost: g\r\nOrigin: {_ORIGIN}\r\n\r\n".encode())
    assert (refused.status, refused.values("access-control-allow-origin")) == (401, [_ORIGIN])
    real = stack.ask("/raw/v1/echo", more=f"Origin: {_ORIGIN}\r\n".encode())
    assert (real.status, real.values("access-control-allow-origin")) == (200, [_ORIGIN])


def test_the_assertion_can_be_verified_by_anyone(stack: Stack, upstream: Upstream) -> None:
    """The published key verifies the signature with another library; its claims name caller, API and time."""
    stack.ask("/raw/v1/echo")
    seen = upstream.log.requests[0]
    token = seen.values(b"x-wardgate-assertion")[0]
    head, payload, signature = token.split(b".")
    jwks = ask(stack.port, b"GET /.well-known/wardgate/jwks.json HTTP/1.1\r\nHost: gateway\r\n\r\n").json()
    kid = json.loads(_unbase(head))["kid"]
    jwk = next(key for key in jwks["keys"] if key["kid"] == kid)
    assert "d" not in jwk
    raw = _unbase(signature)
    public = ec.EllipticCurvePublicNumbers(
        int.from_bytes(_unbase(jwk["x"].encode())), int.from_bytes(_unbase(jwk["y"].encode())), ec.SECP256R1()
    ).public_key()
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(der, head + b"." + payload, ec.ECDSA(hashes.SHA256()))
    claims = json.loads(_unbase(payload))
    assert claims["aud"] == "raw/v1"
    assert claims["application"] == "open"
    assert claims["subscription"].encode() == seen.values(b"x-wardgate-subscription")[0]
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 40


def _unbase(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def test_revocation_takes_effect_within_a_tenth_of_a_second(stack: Stack) -> None:
    """Under load from four connections on two workers: p99 of the time from the commit to the last request accepted."""
    delays: list[float] = []
    for _ in range(12):
        issued = stack.issued("open")
        key = str(issued["key"])
        accepted: list[float] = []
        stop = threading.Event()
        threads = [threading.Thread(target=_hammer, args=(stack, key, accepted, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        revoked = stack.revoke(issued["id"])
        time.sleep(0.4)
        stop.set()
        for thread in threads:
            thread.join()
        assert accepted
        delays.append(max(accepted) - revoked)
        assert stack.ask("/raw/v1/echo", key=key).status == 401
    assert statistics.quantiles(delays, n=100, method="inclusive")[98] < 0.1


def _hammer(stack: Stack, key: str, accepted: list[float], stop: threading.Event) -> None:
    """Sends requests with ``key`` and notes when each accepted one was sent."""
    request = stack.request("/strict/v1/items/1", key=key)
    with stack.wire() as wire:
        while not stop.is_set():
            began = time.monotonic()
            wire.send(request)
            try:
                status = wire.answer().status
            except Closed:
                return
            if status == 200:
                accepted.append(began)
            elif status == 401:
                time.sleep(0.02)


def test_rotation_keeps_the_old_key_for_the_overlap(stack: Stack) -> None:
    """Both keys work until the overlap ends, then the new one alone."""
    issued = stack.issued("open")
    told = command(
        "keys", "rotate", issued["id"], "--overlap", "1", "--json", "--data-dir", str(stack.data_dir)
    )
    new = json.loads(told)["key"]
    assert [stack.ask("/raw/v1/echo", key=key).status for key in (issued["key"], new)] == [200, 200]
    time.sleep(1.3)
    assert [stack.ask("/raw/v1/echo", key=key).status for key in (issued["key"], new)] == [401, 200]
