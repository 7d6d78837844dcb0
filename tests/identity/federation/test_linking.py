"""Whose account it is: linked ones, equal addresses, explicit steps, roles that come and go."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from tests.identity.federation.foreign import Browser, House, make_house
from tests.identity.front import ISSUER, add_client, add_user, count, request

from wardgate.control.ids import new_id
from wardgate.domain.oauth import Grant
from wardgate.domain.people import Factor, Role, Session, User
from wardgate.domain.tokenform import new_secret
from wardgate.identity.people.cookies import cookie_name
from wardgate.storage.database import SqlStore

MAIL = "ann.ash@abroad.example"


@pytest.fixture
def house(store: SqlStore) -> House:
    """A server, and a provider that is still to be added."""
    return make_house(store)


async def sign_in_here(house: House, browser: Browser, user: User, *, ago: float = 0.0) -> None:
    """Gives the browser a session of the user, who proved who they are some seconds ago."""
    server, now = house.server, house.clock() - ago
    session = Session(
        id=new_id("ses", now),
        user=user.id,
        environment="development",
        created_at=now,
        seen_at=now,
        expires_at=now + 36000,
        auth_time=now,
        acr="urn:wardgate:acr:1",
        amr=("pwd",),
    )
    secret = new_secret("ss", server.random)
    async with server.store.writing() as tx:
        await tx.sessions.add(session, server.digest(secret))
    browser._client.cookies.set(
        cookie_name(server.settings), secret, domain=ISSUER.removeprefix("https://"), path="/"
    )


def handle_of(response: httpx2.Response) -> str:
    """The handle a page's form or link holds."""
    found = re.search(r'(?:name="request" value="|login\?request=)(wgot_[\w-]{43})', response.text)
    assert found is not None, response.text
    return found[1]


async def links(house: House, user: User) -> list[str]:
    """The subjects linked to a user."""
    async with house.server.store.reading() as tx:
        return [each.subject for each in await tx.providers.links_of(user.id)]


@pytest.mark.parametrize("create", [False, True])
async def test_an_equal_address_links_nothing_by_itself(house: House, create: bool) -> None:
    """The page asks to sign in here first; until then there is no session, no link, no second account."""
    await house.add(settings={"create": create})
    user = await add_user(house.server, email=MAIL.upper())
    browser = house.browser()
    response = await house.sign_in(browser)
    assert response.status_code == 200
    assert "You have an account here" in response.text
    assert not browser.signed_in
    assert await links(house, user) == []
    assert await count(house.server, "users") == 1


async def test_an_equal_address_is_linked_by_signing_in_and_saying_so(house: House) -> None:
    """Sign in here, see both accounts, press the button: from then on the provider signs in to that account."""
    await house.add()
    user = await add_user(house.server, email=MAIL)
    browser = house.browser()
    handle = handle_of(await house.sign_in(browser))
    confirm = f"/oauth2/federation/link?request={handle}"
    assert (await browser.get(confirm)).headers["location"] == f"{ISSUER}/oauth2/login?request={handle}"
    assert (await browser.get(f"/oauth2/login?request={handle}")).status_code == 200
    await sign_in_here(house, browser, user)
    back = await browser.get(f"/oauth2/authorize?continue={handle}")
    assert back.headers["location"] == f"{ISSUER}{confirm}"
    page = await browser.get(confirm)
    assert (MAIL in page.text, "ann" in page.text) == (True, True)
    assert await links(house, user) == []
    done = await browser.post("/oauth2/federation/link", {"request": handle})
    assert done.headers["location"] == f"{ISSUER}/oauth2/account/linked?done=linked"
    assert await links(house, user) == ["abroad-1"]
    assert "The account was linked" in (await browser.get(done.headers["location"])).text
    again = await browser.post("/oauth2/federation/link", {"request": handle})
    assert (again.status_code, "answered already" in again.text) == (400, True)
    fresh = house.browser()
    assert (await house.sign_in(fresh)).headers["location"] == f"{ISSUER}/oauth2/account"
    assert fresh.signed_in


async def test_a_suspended_account_is_not_begun_anew(house: House) -> None:
    """Whoever was put out of an account gets no second one by the same address."""
    await house.add(settings={"create": True})
    await add_user(house.server, email=MAIL, status="suspended")
    response = await house.sign_in(house.browser())
    assert (response.status_code, "is suspended" in response.text) == (403, True)
    assert await count(house.server, "users") == 1


async def test_after_linking_the_request_goes_on(house: House) -> None:
    """The authorization request that began it all is not lost."""
    await house.add()
    user = await add_user(house.server, email=MAIL)
    client = await add_client(house.server, scopes=("openid",))
    browser = house.browser()
    query = "&".join(f"{k}={v}" for k, v in request(client, scope="openid").items())
    request_handle = (
        (await browser.get(f"/oauth2/authorize?{query}")).headers["location"].partition("request=")[2]
    )
    handle = handle_of(await house.sign_in(browser, query=f"?request={request_handle}"))
    await sign_in_here(house, browser, user)
    page = await browser.get(f"/oauth2/federation/link?request={handle}")
    assert "form-action 'self' https://shop.example" in page.headers["content-security-policy"]
    done = await browser.post("/oauth2/federation/link", {"request": handle})
    assert done.headers["location"] == f"{ISSUER}/oauth2/authorize?continue={request_handle}"


