"""Sign-in with a certified provider (npm oidc-provider) over TLS, standing in for Okta and Entra, and bent where it must."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.identity.federation.abroad import CLIENT, SECRET, Abroad, Traveller
from tests.identity.front import ISSUER, Clock, add_user, count, make_server

from wardgate.domain.people import Role, User
from wardgate.identity import remote_keys
from wardgate.identity.federation import manage_providers
from wardgate.identity.federation.check_provider import check
from wardgate.identity.fetch import SafeFetcher
from wardgate.identity.server import Server
from wardgate.storage.database import SqlStore
from wardgate.web.identity import IdentityApp

HOME = "11111111-2222-4333-8444-555555555555"
PARTNER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ANN = {
    "preferred_username": "ann@abroad.example",
    "name": "Ann Ash",
    "email": "ann@abroad.example",
    "email_verified": True,
}


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    """One process with an Okta, an Entra of one directory, and one of many."""
    uris = [f"{ISSUER}/oauth2/federation/{name}/callback" for name in ("okta", "entra", "many", "other")]
    paths = ["/okta", f"/{HOME}/v2.0", f"/{PARTNER}/v2.0"]
    folder = tmp_path_factory.mktemp("abroad")
    with Abroad(folder, uris, paths, template="/organizations/v2.0") as running:
        yield running


@pytest.fixture
def server(store: SqlStore, abroad: Abroad) -> Server:
    """A server that may call the provider, and trusts its authority; time is real."""
    abroad.say(account="person-1", claims=ANN, bend=None, amr=None)
    context = abroad.authority.client_context()
    return replace(
        make_server(store, Clock()), fetch=SafeFetcher(["127.0.0.0/8"], context=context), clock=time.time
    )


@pytest.fixture
async def browsers(server: Server, abroad: Abroad) -> AsyncIterator[Any]:
    """Makes browsers before the application."""
    transport = httpx2.ASGITransport(app=IdentityApp(server))
    made: list[Traveller] = []

    def browser() -> Traveller:
        made.append(Traveller(abroad, ISSUER, transport))
        return made[-1]

    yield browser
    for each in made:
        await each.close()


async def okta(server: Server, abroad: Abroad, id_: str = "okta", **settings: Any) -> None:
    """Adds the Okta."""
    await manage_providers.add(
        server, preset="okta", name="Okta", issuer=f"{abroad.origin}/okta", client_id=CLIENT, secret=SECRET,
        id_=id_, settings={"create": True, **settings},
    )  # fmt: skip


async def entra(server: Server, abroad: Abroad, id_: str, **settings: Any) -> None:
    """Adds an Entra."""
    await manage_providers.add(
        server, preset="entra", name="Microsoft", issuer=abroad.origin, client_id=CLIENT, secret=SECRET,
        id_=id_, settings={"create": True, **settings},
    )  # fmt: skip


async def person(server: Server) -> tuple[User, tuple[str, ...]]:
    """The only user, with the roles."""
    async with server.store.reading() as tx:
        (user,) = await tx.users.list()
        return user, await tx.users.roles(user.id)


async def refused(
    server: Server, browser: Traveller, response: httpx2.Response, caplog: pytest.LogCaptureFixture, said: str
) -> None:
    """The sign-in failed for that reason, and left nothing behind."""
    assert response.status_code == 403, response.text
    assert said in caplog.text
    assert "location" not in response.headers
    assert not browser.signed_in
    for table in ("sessions", "identity_links", "users"):
        assert await count(server, table) == 0


async def test_okta_signs_in_and_groups_give_roles(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Metadata, code with PKCE, tokens, keys, groups; each sign-in sets the roles anew."""
    async with server.store.writing() as tx:
        await tx.roles.put(Role(name="admin", scopes=("orders.write",)))
    await okta(server, abroad, roles={"Order admins": ["admin"]})
    _, findings = await check(server, "okta")
    assert [each for each in findings if not each.right] == []
    abroad.say(claims={**ANN, "groups": ["Everyone", "Order admins"]})
    browser = browsers()
    response = await browser.sign_in("okta")
    assert response.headers["location"] == f"{ISSUER}/oauth2/account"
    assert browser.signed_in
    user, roles = await person(server)
    assert (user.name, user.email, user.email_verified, roles) == ("ann", ANN["email"], True, ("admin",))
    abroad.say(claims={**ANN, "groups": ["Everyone"]})
    await browsers().sign_in("okta")
    again, roles = await person(server)
    assert (again.id, roles) == (user.id, ())


