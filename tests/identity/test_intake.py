"""What strangers may have stored: bounded by address, by client where it authenticated, and again after a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.front import (
    ROUTES,
    SECRETS,
    Browser,
    Clock,
    Web,
    add_client,
    add_user,
    api_call,
    count,
    make_server,
    refusal,
    request,
)

from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.identity import device_authorization, device_page, logout, par, registration, token
from wardgate.identity.errors import OAuthError
from wardgate.identity.federation.state import Beginning, begin
from wardgate.identity.gcra import Rates
from wardgate.identity.http import Call, Reply
from wardgate.identity.memory import Memory
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore

#: Of one address at once, and of one client that authenticates.
BURST, CLIENT_BURST = 5, 20


def few() -> Memory:
    """One a second, and so few at once that tests end."""
    return Memory(addresses=Rates(60, BURST), clients=Rates(60, CLIENT_BURST), proofs=Rates(60, BURST))


@pytest.fixture
def server(store: SqlStore, clock: Clock, web: Web) -> Server:
    """A server that takes little."""
    return replace(make_server(store, clock, web=web, open_registration=True), memory=few())


def device_call(client: Client, address: str = "192.0.2.7", **more: Any) -> Call:
    """A device begins."""
    secret = {"client_secret": SECRETS[client.id]} if client.id in SECRETS else {}
    called = api_call("/oauth2/device_authorization", form={"client_id": client.id, **secret, **more})
    return replace(called, address=address)


def par_call(client: Client, address: str = "192.0.2.7") -> Call:
    """A client pushes."""
    secret = {"client_secret": SECRETS[client.id]} if client.id in SECRETS else {}
    return replace(api_call("/oauth2/par", form={**request(client), **secret}), address=address)


async def public(server: Server, **settings: Any) -> Client:
    """A client that cannot keep a secret."""
    return await add_client(
        server,
        **{"authentication": "none", "grant_types": (DEVICE_CODE, "authorization_code"), **settings},
    )


async def confidential(server: Server) -> Client:
    """A client that posts its secret."""
    return await public(server, authentication="client_secret_post")


async def is_full(pending: Awaitable[Reply]) -> int:
    """It is refused as too much for now; the seconds to wait."""
    error = await refusal(pending)
    assert (error.status, error.error) == (429, "temporarily_unavailable")
    (name, seconds) = error.headers[0]
    assert name == "retry-after"
    return int(seconds)


@pytest.mark.parametrize(
    ("handle", "call_of", "table"),
    [(device_authorization.handle, device_call, "device_codes"), (par.push, par_call, "once")],
    ids=["device", "par"],
)
async def test_a_public_client_is_counted_by_address(
    server: Server,
    clock: Clock,
    handle: Callable[[Server, Call], Awaitable[Reply]],
    call_of: Callable[..., Call],
    table: str,
) -> None:
    """A burst, then as many as the time brings; nothing is stored of what is refused, and other addresses go on."""
    clients = [await public(server), await public(server)]
    for number in range(BURST):
        await handle(server, call_of(clients[number % 2]))
    before = await count(server, table)
    assert await is_full(handle(server, call_of(clients[0]))) == 1
    await is_full(handle(server, call_of(clients[1])))
    assert await count(server, table) == before
    await handle(server, call_of(clients[0], "192.0.2.8"))
    clock.now += 1
    await handle(server, call_of(clients[0]))
    await is_full(handle(server, call_of(clients[0])))
    clock.now += 60
    for _ in range(BURST):
        await handle(server, call_of(clients[0]))
    await is_full(handle(server, call_of(clients[0])))


@pytest.mark.parametrize(
    ("handle", "call_of"),
    [(device_authorization.handle, device_call), (par.push, par_call)],
    ids=["device", "par"],
)
async def test_a_client_that_authenticates_is_counted_by_itself(
    server: Server, handle: Callable[[Server, Call], Awaitable[Reply]], call_of: Callable[..., Call]
) -> None:
    """Its backend speaks for many people from one address; a stranger there uses up nothing of it, nor it of theirs."""
    client, stranger = await confidential(server), await public(server)
    for _ in range(BURST):
        await handle(server, call_of(stranger))
    await is_full(handle(server, call_of(stranger)))
    for number in range(CLIENT_BURST):
        await handle(server, call_of(client, f"192.0.2.{number % 3}"))
    await is_full(handle(server, call_of(client, "192.0.2.9")))
    await handle(server, call_of(await confidential(server), "192.0.2.9"))
    await handle(server, call_of(stranger, "192.0.2.9"))


async def test_whoever_fails_to_authenticate_uses_up_nothing(server: Server) -> None:
    """A client's own requests are not to be shut out by who only knows its id."""
    client = await confidential(server)
    wrong = {**request(client), "client_secret": "wrong"}
    for _ in range(CLIENT_BURST + BURST):
        error = await refusal(par.push(server, api_call("/oauth2/par", form=wrong)))
        assert error.error == "invalid_client"
    await par.push(server, par_call(client))


