"""Letting a device in: only by a person who saw what it is and wants, and never by guessing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.front import (
    ACR_TWO,
    ISSUER,
    SECRETS,
    Answer,
    Browser,
    Clock,
    add_client,
    add_user,
    api_call,
    count,
)

from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.domain.people import Role
from wardgate.identity import authorize, device_authorization, device_page
from wardgate.identity.ports import DeviceCode
from wardgate.identity.server import Server

ROUTES = (*authorize.ROUTES, *device_page.ROUTES)
PATH = "/oauth2/device"


@pytest.fixture
def browser(server: Server) -> Browser:
    """The browser of the person."""
    return Browser(server, ROUTES)


async def add_tv(server: Server, **settings: Any) -> Client:
    """A client for devices."""
    return await add_client(
        server,
        **{
            "authentication": "client_secret_post",
            "grant_types": (DEVICE_CODE, "refresh_token"),
            "redirect_uris": (),
            "trusted": True,
            **settings,
        },
    )


async def ask(server: Server, client: Client, scope: str = "openid orders.read") -> tuple[str, DeviceCode]:
    """A device that begins: its user code, and what is stored."""
    form = {"client_id": client.id, "client_secret": SECRETS[client.id], "scope": scope}
    reply = await device_authorization.handle(server, api_call("/oauth2/device_authorization", form=form))
    document = json.loads(reply.body)
    return document["user_code"], await stored(server, document["device_code"])


async def stored(server: Server, device_code: str) -> DeviceCode:
    """The code in the store."""
    async with server.store.reading() as tx:
        found = await tx.device_codes.find(server.digest(device_code))
    assert found is not None
    return found


async def now_stored(server: Server, code: DeviceCode) -> DeviceCode:
    """What became of it."""
    async with server.store.reading() as tx:
        found = await tx.device_codes.find(code.digest)
    assert found is not None
    return found


async def entered(browser: Browser, user_code: str) -> Answer:
    """The page that shows what the code is for."""
    answer = await browser.post(PATH, {"user_code": user_code})
    assert answer.reply.page == "device.html", answer.text
    return answer


async def decide(browser: Browser, shown: Answer, decision: str = "allow") -> Answer:
    """The person's answer to it."""
    form = {"request": shown.reply.context["handle"], "decision": decision}
    return await browser.post(PATH, form)


async def test_a_device_is_let_in(server: Server, browser: Browser) -> None:
    """Sign in, enter the code, see who asks for what, allow: the device has a grant that outlives the session."""
    client = await add_tv(server, name="<TV>")
    user_code, code = await ask(server, client)
    first = await browser.get(PATH, {"user_code": user_code})
    assert first.location.startswith(f"{ISSUER}/oauth2/login?request=wgot_")
    assert user_code not in first.location
    user = await add_user(server)
    await browser.sign_in(user)
    back = await browser.get("/oauth2/authorize", {"continue": first.location.partition("=")[2]})
    form = await browser.follow(back)
    assert f'value="{user_code}"' in form.text
    assert (await now_stored(server, code)).status == "pending", "seeing the code does nothing"
    shown = await entered(browser, user_code.lower().replace("-", " "))
    for expected in ("&lt;TV&gt;", "Ann Ash", "Know who you are", "orders.read", "take this back"):
        assert expected in shown.text
    assert (await now_stored(server, code)).status == "pending"
    done = await decide(browser, shown)
    assert "connected" in done.text
    after = await now_stored(server, code)
    assert after.status == "approved"
    async with server.store.reading() as tx:
        grant = await tx.grants.get(after.grant)
    assert grant is not None
    assert (grant.subject, grant.client, grant.scopes) == (user.id, client.id, ("openid", "orders.read"))
    assert (grant.kind, grant.session) == ("device_code", "")


async def test_a_device_is_refused(server: Server, browser: Browser) -> None:
    """No is final, and makes no grant."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    shown = await entered(browser, user_code)
    assert "Nothing was allowed" in (await decide(browser, shown, "deny")).text
    assert (await now_stored(server, code)).status == "denied"
    assert (await decide(browser, shown)).status == 400
    assert await count(server, "grants") == 0
    assert "not known" in (await browser.post(PATH, {"user_code": user_code})).text


async def test_the_address_never_approves(server: Server, browser: Browser) -> None:
    """Whatever stands in a link, opening it changes nothing."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    shown = await entered(browser, user_code)
    for query in (
        {"user_code": user_code, "decision": "allow"},
        {"request": shown.reply.context["handle"], "decision": "allow"},
    ):
        assert (await browser.get(PATH, query)).status == 200
    assert (await now_stored(server, code)).status == "pending"


async def test_an_answer_without_the_page_counts_for_nothing(server: Server, browser: Browser) -> None:
    """A forged form with the code, a made-up handle, or one that waits for a sign-in approves nothing."""
    user_code, code = await ask(server, await add_tv(server))
    first = await browser.get(PATH, {"user_code": user_code})
    await browser.sign_in(await add_user(server))
    for form in (
        {"user_code": user_code, "decision": "allow"},
        {"request": "wgot_" + "a" * 43, "decision": "allow"},
        {"request": first.location.partition("=")[2], "decision": "allow"},
    ):
        assert (await browser.post(PATH, form)).status == 400
    shown = await entered(browser, user_code)
    assert (await decide(browser, shown, "maybe")).status == 400
    assert (await now_stored(server, code)).status == "pending"


