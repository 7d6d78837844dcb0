"""Pushed requests: handed in by the client itself, referred to once, by that client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.identity.front import (
    ISSUER,
    ROUTES,
    SECRETS,
    Browser,
    Clock,
    add_client,
    add_user,
    api_call,
    client_key,
    count,
    refusal,
    request,
    signed,
    waits,
)

from wardgate.domain.oauth import Client
from wardgate.identity import par
from wardgate.identity.server import Server


@pytest.fixture
async def browser(server: Server) -> Browser:
    """The browser of a person who is signed in."""
    browser = Browser(server, ROUTES)
    await browser.sign_in(await add_user(server))
    return browser


async def add_par_client(server: Server, **settings: Any) -> Client:
    """A trusted client that must push, with a secret that it posts."""
    return await add_client(
        server, **{"trusted": True, "require_par": True, "authentication": "client_secret_post", **settings}
    )


def form(client: Client, **changes: Any) -> dict[str, Any]:
    """What the client pushes."""
    sent = {**request(client), "client_secret": SECRETS.get(client.id), **changes}
    return {name: value for name, value in sent.items() if value is not None}


async def push(server: Server, client: Client, **changes: Any) -> str:
    """The reference of a pushed request."""
    reply = await par.push(server, api_call("/oauth2/par", form=form(client, **changes)))
    assert reply.status == 201
    assert dict(reply.headers)["cache-control"] == "no-store"
    document = json.loads(reply.body)
    assert document.keys() == {"request_uri", "expires_in"}
    assert document["expires_in"] == 90
    assert document["request_uri"].startswith("urn:ietf:params:oauth:request_uri:wgpr_")
    uri: str = document["request_uri"]
    return uri


async def test_a_pushed_request_is_answered_once(server: Server, browser: Browser) -> None:
    """The reference and the client's id are all the browser carries; the second time it is used up."""
    client = await add_par_client(server)
    uri = await push(server, client)
    asked = {"client_id": client.id, "request_uri": uri}
    first = await browser.get("/oauth2/authorize", asked)
    assert first.fields.keys() == {"code", "state", "iss"}
    again = await browser.get("/oauth2/authorize", asked)
    assert "(invalid_request_uri)" in again.text
    assert await count(server, "grants") == 1


@pytest.mark.every_database
async def test_one_of_many_at_once_is_answered(server: Server, browser: Browser) -> None:
    """The reference is taken by one statement."""
    client = await add_par_client(server)
    asked = {"client_id": client.id, "request_uri": await push(server, client)}
    answers = await asyncio.gather(*(browser.get("/oauth2/authorize", asked) for _ in range(10)))
    assert sum("code" in answer.fields for answer in answers) == 1


async def test_nothing_in_the_browser_changes_a_pushed_request(server: Server, browser: Browser) -> None:
    """What stands beside the reference is ignored."""
    client = await add_par_client(server)
    answer = await browser.get(
        "/oauth2/authorize",
        {
            "client_id": client.id,
            "request_uri": await push(server, client, scope="openid"),
            "redirect_uri": "https://evil.example",
            "scope": "openid orders.write",
            "state": "evil",
            "code_challenge": "x" * 43,
        },
    )
    assert answer.to_client
    assert answer.fields["state"] == "st-1"
    async with server.store.reading() as tx:
        (grant,) = await tx.grants.find(now=server.clock())
    assert grant.scopes == ("openid",)


async def test_a_reference_is_the_clients_own(server: Server, browser: Browser) -> None:
    """Another client cannot use it, and cannot use it up."""
    client, other = await add_par_client(server), await add_par_client(server)
    uri = await push(server, client)
    stolen = await browser.get("/oauth2/authorize", {"client_id": other.id, "request_uri": uri})
    assert "(invalid_request_uri)" in stolen.text
    assert (
        "code"
        in (await browser.get("/oauth2/authorize", {"client_id": client.id, "request_uri": uri})).fields
    )


async def test_a_reference_ends(server: Server, browser: Browser, clock: Clock) -> None:
    """After 90 seconds it is unknown."""
    client = await add_par_client(server)
    uri = await push(server, client)
    clock.now += 91
    answer = await browser.get("/oauth2/authorize", {"client_id": client.id, "request_uri": uri})
    assert "(invalid_request_uri)" in answer.text


async def test_a_client_that_pushes_cannot_be_made_to_stop(server: Server, browser: Browser) -> None:
    """A request by the browser alone is refused (RFC 9126 section 6)."""
    answer = await browser.get("/oauth2/authorize", request(await add_par_client(server)))
    assert answer.fields["error"] == "invalid_request"
    assert "RFC 9126" in answer.fields["error_description"]


async def test_a_pushed_request_that_waits_stays_pushed(
    server: Server, browser: Browser, clock: Clock
) -> None:
    """Consent comes long after the reference was used up."""
    client = await add_par_client(server, trusted=False)
    asked = {"client_id": client.id, "request_uri": await push(server, client)}
    first = await browser.get("/oauth2/authorize", asked)
    clock.now += 600
    page = await browser.follow(first)
    assert page.reply.page == "consent.html"
    handle = first.location.partition("continue=")[2]
    done = await browser.post("/oauth2/consent", {"request": handle, "decision": "allow"})
    assert "code" in done.fields


