"""What the gateway serves besides APIs: passed to the control process, or to a token endpoint elsewhere."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.gateway.harness import ENVIRONMENT, Answer, Gateway, Upstream, Wire, orders, serving
from tests.storage.samples import document
from tests.telemetry.rows import named

from wardgate.control.apply import apply_document
from wardgate.domain.document import AuthorizationServer
from wardgate.domain.settings import Listener
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.storage.database import SqlStore

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def control() -> AsyncIterator[Upstream]:
    """The control process, played by the test."""
    async with Upstream().listening() as played:
        yield played


@pytest.fixture
async def running(store: SqlStore, upstream: Upstream, control: Upstream) -> AsyncIterator[Gateway]:
    """A gateway before ``control``, with an API that takes every path of every host."""
    everything = orders(upstream.url, base_path="", undeclared="allow", schemes=(), hosts=("api.test",))
    async with serving(store, everything, control=Listener(port=control.port)) as gateway:
        yield gateway


def request(line: bytes, *fields: bytes, host: bytes = b"api.test", body: bytes = b"") -> bytes:
    """A request of nobody in particular."""
    length = [b"Content-Length: %d" % len(body)] if body else []
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: " + host, *fields, *length, b"", body])


def fields_of(head: bytes, name: bytes) -> list[bytes]:
    """The values of a field as the upstream saw it."""
    lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    return [value for field, _, value in lines if field.lower() == name]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /oauth2/authorize?client_id=a&x=%2F",
        b"GET /oauth2/static/style.css",
        b"DELETE /oauth2/register/abc",
        b"OPTIONS /oauth2/token",
        b"GET /.well-known/openid-configuration",
        b"GET /.well-known/oauth-authorization-server",
        b"HEAD /.well-known/oauth-authorization-server",
    ],
)
@pytest.mark.parametrize("host", [b"api.test", b"other.test:8443"])
async def test_the_authorization_server_answers_on_every_host(
    running: Gateway, control: Upstream, line: bytes, host: bytes
) -> None:
    """Whatever APIs are mounted, its paths go to control as they came, with proof of who passes them on."""
    wire = await running.connect()
    wire.send(request(line, b"Authorization: Basic eDp5", b"Cookie: a=b", b"DPoP: proof", host=host))
    passed = await control.accept()
    head = await passed.head()
    passed.send(ANSWER if not line.startswith(b"HEAD") else ANSWER[:-2])
    assert (await wire.answer(line.split()[0].decode())).status == 200
    assert head.startswith(line + b" HTTP/1.1\r\n")
    proof = hmac.digest(running.store.master_key(), b"wardgate/hop/v1", "sha256").hex().encode()
    assert fields_of(head, b"x-wardgate-hop") == [proof]
    assert fields_of(head, b"authorization") == [b"Basic eDp5"]
    assert fields_of(head, b"cookie") == [b"a=b"]
    assert fields_of(head, b"dpop") == [b"proof"]
    assert fields_of(head, b"x-forwarded-for") == [b"127.0.0.1"]
    assert fields_of(head, b"x-forwarded-proto") == [b"http"]
    assert fields_of(head, b"x-forwarded-host") == [host]
    assert fields_of(head, b"x-wardgate-client-certificate") == []
    assert not [
        name for name in (b"x-wardgate-application", b"x-wardgate-assertion") if fields_of(head, name)
    ]


async def test_what_a_client_claims_for_itself_is_dropped(running: Gateway, control: Upstream) -> None:
    """No client can speak as the gateway, or name another address or certificate."""
    wire = await running.connect()
    forged = [
        b"X-Wardgate-Hop: "
        + hmac.digest(running.store.master_key(), b"wardgate/hop/v1", "sha256").hex().encode(),
        b"X-Wardgate-Client-Certificate: AAAA",
        b"X_Wardgate_Client_Certificate: AAAA",
        b"X-Forwarded-For: 10.9.9.9",
    ]
    wire.send(request(b"POST /oauth2/token", *forged, body=b"grant_type=x"))
    passed = await control.accept()
    head = await passed.head()
    assert await passed.exactly(12) == b"grant_type=x"
    passed.send(ANSWER)
    await wire.answer()
    assert len(fields_of(head, b"x-wardgate-hop")) == 1
    assert fields_of(head, b"x-forwarded-for") == [b"127.0.0.1"]
    assert b"AAAA" not in head


@pytest.mark.parametrize(
    "line",
    [
        b"GET /oauth2x",
        b"GET /.well-known/openid-configurations",
        b"GET /a/oauth2/token",
        b"GET /.well-known/x",
    ],
)
async def test_paths_beside_are_the_apis(running: Gateway, upstream: Upstream, line: bytes) -> None:
    """A path that only looks like the authorization server's belongs to whoever is mounted there."""
    wire = await running.connect()
    wire.send(request(line))
    passed = await upstream.accept()
    head = await passed.head()
    passed.send(ANSWER)
    assert (await wire.answer()).status == 200
    assert fields_of(head, b"x-wardgate-hop") == []


