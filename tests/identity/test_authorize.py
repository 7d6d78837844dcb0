"""The authorization endpoint: what is answered where, and that nothing leaks on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.identity.front import (
    ACR_TWO,
    CALLBACK,
    ISSUER,
    ROUTES,
    VERIFIER,
    Answer,
    Browser,
    Clock,
    add_client,
    add_user,
    count,
    make_server,
    request,
)

from wardgate.domain.people import Role
from wardgate.identity.grants.code_document import CodeDocument
from wardgate.identity.pkce import proves
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore


async def start(browser: Browser, **changes: Any) -> Answer:
    """A request of a fresh client with ``settings``, opened in the browser."""
    settings = changes.pop("settings", {})
    client = await add_client(browser.server, **settings)
    return await browser.get("/oauth2/authorize", request(client, **changes))


async def nothing_issued(server: Server) -> None:
    """No code, token or grant exists."""
    assert [await count(server, table) for table in ("grants", "access_tokens", "refresh_tokens")] == [
        0,
        0,
        0,
    ]
    async with server.store.reading() as tx:
        assert await tx.grants.find() == []


async def test_a_trusted_client_of_a_signed_in_person_gets_a_code_at_once(
    server: Server, browser: Browser, clock: Clock
) -> None:
    """The code says which request it was for; state and issuer come back with it."""
    user = await add_user(server)
    session = await browser.sign_in(user, acr=ACR_TWO)
    client = await add_client(server, trusted=True)
    answer = await browser.get("/oauth2/authorize", request(client, nonce="n-1"))
    assert answer.status == 303
    assert answer.location.startswith(f"{CALLBACK}?code=wgac_")
    assert answer.fields.keys() == {"code", "state", "iss"}
    assert (answer.fields["state"], answer.fields["iss"]) == ("st-1", ISSUER)
    assert answer.headers["cache-control"] == "no-store"
    async with server.store.writing() as tx:
        taken = await tx.once.take("code", server.digest(answer.fields["code"]), clock.now)
        assert taken is not None
        code = CodeDocument.from_document(taken)
        grant = await tx.grants.get(code.grant)
    assert (code.client, code.redirect_uri, code.nonce) == (client.id, CALLBACK, "n-1")
    assert proves(VERIFIER, code.code_challenge)
    assert grant is not None
    assert (grant.subject, grant.session, grant.acr) == (user.id, session.id, ACR_TWO)
    assert (grant.scopes, grant.kind) == (("openid", "orders.read"), "authorization_code")


async def test_the_whole_way_with_sign_in_and_consent(server: Server, browser: Browser, clock: Clock) -> None:
    """authorize, login, continue, consent, code: each step leads to the next."""
    client = await add_client(server)
    first = await browser.get("/oauth2/authorize", request(client))
    assert first.location.startswith(f"{ISSUER}/oauth2/login?request=wgot_")
    handle = first.location.partition("=")[2]
    clock.now += 10
    await browser.sign_in(await add_user(server))
    shown = await browser.get("/oauth2/authorize", {"continue": handle})
    assert (shown.status, shown.reply.page) == (200, "consent.html")
    done = await browser.post("/oauth2/consent", {"request": handle, "decision": "allow"})
    assert done.to_client
    assert done.fields["code"].startswith("wgac_")
    again = await browser.get("/oauth2/authorize", request(client))
    assert "code" in again.fields, "what was agreed to is remembered"


NOT_REDIRECTED: list[tuple[dict[str, Any], str]] = [
    ({"client_id": None}, "invalid_client"),
    ({"client_id": "cl_unknown"}, "invalid_client"),
    ({"client_id": ["a", "b"]}, "invalid_client"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
    ({"redirect_uri": CALLBACK + "/"}, "invalid_request"),
    ({"redirect_uri": CALLBACK + "?x=1"}, "invalid_request"),
    ({"redirect_uri": CALLBACK + "#"}, "invalid_request"),
    ({"redirect_uri": CALLBACK.upper()}, "invalid_request"),
    ({"redirect_uri": "https://shop.example@evil.example/cb"}, "invalid_request"),
    ({"redirect_uri": "https://shop.example%2fcb"}, "invalid_request"),
    ({"redirect_uri": "https://sh\u043ep.example/cb"}, "invalid_request"),
    ({"redirect_uri": [CALLBACK, "https://evil.example/cb"]}, "invalid_request"),
    ({"redirect_uri": [CALLBACK, CALLBACK]}, "invalid_request"),
    ({"state": ["a", "b"]}, "invalid_request"),
    ({"response_type": ["code", "token"]}, "invalid_request"),
    ({"response_mode": ["query", "fragment"]}, "invalid_request"),
    ({"request": ["e30.e30.", "e30.e30."]}, "invalid_request"),
    ({"request": "e30.e30.", "redirect_uri": None}, "invalid_request_object"),
    ({"request": "e30.e30.", "redirect_uri": "https://evil.example/cb"}, "invalid_request_object"),
]


@pytest.mark.parametrize(("changes", "error"), NOT_REDIRECTED)
async def test_while_the_place_is_not_sure_nothing_is_redirected(
    server: Server, browser: Browser, changes: dict[str, Any], error: str
) -> None:
    """The person sees a page with the code of the error; the browser is sent nowhere (RFC 6749 section 4.1.2.1)."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True}, **changes)
    assert (answer.status, answer.reply.page, answer.location) == (400, "", "")
    assert f"({error})" in answer.text
    assert "evil.example" not in answer.text
    await nothing_issued(server)