MISTAKES: list[tuple[dict[str, Any], str, int]] = [
    ({"client_secret": None}, "invalid_client", 401),
    ({"client_secret": "wrong"}, "invalid_client", 401),
    ({"client_id": "cl_unknown"}, "invalid_client", 401),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request", 400),
    ({"redirect_uri": "https://evil.example"}, "invalid_request", 400),
    ({"redirect_uri": None}, "invalid_request", 400),
    ({"response_type": None}, "invalid_request", 400),
    ({"response_type": "code token"}, "unsupported_response_type", 400),
    ({"response_type": "token"}, "unauthorized_client", 400),
    ({"code_challenge": None}, "invalid_request", 400),
    ({"code_challenge_method": "plain"}, "invalid_request", 400),
    ({"scope": "admin"}, "invalid_scope", 400),
    ({"resource": "https://elsewhere.example"}, "invalid_target", 400),
    ({"authorization_details": "x"}, "invalid_authorization_details", 400),
    ({"prompt": "none login"}, "invalid_request", 400),
    ({"request": "x"}, "invalid_request_object", 400),
    ({"state": ["a", "b"]}, "invalid_request", 400),
]


@pytest.mark.parametrize(("changes", "error", "status"), MISTAKES)
async def test_mistakes_are_told_the_client_itself(
    server: Server, changes: dict[str, Any], error: str, status: int
) -> None:
    """As JSON, at once, and nothing is stored (RFC 9126 section 2.3)."""
    client = await add_par_client(server)
    refused = await refusal(par.push(server, api_call("/oauth2/par", form=form(client, **changes))))
    assert (refused.error, refused.status) == (error, status)
    assert await count(server, "once") == 0


async def test_what_is_no_form_is_refused(server: Server) -> None:
    """Parameters come in the body, as a form."""
    for call in (
        api_call("/oauth2/par", body=b"{}", headers={"content-type": "application/json"}),
        api_call("/oauth2/par", form={}, query={"client_id": "x"}),
    ):
        assert (await refusal(par.push(server, call))).error == "invalid_request"


async def test_a_signed_request_may_be_pushed(server: Server, browser: Browser, clock: Clock) -> None:
    """Both together: only what is inside the request object counts (RFC 9126 section 3)."""
    key, jwks = client_key()
    client = await add_par_client(server, jwks=jwks, require_signed_request=True)
    now = int(clock.now)
    claims = {**request(client, state="inside"), "iss": client.id, "aud": ISSUER, "exp": now + 60}
    sent = {
        "client_id": client.id,
        "client_secret": SECRETS[client.id],
        "request": signed(key, claims),
        "state": "outside",
    }
    reply = await par.push(server, api_call("/oauth2/par", form=sent))
    uri = json.loads(reply.body)["request_uri"]
    answer = await browser.get("/oauth2/authorize", {"client_id": client.id, "request_uri": uri})
    assert answer.fields["state"] == "inside"
    unsigned = await refusal(par.push(server, api_call("/oauth2/par", form=form(client))))
    assert unsigned.error == "invalid_request"


async def test_no_secret_is_stored(server: Server) -> None:
    """What proved the client is not kept with its request."""
    client = await add_par_client(server)
    uri = await push(server, client)
    secret = uri.rpartition(":")[2]
    async with server.store.reading() as tx:
        record = await tx.once.look("request", server.digest(secret))
    assert record is not None
    text = str(record.document)
    assert SECRETS[client.id] not in text
    assert secret not in text


@pytest.mark.parametrize("uri", ["", "x", "wgpr_" + "a" * 43, "wgac_" + "a" * 43, "\u00e9"])
async def test_references_that_are_none(server: Server, browser: Browser, uri: str) -> None:
    """They find nothing, and the person sees a page."""
    client = await add_par_client(server)
    answer = await browser.get("/oauth2/authorize", {"client_id": client.id, "request_uri": par.PREFIX + uri})
    assert (answer.status, answer.location) == (400, "")
    assert "(invalid_request_uri)" in answer.text


async def test_an_id_token_hint_is_not_stored(server: Server, browser: Browser) -> None:
    """The subject it names is; whoever else sits at the browser is not the one."""
    client = await add_par_client(server)
    other = await add_user(server, "eve")
    claims = {"iss": ISSUER, "aud": client.id, "sub": other.id, "iat": 1, "exp": 1}
    token = await server.keys.sign(claims, typ="JWT")
    uri = await push(server, client, id_token_hint=token, prompt="none")
    stored = await waits(server)
    assert other.id in stored
    assert "eyJ" not in stored
    answer = await browser.get("/oauth2/authorize", {"client_id": client.id, "request_uri": uri})
    assert answer.fields["error"] == "login_required"
