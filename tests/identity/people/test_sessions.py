"""Sessions: how long they last, where they count, and what ends with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.identity import front
from tests.identity.people.house import Browser, House, forms, location, make_house

from wardgate.domain.oauth import Grant
from wardgate.domain.people import Session, User
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.people.current import current_session, note_use
from wardgate.identity.people.sessions import end_sessions
from wardgate.storage.database import SqlStore

TO_LOGIN = "/oauth2/login?next=account"


async def current(house: House, browser: Browser) -> tuple[Session, User] | None:
    """Who the server takes the browser for."""
    call = house.call(cookies=browser.cookies)
    async with house.server.store.reading() as tx:
        return await current_session(house.server, tx, call)


async def signed_in(house: House) -> tuple[User, Browser]:
    """A person at a browser."""
    user, browser = await house.user(), house.browser()
    await browser.sign_in()
    return user, browser


async def grant_in(house: House, session: Session, *scopes: str) -> Grant:
    """What a client got in the session."""
    client = await front.add_client(house.server)
    grant = Grant(
        id=f"grant-{client.id}",
        environment="development",
        client=client.id,
        subject=session.user,
        scopes=scopes,
        kind="authorization_code",
        created_at=house.clock(),
        session=session.id,
    )
    async with house.server.store.writing() as tx:
        await tx.grants.add(grant)
    return grant


async def is_live(house: House, grant: Grant) -> bool:
    """Whether the grant still counts."""
    async with house.server.store.reading() as tx:
        return grant.id in {each.id for each in await tx.grants.find(subject=grant.subject)}


async def test_an_unused_session_ends(house: House) -> None:
    """An hour without use ends it; use within the hour keeps it, whichever page it is."""
    _, browser = await signed_in(house)
    for _ in range(3):
        house.clock.now += 3000
        assert (await browser.get("/oauth2/account")).status_code == 200
    house.clock.now += 3600
    assert location(await browser.get("/oauth2/account")) == TO_LOGIN


async def test_no_session_outlives_its_day(house: House) -> None:
    """Twelve hours after the sign-in it ends, however busy."""
    _, browser = await signed_in(house)
    for _ in range(12 * 3 - 1):
        house.clock.now += 1200
        assert (await browser.get("/oauth2/account")).status_code == 200
    house.clock.now += 1200
    assert location(await browser.get("/oauth2/account")) == TO_LOGIN


async def test_use_is_noted_by_the_minute(house: House) -> None:
    """A page does not cost a write each time; when it does, the address is noted too."""
    user, browser = await signed_in(house)
    first = (await house.sessions(user))[0]
    house.clock.now += 59
    await note_use(house.server, house.call("192.0.2.77", browser.cookies))
    assert (await house.sessions(user))[0] == first
    house.clock.now += 1
    await note_use(house.server, house.call("192.0.2.77", browser.cookies))
    noted = (await house.sessions(user))[0]
    assert noted == replace(first, seen_at=first.seen_at + 60, address="192.0.2.77")


async def test_a_suspended_user_has_no_session(house: House) -> None:
    """It is as if there were none, at once."""
    user, browser = await signed_in(house)
    assert await current(house, browser) is not None
    async with house.server.store.writing() as tx:
        await tx.users.replace(replace(user, status="suspended"))
    assert await current(house, browser) is None


async def test_a_session_counts_in_its_environment_only(house: House, store: SqlStore) -> None:
    """The same cookie at another environment's server of the same store is nobody's."""
    _, browser = await signed_in(house)
    other = make_house(store, environment="test")
    other.clock.now = house.clock.now
    assert await current(other, browser) is None
    other.passwords.close()


@pytest.mark.parametrize("secret", ["", "x", "wgss_short", "wgat_" + "A" * 43, "wgss_" + "A" * 43])
async def test_what_is_no_secret_is_nobody(house: House, secret: str) -> None:
    """Neither form nor chance makes a session."""
    await signed_in(house)
    call = house.call(cookies={cookie_name(house.server.settings): secret})
    async with house.server.store.reading() as tx:
        assert await current_session(house.server, tx, call) is None


async def test_the_plain_cookie_is_for_plain_issuers(store: SqlStore) -> None:
    """On loopback without TLS the prefix and Secure cannot be had; over TLS a cookie without the prefix is not read."""
    plain = make_house(store, issuer="http://localhost:8080")
    await plain.user()
    answer = await plain.browser().sign_in()
    cookies = answer.headers.get_list("set-cookie")
    assert cookies[0].startswith("wardgate=wgss_")
    assert not any("Secure" in each or "__Host" in each for each in cookies)
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in cookies)
    secret = cookies[0].partition(";")[0].partition("=")[2]
    secure = make_house(store)
    secure.clock.now = plain.clock.now
    async with secure.server.store.reading() as tx:
        call = secure.call(cookies={"wardgate": secret})
        assert await current_session(secure.server, tx, call) is None
    plain.passwords.close()
    secure.passwords.close()


async def test_signing_out_ends_session_and_access(house: House) -> None:
    """The cookie is deleted and worth nothing; applications lose what they got in it, unless they may keep it."""
    user, browser = await signed_in(house)
    session = (await house.sessions(user))[0]
    passing = await grant_in(house, session, "openid", "orders.read")
    lasting = await grant_in(house, session, "openid", "offline_access")
    secret = browser.session
    answer = await browser.post("/oauth2/account/logout")
    assert location(answer) == "/oauth2/login?done=signed-out"
    assert "__Host-wardgate=; " in answer.headers.get_list("set-cookie")[0]
    assert "You are signed out." in (await browser.get(location(answer))).text
    browser.plant("__Host-wardgate", secret)
    assert await current(house, browser) is None
    assert not await is_live(house, passing)
    assert await is_live(house, lasting)


async def test_signing_out_takes_a_form_of_ours(house: House) -> None:
    """A link or another site's form signs nobody out."""
    _, browser = await signed_in(house)
    assert (await browser.get("/oauth2/account/logout")).status_code == 405
    assert (await browser.post("/oauth2/account/logout", origin="https://evil.example")).status_code == 403
    assert await current(house, browser) is not None