async def test_an_ipv6_customer_is_one(server: Server) -> None:
    """Addresses of one /64 are one."""
    client = await public(server)
    for number in range(BURST):
        await par.push(server, par_call(client, f"2001:db8::{number + 1:x}"))
    await is_full(par.push(server, par_call(client, "2001:db8::ffff")))
    await par.push(server, par_call(client, "2001:db8:0:1::1"))


async def test_a_large_request_counts_as_several(server: Server) -> None:
    """What bounds the store is bytes as well as rows."""
    client = await public(server)
    await device_authorization.handle(server, device_call(client, padding="x" * 4096 * (BURST - 1)))
    await is_full(device_authorization.handle(server, device_call(client)))


async def test_requests_that_wait_for_a_person_are_counted(server: Server, clock: Clock) -> None:
    """By a link or by a form: each is kept. The return of one that waits is not, nor what needs nobody."""
    browser = Browser(server, (*ROUTES, *device_page.ROUTES, *logout.ROUTES))
    client = await add_client(server, trusted=True)
    first = await browser.get("/oauth2/authorize", request(client))
    handle = first.location.partition("=")[2]
    await browser.post("/oauth2/authorize", request(client), cross_site=True)
    await browser.get("/oauth2/device", {"user_code": "BCDF-GHJK"})
    await browser.post("/oauth2/device", {"user_code": "BCDF-GHJK"})
    await browser.post("/oauth2/logout", {"client_id": client.id}, cross_site=True)
    before = await count(server, "once")
    for again in (
        browser.get("/oauth2/authorize", request(client)),
        browser.post("/oauth2/authorize", request(client), cross_site=True),
        browser.get("/oauth2/device", {"user_code": "BCDF-GHJK"}),
        browser.post("/oauth2/logout", {"client_id": client.id}, cross_site=True),
    ):
        error = await refusal(again)
        assert (error.status, error.headers) == (429, (("retry-after", "1"),))
    assert await count(server, "once") == before
    await browser.sign_in(await add_user(server))
    assert (await browser.get("/oauth2/authorize", {"continue": handle})).to_client
    for _ in range(2 * BURST):
        assert (await browser.get("/oauth2/authorize", request(client))).to_client


async def test_sign_ins_elsewhere_are_counted(server: Server) -> None:
    """Each is a row from when it begins until its answer comes, or none."""
    call = api_call("/oauth2/federation/okta", method="GET")
    for _ in range(BURST):
        await begin(server, call, Beginning(provider="okta"))
    error = await refusal(begin(server, call, Beginning(provider="okta")))
    assert (error.status, error.headers) == (429, (("retry-after", "1"),))
    assert await count(server, "once") == BURST


async def test_open_registration_is_counted_before_anything_is_fetched(server: Server, web: Web) -> None:
    """A stranger cannot have this server ask others' servers without end; who has a token is no stranger."""
    document = (
        b'{"redirect_uris": ["https://a.example/cb"], "sector_identifier_uri": "https://sector.example/"}'
    )

    def sent() -> Call:
        return api_call("/oauth2/register", headers={"content-type": "application/json"}, body=document)

    for _ in range(BURST):
        assert (await refusal(registration.register(server, sent()))).error == "invalid_client_metadata"
    await is_full(registration.register(server, sent()))


async def test_proofs_of_public_clients_are_counted(server: Server) -> None:
    """A proof is remembered, and any key makes one: with a code that is none, a stranger has rows written."""
    client = await public(server)
    form = {"grant_type": "authorization_code", "client_id": client.id, "code": "none"}

    async def sent(**headers: str) -> OAuthError:
        return await refusal(token.handle(server, api_call("/oauth2/token", form=form, headers=headers)))

    for _ in range(BURST):
        assert (await sent(dpop="none")).error == "invalid_dpop_proof"
    assert (await sent(dpop="none")).status == 429
    assert (await sent()).status == 400
