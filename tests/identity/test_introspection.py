"""What a token says, told to whom it concerns (RFC 7662), signed on request (RFC 9701)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.token_side import ISSUER, Side, read

from wardgate.domain.oauth import Grant
from wardgate.identity import introspection, issue
from wardgate.identity.issue import AccessSpec, Binding
from wardgate.identity.presented_token import said_by
from wardgate.identity.revoking import end_grants, end_token

PATH = "/oauth2/introspect"


async def ask(side: Side, text: str, client: str = "api", **how: Any) -> dict[str, Any]:
    """The answer."""
    call = side.call({"token": text}, client=client, path=PATH, **how)
    return read(await introspection.handle(side.server, call))


async def shown(side: Side, grant: Grant | None = None, **said: Any) -> str:
    """An access token of the client ``app``."""
    async with side.store.reading() as tx:
        made = await tx.clients.get("app")
    assert made is not None
    spec: dict[str, Any] = {
        "client": made,
        "subject": "app",
        "scopes": ("read",),
        "audiences": ("urn:api",),
        **said,
    }
    if grant is not None:
        spec |= {"grant": grant.id, "subject": grant.subject}
    prepared = issue.prepare(side.server, AccessSpec(**spec))
    async with side.store.writing() as tx:
        await issue.keep(side.server, tx, prepared)
    return await issue.text_of(side.server, prepared)


async def clients(side: Side, **settings: Any) -> Grant:
    """``app`` has tokens; ``api`` is the resource server ``urn:api``; ``other`` is neither."""
    await side.client(application="shop", **settings)
    await side.client("api", audiences=("urn:api",))
    await side.client("other")
    return await side.grant("app", (await side.user()).id)


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_good_token_is_told_in_full(side: Side, kind: str) -> None:
    """RFC 7662 section 2.2, RFC 9449 section 6.2, RFC 8693 section 4.1, RFC 9396 section 9.2, RFC 9470 section 6.2."""
    grant = await clients(side, token_format=kind)
    text = await shown(
        side,
        grant,
        roles=("clerk",),
        binding=Binding(jkt="thumb"),
        acr="urn:wardgate:acr:1",
        amr=("pwd",),
        auth_time=1000,
        actors=("a", "b"),
        authorization_details=({"type": "pay"},),
    )
    answer = await ask(side, text)
    assert answer.pop("jti")
    assert answer == {
        "active": True,
        "scope": "read",
        "client_id": "app",
        "token_type": "DPoP",
        "exp": int(side.clock()) + 600,
        "iat": int(side.clock()),
        "sub": grant.subject,
        "aud": "urn:api",
        "iss": ISSUER,
        "roles": ["clerk"],
        "acr": "urn:wardgate:acr:1",
        "amr": ["pwd"],
        "auth_time": 1000,
        "cnf": {"jkt": "thumb"},
        "act": {"sub": "a", "act": {"sub": "b"}},
        "authorization_details": [{"type": "pay"}],
    }


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_others_learn_nothing(side: Side, kind: str) -> None:
    """RFC 7662 section 4: whom the token does not concern is told what is told of garbage."""
    await clients(side, token_format=kind)
    text = await shown(side)
    assert (await ask(side, text, "app"))["active"] is True
    for asked, client in ((text, "other"), ("garbage", "api"), ("wgat_" + "A" * 43, "api"), ("a.b.c", "api")):
        assert await ask(side, asked, client) == {"active": False}


async def test_an_api_of_the_application_is_concerned(side: Side) -> None:
    """The audience of a token may be an API by its URL; the whole gateway concerns nobody in particular."""
    orders = await side.deploy("orders")
    await clients(side)
    await side.client("orders", application="orders-team")
    await side.application("orders-team", "orders/v1")
    assert (await ask(side, await shown(side, audiences=(orders,)), "orders"))["active"] is True
    assert await ask(side, await shown(side, audiences=()), "orders") == {"active": False}


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
@pytest.mark.parametrize("change", ["expired", "grant", "token", "client", "application"])
async def test_what_has_ended_is_not_active(side: Side, kind: str, change: str) -> None:
    """Whichever way."""
    grant = await clients(side, token_format=kind)
    text = await shown(side, grant)
    assert (await ask(side, text))["active"] is True
    if change == "expired":
        side.clock.forward(600)
    async with side.store.writing() as tx:
        if change == "grant":
            await end_grants(side.server, tx, [grant])
        if change == "token":
            found = await said_by(side.server, text)
            assert found is not None
            await end_token(side.server, tx, found[0])
        if change == "client":
            await tx.clients.remove("app")
        if change == "application":
            await tx.applications.set_status("shop", "suspended")
            await tx.feed.append("application", "shop", at=side.clock())
    assert await ask(side, text) == {"active": False}


async def test_a_refresh_token_concerns_its_client_alone(side: Side) -> None:
    """And only while it can be used."""
    grant = await clients(side)
    async with side.store.writing() as tx:
        made = await tx.clients.get("app")
        assert made is not None
        text = await issue.first_refresh_token(side.server, tx, made, grant, ("read",), issue.UNBOUND)
    answer = await ask(side, text, "app")
    assert (answer["active"], answer["scope"], answer["sub"]) == (True, "read", grant.subject)
    assert await ask(side, text, "api") == {"active": False}
    side.clock.forward(14 * 86400)
    assert await ask(side, text, "app") == {"active": False}


@pytest.mark.parametrize("algorithm", [None, "EdDSA"])
async def test_the_answer_is_signed_on_request(side: Side, algorithm: Any) -> None:
    """RFC 9701 section 5: for the one that asked, and of a type that is no access token."""
    await clients(side)
    await side.client("signed", audiences=("urn:api",), introspection_alg=algorithm)
    text = await shown(side)
    call = side.call(
        {"token": text},
        client="signed",
        path=PATH,
        headers=[("accept", "application/json, application/token-introspection+jwt")],
    )
    reply = await introspection.handle(side.server, call)
    assert dict(reply.headers)["content-type"] == "application/token-introspection+jwt"
    assert dict(reply.headers)["cache-control"] == "no-store"
    claims = await side.keys.claims_of(reply.body.decode(), "token-introspection+jwt")
    assert claims is not None
    assert (claims["iss"], claims["aud"], claims["iat"]) == (ISSUER, "signed", int(side.clock()))
    assert claims["token_introspection"]["active"] is True
    assert await side.keys.claims_of(reply.body.decode(), "at+jwt") is None


async def test_who_asks_proves_who_it_is(side: Side) -> None:
    """RFC 7662 section 2.1: a public client cannot."""
    await clients(side)
    await side.client("public", authentication="none")
    handle = introspection.handle
    form = {"token": "x"}
    assert (await side.refused(form, handle, path=PATH)).error == "invalid_client"
    assert (await side.refused(form | {"client_id": "public"}, handle, path=PATH)).error == "invalid_client"
    assert (await side.refused({}, handle, client="api", path=PATH)).error == "invalid_request"