async def test_sessions_are_listed_and_ended(house: House) -> None:
    """Each browser is told by system, address and time; one that is ended is signed out at once."""
    user, browser = await signed_in(house)
    other = house.browser("203.0.113.5")
    await other.sign_in()
    page = await browser.get("/oauth2/account/sessions")
    assert page.text.count("Firefox on Linux") >= 2
    assert "203.0.113.5" in page.text
    assert page.text.count("(this one)") == 1
    session = forms(page)["/oauth2/account/sessions/end"]["session"]
    answer = await browser.post("/oauth2/account/sessions/end", {"session": session})
    assert "The session was ended." in (await browser.get(location(answer))).text
    assert await current(house, other) is None
    assert await current(house, browser) is not None
    assert len(await house.sessions(user)) == 1


async def test_all_others_are_ended_together(house: House) -> None:
    """But for the one it is done from."""
    user, browser = await signed_in(house)
    for _ in range(3):
        await house.browser().sign_in()
    assert len(await house.sessions(user)) == 4
    await browser.post("/oauth2/account/sessions/end-others")
    assert len(await house.sessions(user)) == 1
    assert await current(house, browser) is not None


async def test_anothers_session_cannot_be_ended(house: House) -> None:
    """Its id in the form does nothing."""
    _, browser = await signed_in(house)
    bob = await house.user("bob")
    theirs = house.browser()
    await theirs.sign_in("bob")
    session = (await house.sessions(bob))[0]
    await browser.post("/oauth2/account/sessions/end", {"session": session.id})
    assert await current(house, theirs) is not None


async def test_ending_is_for_good(house: House) -> None:
    """A page that noted the use of a session at that moment does not bring it back."""
    user, browser = await signed_in(house)
    session = (await house.sessions(user))[0]
    async with house.server.store.writing() as tx:
        await end_sessions(house.server, tx, [session])
        await tx.sessions.replace(replace(session, seen_at=house.clock()))
    assert await current(house, browser) is None
