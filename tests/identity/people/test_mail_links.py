"""Links in mail: a new password, a verified address, an account of one's own. None tells who has an account."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.identity.people.house import PASSWORD, Browser, House, alert, forms, location, make_house

from wardgate.identity.people.links import DAY, HOUR
from wardgate.identity.people.reset import send_invitation
from wardgate.storage.database import SqlStore
from wardgate.storage.layout import database_path

NEW = "meadow lantern quartz boat"
VOID = "This link does not work any more"


async def ask(browser: Browser, name: str = "ada") -> str:
    """Asks for a new password; the page that answers."""
    answer = await browser.post("/oauth2/account/forgot", {"name": name})
    assert answer.status_code == 200
    return answer.text


async def choose(browser: Browser, link: str, password: str = NEW) -> httpx2.Response:
    """Opens a link and sends its form."""
    page = await browser.get(link)
    assert page.status_code == 200
    action, form = next(iter(forms(page).items()))
    return await browser.post(action, {**form, "password": password, "again": password})


async def test_a_forgotten_password_is_chosen_anew(house: House) -> None:
    """The link sets it, ends every session, and is told of; the new password signs in."""
    user = await house.user()
    signed_in, browser = house.browser(), house.browser()
    await signed_in.sign_in()
    await ask(browser, "ADA@example.com")
    mail = (await house.mails())[0]
    assert (mail.to, mail.subject) == ("ada@example.com", "Choose a new password")
    assert "your password stays as it is" in mail.body
    done = await choose(browser, await house.link())
    assert "Your password was set." in (await browser.get(location(done))).text
    assert await house.sessions(user) == []
    assert location(await browser.sign_in(password=NEW)) == "/oauth2/account"
    assert (await house.mails())[-1].subject == "Your password was set by a link from your mail"


async def test_asking_tells_nothing(house: House) -> None:
    """Known, unknown, suspended, unverified: one page, and one write each; mail goes to the known ones only."""
    await house.user("ada")
    await house.user("sue", status="suspended")
    await house.user("una", email_verified=False)
    await house.user("nomail", email="", email_verified=False)
    names = ("ada", "nobody", "sue", "una", "nomail", "ada@example.com", "x@example.com", "")
    pages, versions = [], []
    with closing(sqlite3.connect(database_path(house.server.store.data_dir))) as watching:
        for number, name in enumerate(names):
            pages.append(await ask(house.browser(f"192.0.2.{number}"), name))
            versions.append(watching.execute("PRAGMA data_version").fetchone()[0])
    assert len(set(pages)) == 1
    assert len(set(versions)) == len(names), "one that wrote nothing would be told by its time"
    assert [mail.to for mail in await house.mails()] == ["ada@example.com"] * 2


async def test_opening_a_link_uses_nothing_up(house: House) -> None:
    """Scanners of mail may open it as often as they like; its form works once."""
    await house.user()
    await ask(house.browser())
    link = await house.link()
    for _ in range(3):
        page = await house.browser().get(link)
        assert page.status_code == 200
        assert page.headers["referrer-policy"] == "same-origin"
    assert location(await choose(house.browser(), link)).startswith("/oauth2/login")
    assert VOID in (await house.browser().get(link)).text
    form = {"token": parse_qs(urlsplit(link).query)["token"][0], "password": NEW, "again": NEW}
    again = await house.browser().post("/oauth2/account/reset", form)
    assert (again.status_code, VOID in again.text) == (400, True)


@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.com!"])
async def test_a_refused_password_leaves_the_link(house: House, password: str) -> None:
    """The reason is announced, the link works still, the password is not shown."""
    await house.user()
    await ask(house.browser())
    link = await house.link()
    refused = await choose(house.browser(), link, password)
    assert refused.status_code == 400
    assert alert(refused)
    assert f'value="{password}"' not in refused.text
    assert location(await choose(house.browser(), link)).startswith("/oauth2/login")


async def test_links_end(house: House) -> None:
    """After an hour; once the password was set in another way; when the account is closed."""
    user = await house.user()
    await ask(house.browser())
    await ask(house.browser())
    first, second = await house.link(0), await house.link(1)
    await choose(house.browser(), first)
    assert VOID in (await house.browser().get(second)).text
    await ask(house.browser())
    third = await house.link()
    house.clock.now += HOUR
    assert VOID in (await house.browser().get(third)).text
    await ask(house.browser("192.0.2.40"))
    fourth = await house.link()
    async with house.server.store.writing() as tx:
        await tx.users.remove(user.id)
    assert VOID in (await house.browser().get(fourth)).text


@pytest.mark.parametrize("token", ["", "wgot_short", "wgot_" + "A" * 43, "wgss_" + "A" * 43, "%00"])
@pytest.mark.parametrize("path", ["reset", "verify", "join"])
async def test_made_up_links_open_nothing(store: SqlStore, path: str, token: str) -> None:
    """Whatever stands in the place of the token."""
    house = make_house(store, open_signup=True)
    answer = await house.browser().get(f"/oauth2/account/{path}?token={token}")
    assert answer.status_code == 400
    assert (VOID in answer.text) is (token != "%00")


async def test_a_link_is_for_its_page(store: SqlStore) -> None:
    """A link that verifies an address neither sets a password nor makes an account, and so on around."""
    house = make_house(store, open_signup=True)
    await house.user()
    browser = house.browser()
    await browser.sign_in()
    await browser.post("/oauth2/account/email", {"email": "new@example.com"})
    verify = next(mail for mail in await house.mails() if mail.to == "new@example.com")
    await browser.post("/oauth2/account/new", {"email": "eve@example.com"})
    await ask(browser)
    tokens = {}
    for kind, mail in (("verify", verify), *zip(("join", "reset"), (await house.mails())[-2:], strict=True)):
        tokens[kind] = mail.body.partition("token=")[2].split()[0]
    for page in tokens:
        for kind, token in tokens.items():
            answer = await browser.get(f"/oauth2/account/{page}?token={token}")
            assert (answer.status_code == 200) is (page == kind), (page, kind)
            if page != kind:
                form = {"token": token, "password": NEW, "again": NEW}
                await browser.post(f"/oauth2/account/{page}", form)
    assert location(await house.browser().sign_in()) == "/oauth2/account"
    house.passwords.close()


async def test_asking_is_bounded(house: House) -> None:
    """Three mails an hour to one account, twenty questions an hour from one address; both are over in time."""
    await house.user()
    for number in range(6):
        await ask(house.browser(f"192.0.2.{number}"))
    assert len(await house.mails()) == 3
    for number in range(20):
        await ask(house.browser("198.51.100.7"), f"user{number}")
    answer = await house.browser("198.51.100.7").post("/oauth2/account/forgot", {"name": "ada"})
    assert answer.status_code == 429
    assert "Too many attempts" in alert(answer)
    house.clock.now += HOUR
    await ask(house.browser("198.51.100.7"))
    assert len(await house.mails()) == 4


async def test_an_invitation_lasts_a_week(house: House) -> None:
    """It sets the first password and verifies the address it was sent to."""
    user = await house.user("ida", password=None, email_verified=False)
    async with house.server.store.writing() as tx:
        url = await send_invitation(house.server, tx, user)
    assert (await house.mails())[0].to == "ida@example.com"
    house.clock.now += 6 * DAY
    link = url.removeprefix(house.server.settings.issuer)
    assert location(await choose(house.browser(), link)).startswith("/oauth2/login")
    stored = await house.reload(user)
    assert (stored.email_verified, stored.claims_at) == (True, house.clock.now)
    assert location(await house.browser().sign_in("ida", NEW)) == "/oauth2/account"


async def test_an_address_is_verified_by_its_mailbox(house: House) -> None:
    """Until the link is used the old one stays; the old one hears of it; a link works once."""
    user = await house.user()
    browser = house.browser()
    await browser.sign_in()
    answer = await browser.post("/oauth2/account/email", {"email": "new@example.com"})
    assert "A link was sent to the new address." in (await browser.get(location(answer))).text
    first, second = await house.mails()
    assert [first.to, second.to] == ["new@example.com", "ada@example.com"]
    link = await house.link(0)
    page = await house.browser().get(link)
    assert "new@example.com" in page.text
    assert (await house.reload(user)).email == "ada@example.com"
    form = forms(page)["/oauth2/account/verify"]
    assert location(await house.browser().post("/oauth2/account/verify", form)).endswith("?done=verified")
    stored = await house.reload(user)
    assert (stored.email, stored.email_verified) == ("new@example.com", True)
    assert stored.claims_at == house.clock.now
    assert VOID in (await house.browser().post("/oauth2/account/verify", form)).text


@pytest.mark.parametrize("since", ["password", "address", "suspended"])
async def test_a_link_to_another_address_does_not_outlive_the_account_it_was_asked_in(
    house: House, since: str
) -> None:
    """Somebody was in the account for a moment, and asked for an address of theirs. Once its owner has set a password
    by mail, or proved another address, that link moves the account nowhere."""
    user = await house.user()
    thief = house.browser()
    await thief.sign_in()
    await thief.post("/oauth2/account/email", {"email": "thief@example.com"})
    link = await house.link(0)
    page = await thief.get(link)
    assert "the account <strong>ada</strong>" in page.text
    form = forms(page)["/oauth2/account/verify"]
    if since == "password":
        await ask(house.browser())
        await choose(house.browser(), await house.link())
    elif since == "address":
        await thief.post("/oauth2/account/email", {"email": "ada@example.org"})
        own = next(mail for mail in await house.mails() if mail.to == "ada@example.org")
        token = own.body.partition("token=")[2].split()[0]
        await house.browser().post("/oauth2/account/verify", {"token": token})
    else:
        async with house.server.store.writing() as tx:
            await tx.users.replace(replace(user, status="suspended"))
    assert VOID in (await house.browser().get(link)).text
    assert VOID in (await house.browser().post("/oauth2/account/verify", form)).text
    assert (await house.reload(user)).email == (
        "ada@example.org" if since == "address" else "ada@example.com"
    )


@pytest.mark.parametrize(
    "email",
    ["", "x", "a@b@c.example", "a@example.com\r\nBcc: b@example.com", "a b@example.com", "<a@example.com>"],
)
async def test_what_is_no_address_gets_no_mail(house: House, email: str) -> None:
    """Nothing that could become two, or a header of its own."""
    await house.user()
    browser = house.browser()
    await browser.sign_in()
    answer = await browser.post("/oauth2/account/email", {"email": email})
    assert (answer.status_code, alert(answer)) == (400, "This is no e-mail address.")
    assert await house.mails() == []


async def test_mail_to_strangers_is_bounded(house: House) -> None:
    """An account cannot be used to flood other people's mailboxes."""
    await house.user(email="", email_verified=False)
    browser = house.browser()
    await browser.sign_in()
    for number in range(5):
        await browser.post("/oauth2/account/email", {"email": f"victim{number}@example.com"})
    answer = await browser.post("/oauth2/account/email", {"email": "victim@example.com"})
    assert (answer.status_code, "Too many mails" in alert(answer)) == (429, True)
    assert len(await house.mails()) == 5