@pytest.mark.parametrize(
    ("here", "abroad"),
    [
        ({"email_verified": False}, {}),
        ({}, {"email_verified": False}),
        ({}, {"email_verified": "true"}),
        ({}, {"email_verified": None}),
        ({}, {"email": "ann.ash@abroad.example\r\n"}),
    ],
)
async def test_an_address_counts_where_both_sides_vouch_for_it(
    house: House, here: dict[str, Any], abroad: dict[str, Any]
) -> None:
    """Otherwise nothing shows that there is an account with it, and a new one never has it verified twice."""
    await house.add()
    user = await add_user(house.server, **{"email": MAIL, **here})
    house.foreign.claims = abroad
    house.foreign.userinfo = {"sub": "abroad-1"}
    browser = house.browser()
    response = await house.sign_in(browser)
    assert response.status_code == 403
    assert "No account here is linked" in response.text
    assert await links(house, user) == []
    await house.add("Open", settings={"create": True})
    await house.sign_in(browser, "open")
    async with house.server.store.reading() as tx:
        vouched = [each for each in await tx.users.with_email(MAIL) if each.email_verified]
    assert len(vouched) <= 1
    assert await links(house, user) == []


async def test_a_link_waits_for_the_account_it_is_about(house: House) -> None:
    """Somebody else who signs in there, another browser, an old sign-in, or a form from elsewhere links nothing."""
    await house.add()
    user = await add_user(house.server, email=MAIL)
    eve = await add_user(house.server, "eve")
    browser = house.browser()
    handle = handle_of(await house.sign_in(browser))
    await sign_in_here(house, browser, eve)
    for response in (
        await browser.get(f"/oauth2/federation/link?request={handle}"),
        await browser.post("/oauth2/federation/link", {"request": handle}),
    ):
        assert (response.status_code, "for another account" in response.text) == (403, True)
    other = house.browser()
    await sign_in_here(house, other, user)
    response = await other.post("/oauth2/federation/link", {"request": handle})
    assert (response.status_code, "another browser" in response.text) == (403, True)
    await sign_in_here(house, browser, user, ago=700)
    response = await browser.post("/oauth2/federation/link", {"request": handle})
    assert response.headers["location"] == f"{ISSUER}/oauth2/login?request={handle}"
    await sign_in_here(house, browser, user)
    response = await browser.post(
        "/oauth2/federation/link", {"request": handle}, origin="https://evil.example"
    )
    assert (response.status_code, "came from elsewhere" in response.text) == (403, True)
    assert await links(house, user) == await links(house, eve) == []


async def test_linking_from_the_account(house: House) -> None:
    """Whoever has just signed in may add an account elsewhere, whatever its address, and confirms it on a page."""
    await house.add(settings={"create": True})
    user = await add_user(house.server)
    browser = house.browser()
    start = "/oauth2/federation/abroad/start?link=1"
    to_login = f"{ISSUER}/oauth2/login?next=linked"
    assert (await browser.get(start)).headers["location"] == to_login
    await sign_in_here(house, browser, user, ago=700)
    assert (await browser.get(start)).headers["location"] == to_login
    await sign_in_here(house, browser, user)
    assert f'href="{start}"' in (await browser.get("/oauth2/account/linked")).text
    response = await house.sign_in(browser, query="?link=1")
    assert response.headers["location"].startswith(f"{ISSUER}/oauth2/federation/link?request=")
    assert await links(house, user) == []
    handle = handle_of(await browser.get(response.headers["location"]))
    await browser.post("/oauth2/federation/link", {"request": handle})
    assert await links(house, user) == ["abroad-1"]
    assert await count(house.server, "users") == 1
    again = await house.sign_in(browser, query="?link=1")
    assert again.headers["location"] == f"{ISSUER}/oauth2/account/linked"


async def test_an_account_abroad_belongs_to_one_account_here(house: House) -> None:
    """What is linked already is not linked to somebody else, not even by two pages open at once."""
    await house.add()
    ann, bob = await add_user(house.server, "ann"), await add_user(house.server, "bob")
    pages = []
    for user in (ann, bob):
        browser = house.browser()
        await sign_in_here(house, browser, user)
        response = await house.sign_in(browser, query="?link=1")
        pages.append((browser, response.headers["location"].partition("request=")[2]))
    assert (await pages[0][0].post("/oauth2/federation/link", {"request": pages[0][1]})).status_code == 303
    late = await pages[1][0].post("/oauth2/federation/link", {"request": pages[1][1]})
    assert (late.status_code, "linked already" in late.text) == (409, True)
    assert (await house.sign_in(pages[1][0], query="?link=1")).status_code == 409
    assert (await links(house, ann), await links(house, bob)) == (["abroad-1"], [])