def refused(answer: Answer, status: int, error: str, reason: str) -> None:
    """The gateway's own refusal at an endpoint of OAuth 2.0 is one that its clients can read, and nobody stores it (RFC 6749
    section 5.2)."""
    assert (answer.status, answer.reason) == (status, reason)
    document = json.loads(answer.body)
    assert document.keys() == {"error", "error_description", "reason"}
    assert document["error"] == error
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", document["error_description"])
    assert answer.value("content-type") == "application/json"
    assert answer.value("cache-control") == "no-store"
    assert answer.value("pragma") == "no-cache"


async def test_bodies_are_bounded(running: Gateway, control: Upstream) -> None:
    """Control is sent no form of more than 64 KiB, announced or in chunks."""
    wire = await running.connect()
    wire.send(request(b"POST /oauth2/token", b"Content-Length: 65537"))
    refused(await wire.answer(), 413, "invalid_request", "body_too_large")
    wire = await running.connect()
    wire.send(
        request(b"POST /oauth2/token", b"Transfer-Encoding: chunked"), b"11000\r\n" + b"x" * 0x11000 + b"\r\n"
    )
    refused(await wire.answer(), 413, "invalid_request", "body_too_large")


async def test_without_control_the_answer_is_503_or_502(store: SqlStore, upstream: Upstream) -> None:
    """While control is away its paths say so, and APIs go on."""
    async with serving(store, orders(upstream.url), control=Listener(port=1)) as gateway:
        wire = await gateway.connect()
        wire.send(request(b"GET /oauth2/jwks"))
        refused(await wire.answer(), 502, "temporarily_unavailable", "upstream_connect_failed")
        served = await gateway.connect()
        served.send(gateway.request())
        passed = await upstream.accept()
        await passed.head()
        passed.send(ANSWER)
        assert (await served.answer()).status == 200


