"""The authorization server's endpoints as the control process serves them, whatever the endpoints are."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import httpx2
import pytest

from wardgate.domain.settings import ServerSettings
from wardgate.identity.errors import OAuthError, PageError
from wardgate.identity.http import Call, Reply, json_reply, page, redirect
from wardgate.identity.routes import Route
from wardgate.identity.server import IdentitySettings, Server
from wardgate.storage.database import SqlStore
from wardgate.storage.errors import StoreError
from wardgate.storage.vault import Vault
from wardgate.web.app import create_app
from wardgate.web.calls import MAX_BODY, hop_secret
from wardgate.web.identity import IdentityApp

ISSUER = "https://id.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def echo(server: Server, call: Call) -> Reply:
    """Answers what it was called with."""
    return json_reply(
        {
            "method": call.method,
            "url": call.url,
            "query": call.query.pairs,
            "form": call.form.pairs,
            "body": call.body.decode("latin-1"),
            "cookies": dict(call.cookies),
            "address": call.address,
            "certificate": None if call.certificate is None else call.certificate.hex(),
            "headers": call.headers,
        }
    )


async def show(server: Server, call: Call) -> Reply:
    """The error page with what the query says, as any page would show it; or a redirect."""
    if call.query.get("away") is not None:
        return redirect("/x")
    context: dict[str, Any] = {"title": "Hello", "detail": call.query.get("say") or "", "remedy": ""}
    targets = call.query.all("target")
    return page("error.html", {**context, "form_action": targets} if targets else context)


async def fail(server: Server, call: Call) -> Reply:
    """Fails in the way the query names."""
    how = call.query.get("how")
    if how == "oauth":
        raise OAuthError("invalid_grant", "No", headers=(("dpop-nonce", "n1"),), note="the code was used")
    if how == "page":
        raise PageError("Not this", "<b>bad</b>", "Go back", status=403)
    if how == "store":
        raise StoreError("store_unavailable", "The database /data/x is gone", "Put it back")
    if how == "split":
        return redirect("/x\r\nSet-Cookie: a=b")
    raise RuntimeError("wgat_hunter2")


ROUTES = (
    Route(("GET", "POST"), "/oauth2/echo", echo),
    Route(("GET", "PUT"), "/oauth2/register/{client_id}", echo),
    Route(("DELETE",), "/oauth2/register/{client_id}", echo),
    Route(("GET", "POST"), "/oauth2/show", show, "page"),
    Route(("GET", "POST"), "/oauth2/entry", show, "entry"),
    Route(("GET", "POST"), "/oauth2/fail", fail),
    Route(("GET", "POST"), "/oauth2/fail-page", fail, "page"),
    Route(("GET",), "/.well-known/openid-configuration", echo, "document"),
)


def app_of(store: SqlStore, routes: Sequence[Route] = ROUTES, issuer: str = ISSUER) -> IdentityApp:
    """The mount alone: its endpoints ask neither clients nor keys."""
    server = Server(
        settings=IdentitySettings(issuer=issuer, environment="development"),
        store=cast(Any, store),
        clients=cast(Any, None),
        keys=cast(Any, None),
        vault=Vault(store.master_key()),
        fetch=cast(Any, None),
    )
    return IdentityApp(server, routes)


def client_of(app: Any) -> httpx2.AsyncClient:
    """Speaks to ``app`` from 192.0.2.9."""
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.9", 4711))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081")


@pytest.fixture
async def client(store: SqlStore) -> AsyncIterator[httpx2.AsyncClient]:
    """Speaks to the whole application of control, as without a gateway."""
    app = create_app(ServerSettings(), cast(Any, None), lambda: None, app_of(store))
    async with client_of(app) as speaking:
        yield speaking


async def test_a_call_is_what_was_sent(client: httpx2.AsyncClient) -> None:
    """Query and form keep order and repetition; URLs come from the issuer, not from the Host header."""
    answer = await client.post(
        "/oauth2/echo?a=1&b=&a=2", content="x=%C3%A9+1&resource=r1&resource=r2", headers=FORM
    )
    said = answer.json()
    assert said["url"] == "https://id.example/oauth2/echo"
    assert said["query"] == [["a", "1"], ["b", ""], ["a", "2"]]
    assert said["form"] == [["x", "é 1"], ["resource", "r1"], ["resource", "r2"]]


async def test_only_a_form_is_read_as_one(client: httpx2.AsyncClient) -> None:
    """Another media type leaves the body to the endpoint, whatever it looks like."""
    answer = await client.post("/oauth2/echo", content="a=1", headers={"Content-Type": "text/plain"})
    assert (answer.json()["form"], answer.json()["body"]) == ([], "a=1")


@pytest.mark.parametrize("body", ["a=%zz", "a=%ff", "a=%00", "a=\x80", "&".join(["a=1"] * 300)])
async def test_malformed_forms_are_refused(client: httpx2.AsyncClient, body: str) -> None:
    """Bad escapes, bad UTF-8, NUL, raw bytes and floods of parameters are 400 before an endpoint sees them."""
    answer = await client.post("/oauth2/echo", content=body.encode("latin-1"), headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["error_description"] == "The form is not well-formed"


async def test_a_malformed_query_is_refused(client: httpx2.AsyncClient) -> None:
    """A query is held to the same rules."""
    answer = await client.get("/oauth2/echo?a=%f")
    assert answer.json()["error_description"] == "The query is not well-formed"


@pytest.mark.parametrize("chunked", [True, False])
async def test_bodies_are_bounded(client: httpx2.AsyncClient, chunked: bool) -> None:
    """One byte over the bound is 413, whether its length was told or not; the bound itself is taken."""

    async def parts(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 8192):
            yield b"a" * min(8192, size - start)

    def content(size: int) -> Any:
        return parts(size) if chunked else b"a" * size

    refused = await client.post("/oauth2/echo", content=content(MAX_BODY + 1))
    assert (refused.status_code, refused.json()["error_description"]) == (
        413,
        "The body is over 65536 bytes",
    )
    assert len((await client.post("/oauth2/echo", content=content(MAX_BODY))).json()["body"]) == MAX_BODY


async def test_address_and_certificate_need_the_gateways_proof(
    client: httpx2.AsyncClient, store: SqlStore
) -> None:
    """Without the right hop header the peer is the client and there is no certificate; no endpoint sees the header."""
    claims = {
        "X-Forwarded-For": "203.0.113.5, 10.0.0.1",
        "X-Wardgate-Client-Certificate": base64.b64encode(b"der").decode(),
    }
    forged = (await client.get("/oauth2/echo", headers={**claims, "X-Wardgate-Hop": "00" * 32})).json()
    assert (forged["address"], forged["certificate"]) == ("192.0.2.9", None)
    hop = {"X-Wardgate-Hop": hop_secret(store.master_key())}
    told = (await client.get("/oauth2/echo", headers={**claims, **hop})).json()
    assert (told["address"], told["certificate"]) == ("203.0.113.5", b"der".hex())
    assert not any(name.startswith(("x-wardgate", "x-forwarded")) for name, _ in told["headers"])


async def test_a_doubled_hop_header_is_refused(client: httpx2.AsyncClient, store: SqlStore) -> None:
    """What proves the gateway may stand once only: a second one came past it."""
    hop = hop_secret(store.master_key())
    answer = await client.get("/oauth2/echo", headers=[("X-Wardgate-Hop", hop), ("X-Wardgate-Hop", hop)])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_cookie_said_twice_is_not_believed(client: httpx2.AsyncClient) -> None:
    """Of two different values under one name neither counts; the others do."""
    answer = await client.get("/oauth2/echo", headers={"Cookie": "a=1; b=2; a=3"})
    assert answer.json()["cookies"] == {"b": "2"}


async def test_a_variable_segment_comes_before_the_query(client: httpx2.AsyncClient) -> None:
    """A query parameter of the same name cannot stand in for the segment; methods of one path share it."""
    answer = await client.get("/oauth2/register/c1?client_id=c2")
    assert answer.json()["query"] == [["client_id", "c1"], ["client_id", "c2"]]
    assert (await client.delete("/oauth2/register/c1")).json()["method"] == "DELETE"
    assert (await client.get("/oauth2/register/c1/more")).status_code == 404


async def test_other_methods_are_told_what_there_is(client: httpx2.AsyncClient) -> None:
    """405 names the methods; HEAD is GET without a body."""
    answer = await client.put("/oauth2/echo")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")
    head = await client.head("/oauth2/echo")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0


async def test_scripts_of_any_origin_may_call_programs_endpoints(client: httpx2.AsyncClient) -> None:
    """Endpoints for programs and documents allow every origin, never credentials, and show what clients need."""
    for path in ("/oauth2/echo", "/.well-known/openid-configuration"):
        answer = await client.get(path, headers={"Origin": "https://spa.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate, DPoP-Nonce, Retry-After"
    asked = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}
    allowed = await client.options("/oauth2/echo", headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-methods"]) == (204, "GET, POST, HEAD")
    assert allowed.headers["access-control-allow-headers"] == "Authorization, Content-Type, DPoP"


async def test_scripts_may_not_read_pages(client: httpx2.AsyncClient) -> None:
    """A page has no CORS header and no pre-flight."""
    answer = await client.get("/oauth2/show", headers={"Origin": "https://spa.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert (await client.options("/oauth2/show")).status_code == 405


async def test_errors_for_programs_are_oauth_errors(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An OAuth error is JSON with its headers, never stored; its note is in the log and not in the answer."""
    caplog.set_level(logging.INFO, "wardgate.identity")
    answer = await client.get("/oauth2/fail?how=oauth")
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "No"},
    )
    assert (answer.headers["dpop-nonce"], answer.headers["cache-control"]) == ("n1", "no-store")
    assert "the code was used" in caplog.text