async def test_linking_ends_with_the_session_it_began_in(house: House) -> None:
    """Somebody else who signed in meanwhile gets no account of another's."""
    await house.add()
    ann, bob = await add_user(house.server, "ann"), await add_user(house.server, "bob")
    browser = house.browser()
    await sign_in_here(house, browser, ann)
    begun = await browser.get("/oauth2/federation/abroad/start?link=1")
    await sign_in_here(house, browser, bob)
    response = await browser.get(house.foreign.agree(begun.headers["location"]))
    assert (response.status_code, "not signed in any more" in response.text) == (403, True)
    assert await links(house, ann) == await links(house, bob) == []


async def test_the_last_way_to_sign_in_stays(house: House) -> None:
    """An account is unlinked only by whoever can still come in, and by its owner."""
    await house.add(settings={"create": True})
    browser = house.browser()
    await house.sign_in(browser)
    async with house.server.store.reading() as tx:
        (user,) = await tx.users.list()
    form = {"provider": "abroad", "subject": "abroad-1"}
    response = await browser.post("/oauth2/account/linked/remove", form)
    assert (response.status_code, "your only way" in response.text) == (409, True)
    other = house.browser()
    await sign_in_here(house, other, await add_user(house.server, "eve"))
    await other.post("/oauth2/account/linked/remove", form)
    assert await links(house, user) == ["abroad-1"]
    factor = Factor(
        id="fac_1", user=user.id, kind="password", label="", data={"hash": "x"}, created_at=house.clock()
    )
    async with house.server.store.writing() as tx:
        await tx.factors.add(factor)
    done = await browser.post("/oauth2/account/linked/remove", form)
    assert done.headers["location"] == f"{ISSUER}/oauth2/account/linked?done=unlinked"
    assert await links(house, user) == []


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"preferred_username": "ANN@other.example"}, "ann-2"),
        ({"preferred_username": "victim@example.org"}, "victim"),
        ({"preferred_username": "../../<b>"}, "b"),
        ({"preferred_username": None, "email": None}, "user"),
        ({"preferred_username": "x" * 190}, "x" * 60),
    ],
)
async def test_names_are_made_safe_and_unique(house: House, said: dict[str, Any], name: str) -> None:
    """A new account never takes a name somebody has, nor an address somebody signs in with."""
    await house.add(settings={"create": True})
    await add_user(house.server, "ann")
    house.foreign.claims = {"email": "a.b@abroad.example", **said}
    house.foreign.userinfo = {"sub": "abroad-1"}
    assert (await house.sign_in(house.browser())).status_code == 303
    async with house.server.store.reading() as tx:
        assert await tx.users.named(name) is not None


async def test_groups_give_and_take_roles(house: House) -> None:
    """Each sign-in sets the roles that follow from the groups; those given here stay; unknown groups mean nothing."""
    async with house.server.store.writing() as tx:
        for role in ("admin", "reader", "local-only"):
            await tx.roles.put(Role(name=role, scopes=(f"{role}.do",)))
    await house.add(settings={"create": True, "roles": {"Admins": ["admin", "reader"], "staff": ["reader"]}})

    async def roles() -> tuple[str, ...]:
        assert (await house.sign_in(house.browser())).status_code == 303
        async with house.server.store.reading() as tx:
            (user,) = await tx.users.list()
            return await tx.users.roles(user.id)

    house.foreign.claims = {"groups": ["Admins", "admin", 7]}
    assert await roles() == ("admin", "reader")
    async with house.server.store.writing() as tx:
        (user,) = await tx.users.list()
        await tx.users.set_roles(user.id, ["local-only"])
    house.foreign.claims = {"roles": "staff", "groups": None}
    assert await roles() == ("local-only", "reader")
    house.foreign.claims = {"groups": []}
    assert await roles() == ("local-only",)


async def test_a_lost_role_takes_its_tokens_along(house: House) -> None:
    """Grants with scopes that are not the person's any more end; other grants keep on, their access tokens do not."""
    async with house.server.store.writing() as tx:
        await tx.roles.put(Role(name="admin", scopes=("orders.write",)))
    await house.add(settings={"create": True, "roles": {"Admins": ["admin"]}})
    client = await add_client(house.server)
    house.foreign.claims = {"groups": ["Admins"]}
    await house.sign_in(house.browser())
    async with house.server.store.writing() as tx:
        (user,) = await tx.users.list()
        for name, scopes in (("wide", ("openid", "orders.write")), ("narrow", ("openid", "orders.read"))):
            await tx.grants.add(
                Grant(
                    id=name,
                    environment="development",
                    client=client.id,
                    subject=user.id,
                    scopes=scopes,
                    kind="authorization_code",
                    created_at=house.clock(),
                )
            )
    house.clock.now += 1
    await house.sign_in(house.browser())
    assert await count(house.server, "revocations") == 0
    house.foreign.claims = {"groups": ["Others"]}
    await house.sign_in(house.browser())
    async with house.server.store.reading() as tx:
        live = [each.id for each in await tx.grants.find(subject=user.id, now=house.clock())]
    assert live == ["narrow"]
    assert await count(house.server, "revocations") == 2