REDIRECTED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # OIDC core section 3.1.2.6, RFC 9101 section 6
    ({}, {"request_uri": "https://shop.example/request.jwt"}, "request_uri_not_supported"),
    ({}, {"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request_uri"),
    ({}, {"request": "x", "request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ({}, {"request": "e30.e30."}, "invalid_request_object"),
    ({}, {"request": "a.b.c.d.e"}, "invalid_request_object"),
    ({}, {"response_type": None}, "invalid_request"),
    ({}, {"response_type": "magic"}, "unsupported_response_type"),
    ({}, {"response_type": "none"}, "unsupported_response_type"),
    ({}, {"response_type": "code id_token"}, "unsupported_response_type"),
    ({}, {"response_type": "code token"}, "unsupported_response_type"),
    ({}, {"response_type": "token"}, "unauthorized_client"),
    ({}, {"response_type": "id_token", "nonce": "n"}, "unauthorized_client"),
    ({}, {"response_type": "token id_token", "nonce": "n"}, "unauthorized_client"),
    ({}, {"response_mode": "web_message"}, "invalid_request"),
    ({}, {"response_mode": "jwt"}, "invalid_request"),
    ({}, {"code_challenge": None}, "invalid_request"),
    ({}, {"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({}, {"code_challenge_method": None}, "invalid_request"),
    ({}, {"code_challenge_method": "plain"}, "invalid_request"),
    ({}, {"code_challenge_method": "s256"}, "invalid_request"),
    ({}, {"code_challenge": "short"}, "invalid_request"),
    ({}, {"code_challenge": "=" * 43}, "invalid_request"),
    ({}, {"code_challenge": ["a" * 43, "b" * 43]}, "invalid_request"),
    ({}, {"scope": "openid admin"}, "invalid_scope"),
    ({}, {"scope": "openid  orders.read"}, "invalid_scope"),
    ({}, {"scope": 'openid "x"'}, "invalid_scope"),
    ({}, {"scope": ["openid", "openid"]}, "invalid_request"),
    ({}, {"nonce": "a\nb"}, "invalid_request"),
    ({}, {"nonce": "n" * 513}, "invalid_request"),
    ({}, {"nonce": ["a", "b"]}, "invalid_request"),
    ({}, {"dpop_jkt": "x"}, "invalid_request"),
    ({}, {"resource": "https://elsewhere.example"}, "invalid_target"),
    ({}, {"resource": "orders"}, "invalid_target"),
    ({}, {"resource": f"{ISSUER}/orders/v1"}, "invalid_target"),
    ({}, {"authorization_details": "[]"}, "invalid_authorization_details"),
    ({}, {"authorization_details": '[{"type":"pay"}]'}, "invalid_authorization_details"),
    ({}, {"authorization_details": "{"}, "invalid_authorization_details"),
    ({}, {"prompt": "none login"}, "invalid_request"),
    ({}, {"prompt": "create"}, "invalid_request"),
    ({}, {"max_age": "-1"}, "invalid_request"),
    ({}, {"max_age": "1h"}, "invalid_request"),
    ({}, {"max_age": "\u0661"}, "invalid_request"),
    ({}, {"claims": "x"}, "invalid_request"),
    ({}, {"claims": "[]"}, "invalid_request"),
    ({}, {"claims": '{"userinfo":{"email":true}}'}, "invalid_request"),
    ({}, {"claims": '{"userinfo":[]}'}, "invalid_request"),
    ({}, {"claims": '{"id_token":false}'}, "invalid_request"),
    ({}, {"claims": '{"userinfo":{},"userinfo":{}}'}, "invalid_request"),
    ({}, {"claims": '{"id_token":{"acr":{"values":"x"}}}'}, "invalid_request"),
    ({}, {"claims": '{"userinfo":{"x":"' + "y" * 9000 + '"}}'}, "invalid_request"),
    ({}, {"claims": "[" * 5000}, "invalid_request"),
    ({}, {"id_token_hint": "x"}, "invalid_request"),
    ({}, {"registration": "{}"}, "registration_not_supported"),
    ({}, {"acr_values": "urn:mace:gold"}, "unmet_authentication_requirements"),
    ({"require_par": True}, {}, "invalid_request"),
    (
        {"require_signed_request": True, "jwks_uri": "https://shop.example/jwks"},
        {},
        "invalid_request",
    ),
    (
        {
            "grant_types": ("implicit",),
            "response_types": ("id_token",),
        },
        {"response_type": "code"},
        "unauthorized_client",
    ),
]


@pytest.mark.parametrize(("settings", "changes", "error"), REDIRECTED)
async def test_every_other_mistake_goes_to_the_client(
    server: Server,
    browser: Browser,
    settings: dict[str, Any],
    changes: dict[str, Any],
    error: str,
) -> None:
    """With the code of the error, ``state`` and ``iss``, and without a page, a code or a token."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True, **settings}, **changes)
    assert answer.to_client
    assert answer.fields["error"] == error
    assert answer.fields.keys() == {"error", "error_description", "state", "iss"}
    assert (answer.fields["state"], answer.fields["iss"]) == ("st-1", ISSUER)
    assert answer.fields["error_description"].isascii()
    await nothing_issued(server)


@pytest.mark.parametrize("state", ["a\r\nSet-Cookie: x=y", "\x00", "x" * 2049, "a\u2028b"])
async def test_a_state_that_could_do_harm_is_not_given_back(
    server: Server, browser: Browser, state: str
) -> None:
    """Control characters in ``state`` are refused and not echoed."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True}, state=state)
    assert answer.fields["error"] == "invalid_request"
    assert "state" not in answer.fields
    assert "\n" not in answer.location


@pytest.mark.parametrize(
    "state", ["&code=forged&x=", "#frag", "%0d%0a", "+ ", "\U0001f600\u202e", '"><script>']
)
async def test_any_other_state_comes_back_as_it_was(server: Server, browser: Browser, state: str) -> None:
    """Whatever it holds, it stays one value and adds no parameter."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True}, state=state)
    assert answer.fields.keys() == {"code", "state", "iss"}
    assert answer.fields["state"] == state
    assert answer.fields["code"].startswith("wgac_")


async def test_a_suspended_client_or_application_is_unknown(server: Server, browser: Browser) -> None:
    """Nothing tells it from one that never was."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server, trusted=True)
    async with server.store.writing() as tx:
        await tx.clients.replace(replace(client, status="suspended"))
    answer = await browser.get("/oauth2/authorize", request(client))
    assert "(invalid_client)" in answer.text
    async with server.store.writing() as tx:
        await tx.clients.replace(client)
        await tx.applications.set_status(client.application, "suspended")
        await tx.feed.append("application", client.application, at=1.0)
    answer = await browser.get("/oauth2/authorize", request(client))
    assert "(invalid_client)" in answer.text
    await nothing_issued(server)


async def test_a_redirect_uri_may_be_left_out_where_there_is_one(server: Server, browser: Browser) -> None:
    """Plain OAuth only: then the token request names none either (RFC 6749 section 4.1.3)."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True}, redirect_uri=None, scope="orders.read")
    assert answer.to_client
    taken = await _code(server, answer)
    assert taken.redirect_uri == ""
    two = {"trusted": True, "redirect_uris": (CALLBACK, CALLBACK + "2")}
    answer = await start(browser, settings=two, redirect_uri=None, scope="orders.read")
    assert "(invalid_request)" in answer.text


async def _code(server: Server, answer: Answer) -> CodeDocument:
    async with server.store.reading() as tx:
        record = await tx.once.look("code", server.digest(answer.fields["code"]))
    assert record is not None
    return CodeDocument.from_document(record.document)


async def test_a_native_app_gets_its_answer_at_the_port_it_chose(server: Server, browser: Browser) -> None:
    """The loopback port is the request's (RFC 8252 section 7.3), and the code is bound to that very URI."""
    await browser.sign_in(await add_user(server))
    settings = {"trusted": True, "authentication": "none", "redirect_uris": ("http://127.0.0.1/cb",)}
    answer = await start(browser, settings=settings, redirect_uri="http://127.0.0.1:49152/cb")
    assert answer.location.startswith("http://127.0.0.1:49152/cb?code=")
    assert (await _code(server, answer)).redirect_uri == "http://127.0.0.1:49152/cb"


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
async def test_a_code_travels_as_asked(server: Server, browser: Browser, mode: str) -> None:
    """In the fragment, or in a form that leads to the client only, with one script of our own, which it does not need."""
    await browser.sign_in(await add_user(server))
    answer = await start(browser, settings={"trusted": True}, response_mode=mode, state='"><script>')
    assert answer.fields["code"].startswith("wgac_")
    if mode == "fragment":
        assert answer.location.startswith(CALLBACK + "#code=")
    else:
        assert f'action="{CALLBACK}"' in answer.text
        assert "<button>" in answer.text
        assert answer.text.count("<script") == 1
        assert '<script src="/oauth2/static/form_post.js?v=' in answer.text
        assert answer.reply.context["form_action"] == ("https://shop.example",)


async def test_errors_travel_in_the_mode_of_the_response(server: Server, browser: Browser) -> None:
    """Where the mode itself is wrong, in the usual one of the response type."""
    asked = {"scope": "admin", "nonce": "n"}
    assert "#error=" in (await start(browser, response_mode="fragment", **asked)).location
    assert (await start(browser, response_mode="form_post", **asked)).fields["error"] == "invalid_scope"
    assert "?error=" in (await start(browser, response_mode="x", **asked)).location
    answer = await start(browser, response_type="id_token", response_mode="query", **asked)
    assert answer.location.startswith(CALLBACK + "#error=unauthorized_client")


IMPLICIT = {
    "trusted": True,
    "grant_types": ("authorization_code", "implicit"),
    "response_types": ("code", "token", "id_token", "id_token token"),
}


async def test_implicit_tokens_for_a_client_that_opted_in(server: Server, browser: Browser) -> None:
    """Tokens come in the fragment; the id token is bound to the nonce and to the access token."""
    user = await add_user(server)
    session = await browser.sign_in(user)
    answer = await start(
        browser, settings=IMPLICIT, response_type="token id_token", nonce="n-1", scope="openid email"
    )
    fields = answer.fields
    assert answer.location.startswith(CALLBACK + "#access_token=")
    assert fields.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "id_token",
        "state",
        "iss",
    }
    claims = await server.keys.claims_of(fields["id_token"], "JWT")
    assert claims is not None
    assert (claims["sub"], claims["nonce"], claims["sid"]) == (user.id, "n-1", session.id)
    assert "at_hash" in claims
    assert "email" not in claims, "userinfo tells, as there is an access token (OIDC core section 5.4)"
    access = await server.keys.claims_of(fields["access_token"], "at+jwt")
    assert access is not None
    assert access["scope"] == "openid email"


async def test_an_id_token_alone_tells_what_the_scopes_open(server: Server, browser: Browser) -> None:
    """Without an access token there is no userinfo to ask (OIDC core section 5.4)."""
    await browser.sign_in(await add_user(server))
    answer = await start(
        browser, settings=IMPLICIT, response_type="id_token", nonce="n", scope="openid email"
    )
    assert answer.fields.keys() == {"id_token", "state", "iss"}
    claims = await server.keys.claims_of(answer.fields["id_token"], "JWT")
    assert claims is not None
    assert claims["email"] == "ann@example.org"
    assert await count(server, "access_tokens") == 0


@pytest.mark.parametrize(
    ("settings", "changes", "error"),
    [
        ({}, {"nonce": None}, "invalid_request"),
        ({}, {"response_mode": "query"}, "invalid_request"),
        ({}, {"scope": "orders.read"}, "invalid_scope"),
        ({}, {"dpop_jkt": "a" * 43}, "invalid_request"),
    ],
)
async def test_what_implicit_requests_must_have(
    server: Server, browser: Browser, settings: dict[str, Any], changes: dict[str, Any], error: str
) -> None:
    """Nonce, openid, a fragment or form; and errors come by the fragment as well."""
    await browser.sign_in(await add_user(server))
    asked = {"response_type": "id_token token", "nonce": "n", **changes}
    answer = await start(browser, settings={**IMPLICIT, **settings}, **asked)
    assert answer.location.startswith(CALLBACK + "#error=" + error)
    await nothing_issued(server)


async def test_an_opaque_implicit_token_is_stored_by_digest(server: Server, browser: Browser) -> None:
    """Plain OAuth needs no nonce; the token is found by its digest."""
    await browser.sign_in(await add_user(server))
    answer = await start(
        browser,
        settings={**IMPLICIT, "token_format": "opaque"},
        response_type="token",
        scope="orders.read",
        nonce=None,
    )
    async with server.store.reading() as tx:
        token = await tx.access_tokens.find(server.digest(answer.fields["access_token"]))
    assert token is not None
    assert token.scopes == {"orders.read"}


async def test_offline_access_is_dropped_where_no_refresh_token_can_follow(
    server: Server, browser: Browser
) -> None:
    """The scope is ignored, not refused (OIDC core section 11)."""
    await browser.sign_in(await add_user(server))
    settings = {"trusted": True, "grant_types": ("authorization_code",)}
    answer = await start(browser, settings=settings, scope="openid offline_access")
    async with server.store.reading() as tx:
        grant = await tx.grants.get((await _code(server, answer)).grant)
    assert grant is not None
    assert grant.scopes == ("openid",)


async def test_scopes_that_roles_close_are_left_out(server: Server, browser: Browser) -> None:
    """A person without the role grants the rest; with nothing left it is an error."""
    user = await add_user(server)
    await browser.sign_in(user)
    async with server.store.writing() as tx:
        await tx.roles.put(Role(name="clerk", scopes=("orders.write",)))
    client = await add_client(server, trusted=True)
    some = await browser.get("/oauth2/authorize", request(client, scope="orders.read orders.write"))
    none = await browser.get("/oauth2/authorize", request(client, scope="orders.write"))
    async with server.store.reading() as tx:
        grant = await tx.grants.get((await _code(server, some)).grant)
    assert grant is not None
    assert grant.scopes == ("orders.read",)
    assert none.fields["error"] == "invalid_scope"
    async with server.store.writing() as tx:
        await tx.users.set_roles(user.id, ["clerk"])
    all_of_it = await browser.get("/oauth2/authorize", request(client, scope="orders.write"))
    assert "code" in all_of_it.fields


async def test_a_form_of_another_site_begins_a_request_without_cookies(
    server: Server, browser: Browser
) -> None:
    """POST is as good as GET; the session counts only once the browser comes back by itself."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server, trusted=True)
    first = await browser.post("/oauth2/authorize", request(client), cross_site=True)
    assert first.location.startswith(f"{ISSUER}/oauth2/authorize?continue=wgot_")
    assert "set-cookie" not in first.headers
    second = await browser.follow(first)
    assert "code" in second.fields
    again = await browser.follow(first)
    assert "answered already" in again.text


async def test_mistakes_in_a_form_are_answered_like_those_in_a_link(server: Server, browser: Browser) -> None:
    """To the client where it is sure, else on a page."""
    client = await add_client(server)
    answer = await browser.post("/oauth2/authorize", request(client, scope="admin"))
    assert answer.fields["error"] == "invalid_scope"
    answer = await browser.post("/oauth2/authorize", request(client, redirect_uri="https://evil.example"))
    assert "(invalid_request)" in answer.text


async def test_a_resource_of_the_client_goes_into_the_grant(server: Server, browser: Browser) -> None:
    """``resource`` may stand more than once (RFC 8707)."""
    await browser.sign_in(await add_user(server))
    settings = {"trusted": True, "audiences": ("https://a.example", "https://b.example")}
    answer = await start(browser, settings=settings, resource=["https://a.example", "https://b.example"])
    async with server.store.reading() as tx:
        grant = await tx.grants.get((await _code(server, answer)).grant)
    assert grant is not None
    assert grant.resources == ("https://a.example", "https://b.example")


async def test_where_anybody_can_register_a_mistake_is_no_link_to_anywhere(
    store: SqlStore, clock: Clock
) -> None:
    """Only who is signed in is sent to a client with an error, unless an operator trusts it (RFC 9700 section 4.11.2)."""
    server = make_server(store, clock, open_registration=True)
    browser = Browser(server, ROUTES)
    client, trusted = await add_client(server), await add_client(server, trusted=True)
    answer = await browser.get("/oauth2/authorize", request(client, scope="admin"))
    assert answer.location == ""
    assert "(invalid_scope)" in answer.text
    answer = await browser.post("/oauth2/authorize", request(client, scope="admin"), cross_site=True)
    assert answer.location == ""
    assert (await browser.get("/oauth2/authorize", request(trusted, scope="admin"))).to_client
    await browser.sign_in(await add_user(server))
    assert (await browser.get("/oauth2/authorize", request(client, scope="admin"))).to_client


async def test_what_nobody_reads_is_not_kept(server: Server, browser: Browser) -> None:
    """Unknown parameters are ignored and take no room while a request waits."""
    client = await add_client(server)
    answer = await browser.get("/oauth2/authorize", request(client, whatever="x" * 5000, ui_locales="de"))
    handle = answer.location.partition("request=")[2]
    async with server.store.reading() as tx:
        record = await tx.once.look("authorize", server.digest(handle))
    assert record is not None
    assert "whatever" not in str(record.document)