async def test_an_unexpected_error_says_nothing(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither answer nor log quotes the error's message; the log says where it was."""
    for path, kind in (("/oauth2/fail", "application/json"), ("/oauth2/fail-page", "text/html")):
        answer = await client.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"].startswith(kind)
        assert "hunter2" not in answer.text + caplog.text
    assert "RuntimeError in fail (test_identity_mount.py:" in caplog.text


async def test_a_store_that_is_away_is_said(client: httpx2.AsyncClient) -> None:
    """503 with a time to come back, without the store's details."""
    answer = await client.get("/oauth2/fail?how=store")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "/data/x" not in answer.text
    assert (await client.get("/oauth2/fail-page?how=store")).status_code == 503


async def test_a_line_break_in_a_header_withholds_the_answer(client: httpx2.AsyncClient) -> None:
    """A reply that would split the response is not sent."""
    answer = await client.get("/oauth2/fail?how=split")
    assert (answer.status_code, answer.content) == (500, b"")
    assert "set-cookie" not in answer.headers


async def test_pages_escape_and_cannot_be_framed(client: httpx2.AsyncClient) -> None:
    """What a page shows is escaped, and its headers shut out frames, scripts, sniffing and other sites."""
    answer = await client.get("/oauth2/show", params={"say": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("issuer", "kept"),
    [
        (ISSUER, True),
        ("https://id.example:8443/base", True),
        ("http://id.example", False),
        ("https://localhost:8443", False),
        ("https://id.localhost", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
    ],
)
async def test_browsers_keep_to_tls_where_the_issuer_has_it(store: SqlStore, issuer: str, kept: bool) -> None:
    """A year, for this host alone, on every kind of answer that a browser shows or follows (RFC 6797 section 6.1); for no
    name of the person's own machine."""
    async with client_of(app_of(store, issuer=issuer)) as client:
        answers = [
            await client.get("/oauth2/show", params={"say": "x"}),
            await client.get("/oauth2/fail-page?how=page"),
            await client.get("/oauth2/fail-page?how=store"),
            await client.get("/oauth2/entry", params={"away": "/x"}),
            await client.get("/oauth2/static/style.css"),
            await client.get("/oauth2/static/none.css"),
        ]
    for answer in answers:
        expected = "max-age=31536000" if kept else None
        assert answer.headers.get("strict-transport-security") == expected, answer.request.url


async def test_only_origins_enter_the_policy(client: httpx2.AsyncClient) -> None:
    """The origins a form may lead to are listed; anything else cannot end the directive and is left out."""
    targets = ["https://app.example:8443", "com.example.app:", "https://x; script-src *", "'unsafe-inline'"]
    answer = await client.get("/oauth2/show", params={"say": "x", "target": targets})
    assert (
        "form-action 'self' https://app.example:8443 com.example.app:; frame"
        in (answer.headers["content-security-policy"])
    )


async def test_a_page_error_is_shown_to_the_person(client: httpx2.AsyncClient) -> None:
    """Title, detail and remedy are on a page of their own, escaped and announced."""
    answer = await client.get("/oauth2/fail-page?how=page")
    assert answer.status_code == 403
    assert '<p role="alert">&lt;b&gt;bad&lt;/b&gt;</p>' in answer.text
    assert "<h1>Not this</h1>" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ISSUER}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_forms_come_from_our_own_pages(
    client: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    """A page's form is taken with our origin, or without one when the browser vouches for it; else 403 and nothing done."""
    answer = await client.post("/oauth2/show?say=x", content="a=1", headers={**FORM, **headers})
    assert answer.status_code == status
    assert ("This form came from elsewhere" in answer.text) is (status == 403)


async def test_an_entry_takes_forms_from_anywhere(client: httpx2.AsyncClient) -> None:
    """What other sites must be able to post to says so in its route."""
    answer = await client.post(
        "/oauth2/entry?say=x", content="a=1", headers={**FORM, "Origin": "https://rp.example"}
    )
    assert answer.status_code == 200


async def test_static_files_are_kept_by_version(client: httpx2.AsyncClient) -> None:
    """A page names files with their version: kept for ever under it, asked after without it, 304 when unchanged."""
    shown = (await client.get("/oauth2/show?say=x")).text
    address = shown.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    kept = await client.get(address)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"] == "text/css; charset=utf-8"
    asked = await client.get(address.partition("?")[0])
    assert asked.headers["cache-control"] == "no-cache"
    same = await client.get(address.partition("?")[0], headers={"If-None-Match": asked.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    for missing in ("/oauth2/static/nothing.css", "/oauth2/static/../templates/base.html"):
        assert (await client.get(missing)).status_code == 404


async def test_other_paths_are_left_to_others(client: httpx2.AsyncClient) -> None:
    """Control's own pages stay where they were."""
    assert (await client.get("/livez")).json() == {"status": "ok"}
    assert (await client.get("/oauth2/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("issuer", "origin"),
    [
        ("https://id.example", "https://id.example"),
        ("https://ID.example:443/auth", "https://id.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_origins_are_written_as_browsers_do(issuer: str, origin: str) -> None:
    """Lower case, without the usual port and path, with brackets around IPv6."""
    assert IdentitySettings(issuer=issuer, environment="development").origin == origin


async def test_an_issuer_may_have_a_path(store: SqlStore) -> None:
    """URLs and links then begin with it."""
    async with client_of(app_of(store, issuer="https://id.example/auth")) as client:
        assert (await client.get("/oauth2/echo")).json()["url"] == "https://id.example/auth/oauth2/echo"
        assert 'href="/auth/oauth2/static/style.css?v=' in (await client.get("/oauth2/show")).text