async def test_sign_up_is_off_unless_an_operator_says_so(house: House) -> None:
    """None of its pages is there, and the sign-in page does not offer it."""
    browser = house.browser()
    for path in ("/oauth2/account/new", "/oauth2/account/join?token=x"):
        assert (await browser.get(path)).status_code == 404
    for path in ("/oauth2/account/new", "/oauth2/account/join"):
        assert (await browser.post(path, {"email": "eve@example.com"})).status_code == 404
    assert "Make an account" not in (await browser.get("/oauth2/login")).text
    assert await house.mails() == []


async def test_an_account_of_ones_own(store: SqlStore) -> None:
    """The mailbox proves the address, which becomes the name; then it signs in."""
    house = make_house(store, open_signup=True)
    browser = house.browser()
    assert "Make an account" in (await browser.get("/oauth2/login")).text
    await browser.post("/oauth2/account/new", {"email": "Eve@Example.com"})
    link = await house.link()
    assert location(await choose(browser, link)).startswith("/oauth2/login")
    assert location(await browser.sign_in("eve@example.com", NEW)) == "/oauth2/account"
    assert VOID in (await browser.get(link)).text
    house.passwords.close()


async def test_sign_up_tells_nothing(store: SqlStore) -> None:
    """The page is the same for an address that has an account; its mailbox is told, and no second account is made."""
    house = make_house(store, open_signup=True)
    await house.user()
    pages = [
        (await house.browser().post("/oauth2/account/new", {"email": email})).text
        for email in ("ada@example.com", "new@example.com")
    ]
    assert pages[0] == pages[1]
    known, unknown = await house.mails()
    assert "You have an account already" in known.body
    assert "token=" not in known.body
    assert "token=" in unknown.body
    await house.user("new@example.com", PASSWORD)
    answer = await choose(house.browser(), await house.link(1))
    assert "You have an account already" in answer.text
    assert location(await house.browser().sign_in("new@example.com")) == "/oauth2/account"
    house.passwords.close()
