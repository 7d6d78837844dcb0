"""Access tokens through a real worker: presented, believed, forwarded without, told of, and taken back in mid-stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.gateway.harness import Answer, Gateway, Upstream, ok, orders, serving
from tests.gateway.oauth_calls import api, bearer, fields, get
from tests.gateway.oauth_side import FOREIGN, ISSUER, Foreign, Holder, Server

from wardgate.control import applications
from wardgate.domain.trust import OAuth2Settings, TrustedIssuer
from wardgate.storage.database import SqlStore


@pytest.fixture
async def gateway(store: SqlStore, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A worker whose installation is known as :data:`ISSUER`."""
    async with serving(store, api(upstream.url), issuer=ISSUER) as made:
        yield made


@pytest.fixture
async def server(store: SqlStore, gateway: Gateway) -> Server:
    """The authorization server's side of that installation."""
    made = Server(store)
    await made.add_key()
    await made.add_client()
    gateway.worker.on_wake()
    return made


# -- what reaches the upstream


async def test_a_token_opens_and_stays_behind(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """The upstream hears who calls, by headers and by a signed assertion, and never sees the token."""
    token = server.mint(scope="read write", acr="urn:wardgate:acr:2", act={"sub": "agent"})
    answer, head = await get(
        gateway, upstream, "/token", bearer(token), b"DPoP: not.a.proof", b"X-Wardgate-Subject: me"
    )
    assert (answer.status, answer.body) == (200, b"fine")
    assert b"uthorization" not in head
    assert b"dpop" not in head.lower()
    assert token.split(".")[2].encode() not in head
    told = fields(head)
    assert told["x-wardgate-application"] == "mobile"
    assert (told["x-wardgate-client"], told["x-wardgate-subject"], told["x-wardgate-scopes"]) == (
        "c1",
        "u1",
        "read write",
    )
    keys = KeySet.import_key_set(await _jwks(gateway))
    claims = jwt.decode(told["x-wardgate-assertion"], keys).claims
    assert {
        name: claims[name]
        for name in ("sub_type", "subject", "client", "scopes", "acr", "actors", "token_issuer")
    } == {
        "sub_type": "user",
        "subject": "u1",
        "client": "c1",
        "scopes": ["read", "write"],
        "acr": "urn:wardgate:acr:2",
        "actors": ["agent"],
        "token_issuer": ISSUER,
    }
    assert claims["application"] == "mobile"


async def _jwks(gateway: Gateway) -> Any:
    wire = await gateway.connect()
    wire.send(b"GET /.well-known/wardgate/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await wire.answer()
    wire.close()
    return json.loads(answer.body)


async def test_one_assertion_for_all_tokens_of_a_caller(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """Another token of the same person, client and scopes costs no other signature; another person's does."""
    heads = [
        (await get(gateway, upstream, "/token", bearer(token)))[1]
        for token in (server.mint(), server.mint(), server.mint(sub="u2"), server.mint(scope="read more"))
    ]
    first, second, other, wider = (fields(head)["x-wardgate-assertion"] for head in heads)
    assert first == second
    assert len({first, other, wider}) == 3


@pytest.mark.parametrize("path", ["/open", "/either", "/key"])
async def test_a_token_never_passes_whatever_the_resource_asks_for(
    gateway: Gateway, upstream: Upstream, server: Server, path: str
) -> None:
    """On a resource that is open, or that takes keys, too."""
    token = server.mint()
    answer, head = await get(
        gateway, upstream, path, bearer(token), key=gateway.key if path == "/key" else ""
    )
    assert answer.status == 200
    assert token.encode() not in head
    assert b"uthorization" not in head


@pytest.mark.parametrize(
    "line",
    [
        b"authorization: bearer TOKEN",
        b"AUTHORIZATION: BEARER   TOKEN",
        b"Authorization: Bearer\tTOKEN",
        b"Authorization: bEaReR TOKEN ",
    ],
)
async def test_spellings_of_the_scheme(
    gateway: Gateway, upstream: Upstream, server: Server, line: bytes
) -> None:
    """The scheme is compared without case, and white space is no part of the token."""
    answer, head = await get(gateway, upstream, "/token", line.replace(b"TOKEN", server.mint().encode()))
    assert answer.status == 200
    assert b"uthorization" not in head


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Authorization: Bearer", "token_malformed"),
        (b"Authorization: Bearer ", "token_malformed"),
        (b"Authorization: DPoP", "token_malformed"),
        (b"Authorization: Bearer a b", "token_malformed"),
        (b"Authorization: Bearer a, Bearer b", "token_malformed"),
        (b'Authorization: Bearer "TOKEN"', "token_malformed"),
        (b"Authorization: Bearer " + b"a" * 16385, "token_malformed"),
        (b"Authorization: Basic dXNlcjpwYXNz", "credential_missing"),
        (b"Authorization: TOKEN", "credential_missing"),
        (b"X-Access-Token: TOKEN", "credential_missing"),
        (b"Cookie: access_token=TOKEN", "credential_missing"),
    ],
)
async def test_what_is_no_presented_token(
    gateway: Gateway, upstream: Upstream, server: Server, line: bytes, reason: str
) -> None:
    """Only ``Authorization: Bearer`` or ``DPoP`` with a token presents one."""
    answer, head = await get(gateway, upstream, "/token", line.replace(b"TOKEN", server.mint().encode()))
    assert (answer.status, head) == (401, b"")
    assert answer.reason == ("credential_missing" if reason == "credential_missing" else "credential_invalid")
    await gateway.until(lambda: gateway.reasons == [reason])


async def test_a_token_in_the_query_is_none(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """RFC 6750 section 5.3: it would stand in logs; it is not looked at."""
    answer, _ = await get(gateway, upstream, f"/token?access_token={server.mint()}")
    assert (answer.status, answer.reason) == (401, "credential_missing")


async def test_another_scheme_is_the_upstreams(gateway: Gateway, upstream: Upstream) -> None:
    """Basic credentials on an open resource pass; they are none of the gateway's."""
    _, head = await get(gateway, upstream, "/open", b"Authorization: Basic dXNlcjpwYXNz")
    assert b"Authorization: Basic dXNlcjpwYXNz\r\n" in head


async def test_two_tokens_are_ambiguous(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """Two Authorization fields are refused with the connection, before anybody chooses between them."""
    answer, head = await get(gateway, upstream, "/token", bearer(server.mint()), bearer(server.mint()))
    assert (answer.status, head) == (400, b"")


async def test_an_api_without_oauth2_keeps_its_authorization(gateway: Gateway, upstream: Upstream) -> None:
    """Where no resource takes tokens, ``Authorization`` is the upstream's own."""
    await gateway.apply(orders(upstream.url))
    _, head = await get(
        gateway, upstream, "/items", b"Authorization: Bearer theirs", b"DPoP: x", key=gateway.key
    )
    assert b"Authorization: Bearer theirs\r\n" in head
    assert b"DPoP: x\r\n" in head


# -- refusals


async def test_refusals_on_the_wire(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """A key on a scoped resource hears of Bearer and the scope; a token without it gets 403 with what is missing."""
    answer, _ = await get(gateway, upstream, "/read", key=gateway.key)
    metadata = f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/orders/v1"'
    assert (answer.status, answer.reason) == (401, "credential_missing")
    assert answer.value("www-authenticate") == f'Bearer realm="wardgate", scope="read", {metadata}'
    answer, _ = await get(gateway, upstream, "/admin", bearer(server.mint()))
    assert (answer.status, answer.reason) == (403, "scope_missing")
    assert answer.value("www-authenticate") == (
        f'Bearer realm="wardgate", error="insufficient_scope", scope="admin", {metadata}'
    )


async def test_every_wrong_token_gets_the_same_answer(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """Expired, forged, foreign, for another audience, of nobody: not one byte differs but the request id."""
    now = int(time.time())
    wrong = [
        server.mint(exp=now - 60),
        server.mint() + "A",
        server.mint(iss="https://else.example"),
        server.mint(aud="https://else.example"),
        server.mint(client_id="nobody"),
        server.mint(typ="JWT"),
        "wgat_" + "A" * 43,
        "garbage",
    ]
    answers = set()
    for token in wrong:
        answer, head = await get(gateway, upstream, "/token", bearer(token))
        assert head == b""
        lines = [line for line in answer.head.split(b"\r\n") if b"Request-Id" not in line]
        answers.add((*lines, answer.body))
    assert len(answers) == 1
    assert len(set(gateway.reasons)) >= 6


async def test_a_key_and_a_token(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """Both where both are asked for; of one application only."""
    answer, head = await get(gateway, upstream, "/both", bearer(server.mint()), key=gateway.key)
    assert answer.status == 200
    assert fields(head)["x-wardgate-subject"] == "u1"
    assert gateway.key.encode() not in head
    await applications.add(gateway.store, name="other")
    await server.add_client("c2", "other")
    gateway.worker.on_wake()
    answer, _ = await get(gateway, upstream, "/both", bearer(server.mint(client_id="c2")), key=gateway.key)
    assert (answer.status, answer.reason) == (401, "credential_invalid")
    assert "credentials_mismatch" in gateway.reasons


async def test_an_application_without_a_subscription(
    gateway: Gateway, upstream: Upstream, server: Server
) -> None:
    """A token opens only what its application is subscribed to."""
    await applications.add(gateway.store, name="other")
    await server.add_client("c2", "other")
    gateway.worker.on_wake()
    answer, _ = await get(gateway, upstream, "/token", bearer(server.mint(client_id="c2")))
    assert (answer.status, answer.reason) == (403, "subscription_missing")


# -- proof of possession


async def test_dpop(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """A proof for this URL, method and token opens once; the host must be ours."""
    holder = Holder()
    token = server.mint(cnf={"jkt": holder.jkt})
    url = f"http://127.0.0.1:{gateway.port}/orders/v1/token"
    host = f"Host: 127.0.0.1:{gateway.port}".encode()

    async def call(
        proof: bytes | None, scheme: bytes = b"DPoP ", shown_host: bytes = host
    ) -> tuple[int, str]:
        wire = await gateway.connect()
        lines = [b"GET /orders/v1/token HTTP/1.1", shown_host, b"Authorization: " + scheme + token.encode()]
        lines += [b"DPoP: " + proof] if proof is not None else []
        wire.send(b"\r\n".join([*lines, b"", b""]))
        answering = asyncio.ensure_future(wire.answer())
        accepting = asyncio.ensure_future(upstream.accept())
        done, _ = await asyncio.wait({answering, accepting}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        if accepting in done:
            peer = await accepting
            head = await peer.head()
            assert b"dpop" not in head.lower()
            peer.send(ok(b""))
            await answering
            peer.close()
        else:
            accepting.cancel()
        wire.close()
        status = (await answering).status
        reason = gateway.reasons
        found = [each for each in reason if reason.count(each) > seen.count(each)]
        seen[:] = reason
        return status, found[0]

    seen: list[str] = []
    good = holder.proof("GET", url, token)
    assert await call(good) == (200, "ok")
    assert await call(good) == (401, "dpop_replayed")
    assert await call(holder.proof("GET", url + "?a=b", token)) == (200, "ok")
    assert await call(None) == (401, "dpop_missing")
    assert await call(holder.proof("GET", url, token), b"Bearer ") == (401, "dpop_missing")
    assert await call(holder.proof("POST", url, token)) == (401, "dpop_mismatch")
    assert await call(holder.proof("GET", url + "/x", token)) == (401, "dpop_mismatch")
    assert await call(holder.proof("GET", url, "another")) == (401, "dpop_mismatch")
    assert await call(holder.proof("GET", url, token, iat=int(time.time()) - 61)) == (401, "dpop_expired")
    assert await call(Holder().proof("GET", url, token)) == (401, "dpop_mismatch")
    assert await call(b"not.a.proof") == (401, "dpop_invalid")
    two = holder.proof("GET", url, token) + b"\r\nDPoP: " + holder.proof("GET", url, token)
    assert await call(two) == (401, "dpop_invalid")
    elsewhere = holder.proof("GET", "http://evil.example/orders/v1/token", token)
    assert await call(elsewhere, shown_host=b"Host: evil.example") == (401, "dpop_mismatch")


async def test_a_nonce_may_be_asked_for(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """The first proof learns the nonce, the next one has it; a later nonce is handed out with the answer."""
    await gateway.apply(api(upstream.url, oauth2=OAuth2Settings(proof_nonce=True)))
    holder = Holder()
    token = server.mint(cnf={"jkt": holder.jkt})
    host = f"127.0.0.1:{gateway.port}"
    url = f"http://{host}/orders/v1/token"

    def lines(proof: bytes) -> list[bytes]:
        return [b"Authorization: DPoP " + token.encode(), b"DPoP: " + proof]

    wire = await gateway.connect()
    start = [b"GET /orders/v1/token HTTP/1.1", b"Host: " + host.encode()]
    wire.send(b"\r\n".join([*start, *lines(holder.proof("GET", url, token)), b"", b""]))
    refused = await wire.answer()
    assert (refused.status, refused.reason) == (401, "dpop_nonce_required")
    nonce = refused.value("dpop-nonce")
    assert nonce
    wire.send(b"\r\n".join([*start, *lines(holder.proof("GET", url, token, nonce=nonce)), b"", b""]))
    peer = await upstream.accept()
    await peer.head()
    peer.send(ok(b""))
    answer = await wire.answer()
    assert answer.status == 200
    assert answer.value("dpop-nonce") in (None, gateway.worker.proof_nonce())


# -- other issuers


async def test_a_foreign_issuer(store: SqlStore, upstream: Upstream) -> None:
    """Keys come on the first request, off the path; while the issuer is down an unknown token answers 503."""
    foreign = Foreign(store)
    foreign.add_key("f1")
    settings = OAuth2Settings(
        audiences=("api://orders",),
        issuers=(TrustedIssuer(issuer=FOREIGN, applications={"entra-app": "mobile"}),),
    )
    async with serving(store, api(upstream.url, oauth2=settings), issuer=ISSUER, issuers=foreign) as gateway:
        foreign.down = True
        answer, _ = await get(gateway, upstream, "/token", bearer(foreign.mint()))
        assert (answer.status, answer.reason, answer.value("retry-after")) == (503, "issuer_unavailable", "5")
        foreign.down = False
        gateway.worker._tokens._asked.clear()
        answer, head = await get(gateway, upstream, "/token", bearer(foreign.mint()))
        assert answer.status == 200
        assert (fields(head)["x-wardgate-client"], fields(head)["x-wardgate-subject"]) == (
            "entra-app",
            "pairwise",
        )
        answer, _ = await get(gateway, upstream, "/token", bearer(foreign.mint(aud="api://else")))
        assert answer.status == 401


# -- the log


async def test_what_the_log_says_of_tokens(gateway: Gateway, upstream: Upstream, server: Server) -> None:
    """Client and subject by themselves, no token anywhere."""
    token = server.mint()
    await get(gateway, upstream, "/token", bearer(token))
    log = gateway.worker.access_log
    assert log is not None
    log.flush()
    path = gateway.data_dir / "access.log"
    await gateway.until(lambda: path.exists() and path.read_text())
    line = json.loads(path.read_text().splitlines()[-1])
    assert (line["oauth_client"], line["subject"], line["credential"], line["reason"]) == (
        "c1",
        "u1",
        "",
        "ok",
    )
    assert token.split(".")[2] not in path.read_text()


# -- protected-resource metadata


async def test_metadata(gateway: Gateway, upstream: Upstream) -> None:
    """RFC 9728: one document for each API that takes tokens, one for the gateway, and for nothing else."""

    async def document(path: str, host: bytes = b"any.example") -> tuple[int, Any, Answer]:
        wire = await gateway.connect()
        wire.send(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        answer = await wire.answer()
        wire.close()
        return answer.status, json.loads(answer.body), answer

    status, body, answer = await document("/.well-known/oauth-protected-resource/orders/v1")
    assert status == 200
    assert answer.value("content-type") == "application/json"
    assert answer.value("access-control-allow-origin") == "*"
    assert body == {
        "resource": f"{ISSUER}/orders/v1",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["admin", "read"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"],
        "dpop_bound_access_tokens_required": False,
        "tls_client_certificate_bound_access_tokens": False,
        "resource_name": "orders v1",
    }
    status, whole, _ = await document("/.well-known/oauth-protected-resource")
    assert (status, whole["resource"], whole["scopes_supported"]) == (200, ISSUER, ["admin", "read"])
    status, _, _ = await document("/.well-known/oauth-protected-resource/nothing")
    assert status == 404
    settings = OAuth2Settings(issuers=(TrustedIssuer(issuer=FOREIGN),), bound="dpop")
    await gateway.apply(api(upstream.url, oauth2=settings, hosts=("api.test",), scopes={"more": "More"}))
    _, body, _ = await document("/.well-known/oauth-protected-resource/orders/v1", b"api.test")
    assert (body["authorization_servers"], body["dpop_bound_access_tokens_required"]) == ([FOREIGN], True)
    assert body["scopes_supported"] == ["admin", "more", "read"]
    await gateway.apply(orders(upstream.url))
    assert (await document("/.well-known/oauth-protected-resource/orders/v1"))[0] == 404