async def test_entra_of_one_directory(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Its claims: ``tid``, ``roles``, groups by id; an address it does not vouch for is not verified here."""
    async with server.store.writing() as tx:
        await tx.roles.put(Role(name="admin"))
    await entra(server, abroad, "entra", tenant=HOME, roles={"Orders.Admin": ["admin"]})
    abroad.say(claims={**ANN, "tid": HOME, "roles": ["Orders.Admin"], "groups": ["0a1b"]})
    assert (await browsers().sign_in("entra")).status_code == 303
    user, roles = await person(server)
    assert (user.email, user.email_verified, roles) == (ANN["email"], False, ("admin",))


async def test_entra_of_many_directories(
    server: Server, abroad: Abroad, browsers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A template as issuer: the directory on the list comes in, with a ``tid`` of another nobody does."""
    await entra(server, abroad, "many", tenant="organizations", tenants=[PARTNER])
    abroad.say(claims={**ANN, "tid": HOME})
    browser = browsers()
    await refused(server, browser, await browser.sign_in("many"), caplog, "not that of its directory")
    abroad.say(claims={**ANN, "tid": PARTNER})
    assert (await browsers().sign_in("many")).status_code == 303
    async with server.store.reading() as tx:
        assert await tx.providers.link("many", f"{PARTNER}/person-1") is not None


async def test_entra_with_too_many_groups(
    server: Server, abroad: Abroad, browsers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Overage is noticed, refused by default, and reported."""
    async with server.store.writing() as tx:
        await tx.roles.put(Role(name="admin"))
    await entra(server, abroad, "entra", tenant=HOME, roles={"g": ["admin"]})
    abroad.say(claims={**ANN, "tid": HOME, "_claim_names": {"groups": "src1"}})
    browser = browsers()
    await refused(server, browser, await browser.sign_in("entra"), caplog, "group overage")


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        ({"claims": {"iss": "https://evil.example"}}, "another issuer"),
        ({"claims": {"aud": "somebody-else"}}, "(aud)"),
        ({"claims": {"aud": [CLIENT, "other"]}}, "(azp)"),
        ({"claims": {"nonce": "another"}}, "(nonce)"),
        ({"claims": {"exp": 1_000_000_000}}, "expired"),
        ({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, "(at_hash)"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256", "secret": SECRET}, "algorithm"),
        ({"stranger": True}, "signature"),
        ({"header": {"typ": "at+jwt"}}, "type"),
    ],
)
async def test_a_bent_id_token_signs_nobody_in(
    server: Server,
    abroad: Abroad,
    browsers: Any,
    caplog: pytest.LogCaptureFixture,
    bend: dict[str, Any],
    said: str,
) -> None:
    """Wrong issuer, audience, nonce, times or hash, however well signed; no signature, or another's."""
    await okta(server, abroad)
    abroad.say(bend=bend)
    browser = browsers()
    await refused(server, browser, await browser.sign_in("okta"), caplog, said)


async def test_a_request_that_was_changed_on_the_way(
    server: Server, abroad: Abroad, browsers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Another nonce, another PKCE challenge or another client in the browser's request ends at the callback."""
    await okta(server, abroad)
    browser = browsers()
    await refused(server, browser, await browser.sign_in("okta", nonce="mine"), caplog, "(nonce)")
    for changes in ({"code_challenge": "A" * 43}, {"client_id": "somebody-else"}):
        response = await browser.sign_in("okta", **changes)
        assert response.status_code == 502
        assert not browser.signed_in
    assert "invalid_grant" in caplog.text


async def test_answers_are_for_one_browser_once(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Another browser's answer is refused, and so is the same a second time."""
    await okta(server, abroad)
    ann, eve = browsers(), browsers()
    url = await ann.answer("/oauth2/federation/okta/start")
    await eve.get("/oauth2/federation/okta/start")
    stolen = await eve.get(url)
    assert (stolen.status_code, "another browser" in stolen.text) == (403, True)
    assert (await ann.get(url)).status_code == 303
    again = await ann.get(url)
    assert (again.status_code, "used already" in again.text) == (400, True)
    assert not eve.signed_in


async def test_mix_up(
    server: Server, abroad: Abroad, browsers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer at another provider's address, or with another's or no ``iss``, goes to no token endpoint."""
    await okta(server, abroad)
    await okta(server, abroad, "other")
    browser = browsers()
    url = await browser.answer("/oauth2/federation/okta/start")
    assert "iss=" in url
    assert (await browser.get(url.replace("/okta/callback", "/other/callback"))).status_code == 403
    for wrong in (f"{abroad.origin}/{HOME}/v2.0", ""):
        url = await browser.answer("/oauth2/federation/okta/start")
        parsed = httpx2.URL(url)
        changed = parsed.copy_set_param("iss", wrong) if wrong else parsed.copy_remove_param("iss")
        response = await browser.get(str(changed))
        await refused(server, browser, response, caplog, "iss of the answer")


async def test_nowhere_but_home(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Nothing in start or callback leads a signed-in browser to another site."""
    await okta(server, abroad)
    browser = browsers()
    evil = "next=https://evil.example&continue=https://evil.example&return_to=//evil.example"
    url = await browser.answer(f"/oauth2/federation/okta/start?{evil}")
    response = await browser.get(f"{url}&{evil}")
    assert response.headers["location"] == f"{ISSUER}/oauth2/account"


async def test_keys_rotate(
    server: Server, abroad: Abroad, browsers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider's new key is fetched when a token names it."""
    monkeypatch.setattr(remote_keys, "REFETCH", 0.0)
    await okta(server, abroad)
    assert (await browsers().sign_in("okta")).status_code == 303
    abroad.say(rotate=True)
    assert (await browsers().sign_in("okta")).status_code == 303


async def test_an_equal_address_is_not_enough(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Whoever has the address abroad gets a page, not the account."""
    await okta(server, abroad)
    user = await add_user(server, "ann", email="ann@abroad.example")
    browser = browsers()
    response = await browser.sign_in("okta")
    assert (response.status_code, "You have an account here" in response.text) == (200, True)
    assert not browser.signed_in
    async with server.store.reading() as tx:
        assert list(await tx.providers.links_of(user.id)) == []


async def test_a_refusal_over_there(server: Server, abroad: Abroad, browsers: Any) -> None:
    """A scope the provider does not know comes back as its error, which is shown as text."""
    await okta(server, abroad)
    response = await browsers().sign_in("okta", scope="email")
    assert response.status_code in (400, 502)
    assert "Okta" in response.text
    url = await browsers().answer("/oauth2/federation/okta/start", prompt="none")
    assert "error=login_required" in url


async def test_an_authority_nobody_trusts(server: Server, abroad: Abroad, browsers: Any) -> None:
    """Without the provider's authority, or without leave to call its network, nobody is sent anywhere."""
    await okta(server, abroad)
    for fetch in (SafeFetcher(["127.0.0.0/8"]), SafeFetcher(context=abroad.authority.client_context())):
        strict = IdentityApp(replace(server, fetch=fetch, memory=type(server.memory)()))
        browser = Traveller(abroad, ISSUER, httpx2.ASGITransport(app=strict))
        response = await browser.get("/oauth2/federation/okta/start")
        await browser.close()
        assert (response.status_code, "location" in response.headers) == (502, False)


async def test_logs_hold_no_secret(
    server: Server, abroad: Abroad, browsers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a good sign-in nor a bad one leaves the secret, a code, a token or an address in the log."""
    await okta(server, abroad)
    with caplog.at_level(logging.DEBUG, "wardgate"):
        good = await browsers().answer("/oauth2/federation/okta/start")
        browser = browsers()
        await browser.get(good)
        await browser.sign_in("okta")
        abroad.say(bend={"alg": "none"})
        await browser.sign_in("okta")
    code = httpx2.URL(good).params["code"]
    for secret in (SECRET, code, "ann@abroad.example", "eyJ", "wgot_"):
        assert secret not in "".join(
            record.getMessage() for record in caplog.records if record.name.startswith("wardgate")
        )