async def test_another_browser_or_person_cannot_answer(server: Server, browser: Browser) -> None:
    """The handle is bound to the browser and to the session the page was shown to."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    shown = await entered(browser, user_code)
    other = Browser(server, ROUTES)
    eve = await add_user(server, "eve")
    await other.sign_in(eve)
    assert (await decide(other, shown)).status == 403
    await browser.sign_in(eve)
    assert "Somebody else" in (await decide(browser, shown)).text
    browser.cookies.clear()
    assert "/oauth2/login" in (await decide(browser, shown)).location
    assert (await now_stored(server, code)).status == "pending"


@pytest.mark.every_database
async def test_codes_are_answered_once(server: Server, browser: Browser) -> None:
    """Two pages of one code, answered at once: one counts."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    pages = [await entered(browser, user_code) for _ in range(4)]
    answers = await asyncio.gather(*(decide(browser, page) for page in pages))
    assert sum("connected" in answer.text for answer in answers) == 1
    async with server.store.reading() as tx:
        assert len(await tx.grants.find(now=server.clock())) == 1
    assert (await now_stored(server, code)).status == "approved"


async def test_codes_that_are_none(server: Server, browser: Browser, clock: Clock) -> None:
    """Unknown, malformed and expired ones look alike."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    texts = set()
    for typed in ("BCDFGHJK", "", "<script>", user_code + "B"):
        answer = await browser.post(PATH, {"user_code": typed})
        assert answer.status == 400
        assert "<script" not in answer.text
        texts.add(answer.reply.context["error"])
    clock.now = code.expires_at
    texts.add((await browser.post(PATH, {"user_code": user_code})).reply.context["error"])
    assert len(texts) == 1


async def test_a_page_seen_in_time_and_answered_too_late(
    server: Server, browser: Browser, clock: Clock
) -> None:
    """The code's end counts at the answer."""
    user_code, code = await ask(server, await add_tv(server))
    await browser.sign_in(await add_user(server))
    shown = await entered(browser, user_code)
    clock.now = code.expires_at
    assert "good no more" in (await decide(browser, shown)).text
    assert await count(server, "grants") == 0


@pytest.mark.every_database
async def test_guessing_is_slowed(server: Server, browser: Browser) -> None:
    """After some attempts a right code is not even looked at; a burst gets no more guesses."""
    user_code, _ = await ask(server, await add_tv(server))
    user = await add_user(server)
    await browser.sign_in(user)
    answers = await asyncio.gather(
        *(browser.post(PATH, {"user_code": f"BCDFGHJ{letter}"}) for letter in "BCDFGHJKLMNPQRST")
    )
    assert sum(answer.status == 400 for answer in answers) == 10
    assert sum(answer.status == 429 for answer in answers) == 6
    late = await browser.post(PATH, {"user_code": user_code})
    assert late.status == 429
    assert int(late.headers["retry-after"]) >= 1
    assert "too many" in late.text
    elsewhere = Browser(server, ROUTES, address="198.51.100.9")
    await elsewhere.sign_in(user)
    assert (await elsewhere.post(PATH, {"user_code": user_code})).status == 429, "the account is slowed"
    other = Browser(server, ROUTES, address="198.51.100.9")
    await other.sign_in(await add_user(server, "bob"))
    assert (await other.post(PATH, {"user_code": user_code})).status == 200, "others are not"


async def test_a_right_code_buys_no_guesses(server: Server, browser: Browser) -> None:
    """Entering codes of one's own devices between guesses resets nothing."""
    client = await add_tv(server)
    await browser.sign_in(await add_user(server))
    for letter in "BCDFG":
        await browser.post(PATH, {"user_code": f"BCDFGHJ{letter}"})
        user_code, _ = await ask(server, client)
        await entered(browser, user_code)
    assert (await browser.post(PATH, {"user_code": "BCDFGHJK"})).status == 429


async def test_the_clients_assurance_counts(server: Server, browser: Browser, clock: Clock) -> None:
    """A sign-in that is too weak or too old is renewed first."""
    client = await add_tv(server, default_acr_values=(ACR_TWO,), default_max_age=0)
    user_code, _ = await ask(server, client)
    user = await add_user(server)
    await browser.sign_in(user)
    answer = await browser.post(PATH, {"user_code": user_code})
    handle = answer.location.partition("request=")[2]
    async with server.store.reading() as tx:
        record = await tx.once.look("authorize", server.digest(handle))
    assert record is not None
    assert record.document["acr"] == ACR_TWO
    await browser.sign_in(user, acr=ACR_TWO)
    clock.now += 60
    await entered(browser, user_code)
    clock.now += 300
    assert "/oauth2/login" in (await browser.post(PATH, {"user_code": user_code})).location


async def test_only_what_the_person_may_grant_is_granted(server: Server, browser: Browser) -> None:
    """Scopes that roles close are neither shown nor granted; nor what came to be open after the page."""
    user_code, code = await ask(server, await add_tv(server), "orders.read orders.write")
    user = await add_user(server)
    await browser.sign_in(user)
    async with server.store.writing() as tx:
        await tx.roles.put(Role(name="clerk", scopes=("orders.write",)))
    shown = await entered(browser, user_code)
    assert "orders.write" not in shown.text
    async with server.store.writing() as tx:
        await tx.users.set_roles(user.id, ["clerk"])
    await decide(browser, shown)
    async with server.store.reading() as tx:
        grant = await tx.grants.get((await now_stored(server, code)).grant)
    assert grant is not None
    assert grant.scopes == ("orders.read",)


async def test_a_client_suspended_meanwhile_is_not_let_in(server: Server, browser: Browser) -> None:
    """Neither shown nor answered."""
    client = await add_tv(server)
    user_code, code = await ask(server, client)
    await browser.sign_in(await add_user(server))
    shown = await entered(browser, user_code)
    async with server.store.writing() as tx:
        await tx.clients.replace(replace(client, status="suspended"))
    assert "not served" in (await decide(browser, shown)).text
    assert "not known" in (await browser.post(PATH, {"user_code": user_code})).text
    assert (await now_stored(server, code)).status == "pending"