async def test_secrets_do_not_cross_in_clear(store: SqlStore, upstream: Upstream, control: Upstream) -> None:
    """Beyond this machine forms, cookies and credentials need TLS; public documents do not."""
    local = Listener(port=control.port)
    async with serving(
        store, orders(upstream.url), control=local, trusted_proxies=("127.0.0.0/8",)
    ) as gateway:

        async def ask(line: bytes, scheme: bytes, *fields: bytes) -> Wire:
            wire = await gateway.connect()
            proxy = [b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: " + scheme]
            wire.send(request(line, *proxy, *fields))
            return wire

        for line, more in (
            (b"POST /oauth2/token", b"Content-Length: 0"),
            (b"GET /oauth2/userinfo", b"Authorization: Bearer x"),
            (b"GET /oauth2/account", b"Cookie: wardgate=x"),
        ):
            answer = await (await ask(line, b"http", more)).answer()
            refused(answer, 403, "invalid_request", "credential_over_plain_http")
        for line, scheme, more in (
            (b"GET /oauth2/jwks", b"http", b"Accept: */*"),
            (b"GET /oauth2/userinfo", b"https", b"Authorization: Bearer x"),
        ):
            wire = await ask(line, scheme, more)
            passed = await control.accept()
            head = await passed.head()
            passed.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
            assert (await wire.answer()).status == 200
            assert fields_of(head, b"x-forwarded-for") == [b"192.0.2.1, 127.0.0.1"]
            assert fields_of(head, b"x-forwarded-proto") == [scheme]


async def test_the_environments_token_endpoint_is_elsewhere(
    running: Gateway, control: Upstream, upstream: Upstream
) -> None:
    """POST /oauth2/token goes to exactly that URL, headers and body as they came, without proof of anything of ours;
    the rest stays with control; taking it back brings control back."""
    async with Upstream().listening() as elsewhere:
        there = AuthorizationServer(token_endpoint=f"{elsewhere.url}/realms/a/token/?p=b2c")
        await apply(running, there)
        wire = await running.connect()
        fields = [b"Authorization: Basic eDp5", b"X-API-Key: none"]
        wire.send(request(b"POST /oauth2/token?ignored=1", *fields, host=b"any.test", body=b"grant_type=x"))
        passed = await elsewhere.accept()
        head = await passed.head()
        assert await passed.exactly(12) == b"grant_type=x"
        passed.send(b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\n{}")
        answer = await wire.answer()
        assert (answer.status, answer.value("cache-control"), answer.body) == (400, "no-store", b"{}")
        assert head.startswith(b"POST /realms/a/token/?p=b2c HTTP/1.1\r\n")
        assert fields_of(head, b"host") == [b"127.0.0.1:%d" % elsewhere.port]
        assert fields_of(head, b"authorization") == [b"Basic eDp5"]
        assert fields_of(head, b"x-forwarded-for") == [b"127.0.0.1"]
        assert fields_of(head, b"x-wardgate-hop") == []
        wire.send(request(b"POST /oauth2/token", b"Content-Length: 65537", host=b"any.test"))
        refused(await wire.answer(), 413, "invalid_request", "body_too_large")
        wire = await running.connect()
        wire.send(request(b"GET /oauth2/token"))
        answer = await wire.answer()
        assert (answer.status, answer.reason) == (404, "resource_not_found")
        await apply(running, AuthorizationServer())
        wire.send(request(b"POST /oauth2/token", body=b"a=b"))
        assert (await (await control.accept()).head()).startswith(b"POST /oauth2/token HTTP/1.1\r\n")


async def test_an_apis_token_endpoint_is_elsewhere(
    store: SqlStore, upstream: Upstream, control: Upstream
) -> None:
    """Below the API's base path, and at its own hosts; other hosts keep control's."""
    async with Upstream().listening() as elsewhere:
        issuers = (TrustedIssuer(issuer="https://id.test"),)
        oauth2 = OAuth2Settings(token_endpoint=f"{elsewhere.url}/token", issuers=issuers)
        api = orders(upstream.url, hosts=("api.test",), oauth2=oauth2)
        async with serving(store, api, control=Listener(port=control.port)) as gateway:
            for line in (b"POST /orders/v1/oauth2/token", b"POST /oauth2/token"):
                wire = await gateway.connect()
                wire.send(request(line, body=b"a=b"))
                passed = await elsewhere.accept()
                assert (await passed.head()).startswith(b"POST /token HTTP/1.1\r\n")
                passed.send(ANSWER, b"")
                assert (await wire.answer()).status == 200
                passed.close()
            wire = await gateway.connect()
            wire.send(request(b"POST /oauth2/token", host=b"other.test", body=b"a=b"))
            assert (await (await control.accept()).head()).startswith(b"POST /oauth2/token")
            wire = await gateway.connect()
            wire.send(request(b"POST /orders/v1/oauth2/token", host=b"other.test", body=b"a=b"))
            assert (await wire.answer()).status == 404


async def test_mounts_are_recorded_under_names_no_api_can_have(running: Gateway, control: Upstream) -> None:
    """Figures tell the gateway's own paths from APIs."""
    wire = await running.connect()
    wire.send(request(b"GET /oauth2/jwks"))
    passed = await control.accept()
    await passed.head()
    passed.send(ANSWER)
    await wire.answer()
    message = running.recorder.drain()
    assert message is not None
    assert [row["api"] for row in named(message["rows"])] == ["wardgate:oauth2/v1"]


async def apply(gateway: Gateway, server: AuthorizationServer) -> None:
    """Names the environment's authorization server; the worker follows the feed."""
    await apply_document(
        gateway.store, replace(document(()), authorization_server=server), ENVIRONMENT, "test", ""
    )
    gateway.worker.on_wake()
