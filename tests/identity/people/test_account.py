"""One's own pages: for whoever is signed in, and what matters for whoever has just signed in."""

from __future__ import annotations

import httpx2
import pytest
from tests.identity.people.house import PASSWORD, Browser, House, alert, forms, location, options_of
from tests.identity.people.test_passkeys import with_passkey

from wardgate.domain.people import User
from wardgate.identity.claims import claims_for
from wardgate.identity.people.endpoints import ROUTES
from wardgate.identity.people.profile import MORE

NEW = "meadow lantern quartz boat"
PAGES = [
    route.path
    for route in ROUTES
    if route.methods == ("GET",) and route.path.startswith("/oauth2/account")
    and route.path.rpartition("/")[2] not in ("forgot", "reset", "new", "join", "verify")
]  # fmt: skip
FORMS = [
    route.path
    for route in ROUTES
    if route.methods == ("POST",) and route.path.startswith("/oauth2/account")
    and route.path.rpartition("/")[2] not in ("forgot", "reset", "new", "join", "verify", "logout")
]  # fmt: skip


async def signed_in(house: House) -> tuple[User, Browser]:
    """A person at a browser."""
    user, browser = await house.user(), house.browser()
    await browser.sign_in()
    return user, browser


async def change(browser: Browser, current: str, password: str, again: str | None = None) -> httpx2.Response:
    """Sends the form of the password."""
    form = {"current": current, "password": password, "again": password if again is None else again}
    return await browser.post("/oauth2/account/security/password", form)


def test_every_page_is_known_here() -> None:
    """A new page is tested with the others below."""
    assert len(PAGES) == 6
    assert len(FORMS) == 11


@pytest.mark.parametrize("path", PAGES)
async def test_pages_ask_for_a_sign_in(house: House, path: str) -> None:
    """Without a session every page leads to the sign-in, which comes back to it or to the page above it."""
    to = location(await house.browser().get(path))
    assert to.startswith("/oauth2/login?next=")


@pytest.mark.parametrize("path", FORMS)
async def test_forms_do_nothing_without_a_sign_in(house: House, path: str) -> None:
    """Without a session nothing is done, and nothing is said but where to sign in."""
    answer = await house.browser().post(path, {"password": NEW, "again": NEW, "email": "x@example.com"})
    assert location(answer).startswith("/oauth2/login?next=")
    assert await house.mails() == []


@pytest.mark.parametrize("path", FORMS)
async def test_forms_come_from_our_own_pages(house: House, path: str) -> None:
    """A form of another site is refused although the browser is signed in."""
    _, browser = await signed_in(house)
    for origin in ("https://evil.example", "https://id.example.org.evil.example", "null", None):
        answer = await browser.post(path, {}, origin=origin)
        assert (answer.status_code, "This form came from elsewhere" in answer.text) == (403, True)


@pytest.mark.parametrize("path", [*PAGES, "/oauth2/login", "/oauth2/account/forgot"])
async def test_pages_are_guarded_by_headers(house: House, path: str) -> None:
    """No frame, no script but our own where a page needs one, no copy in a cache, no sniffing."""
    _, browser = await signed_in(house)
    await browser.post("/oauth2/account/security/app")
    answer = await browser.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    if "svg" not in path:
        # Sign-in opens in pop-ups of applications, which must keep their opener; a person's own pages do not.
        alone = "same-origin" if path in PAGES else None
        assert answer.headers.get("cross-origin-opener-policy") == alone
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("script-src 'self'" in policy) is ("<script" in answer.text)
        for inline in ("<style", " style=", " onclick=", "javascript:"):
            assert inline not in answer.text


@pytest.mark.parametrize("path", [each for each in [*PAGES, *FORMS] if "security" in each or "email" in each])
async def test_what_matters_asks_again_after_ten_minutes(house: House, path: str) -> None:
    """A browser left alone lets nobody change how one signs in; its owner is asked once more."""
    _, browser = await signed_in(house)
    house.clock.now += 601
    answer = await (browser.post(path, {"email": "x@example.com"}) if path in FORMS else browser.get(path))
    assert location(answer).startswith("/oauth2/login?next=")
    assert await house.mails() == []
    assert (await browser.get("/oauth2/account")).status_code == 200


async def test_signing_in_again_comes_back(house: House) -> None:
    """The page says why it asks, knows the name, and leads to where one wanted to go."""
    _, browser = await signed_in(house)
    house.clock.now += 601
    page = await browser.get(location(await browser.get("/oauth2/account/security")))
    assert "show once more that it is you" in page.text
    fields = forms(page)["/oauth2/login"]
    assert fields["name"] == "ada"
    assert location(await browser.sign_in(next=fields["next"])) == "/oauth2/account/security"


async def test_the_profile_is_shown_and_stored_as_text(house: House) -> None:
    """What people call themselves is escaped, kept as it is, and dropped when emptied; other claims stay."""
    user = await house.user(profile={"zoneinfo": "Europe/Vienna"})
    browser = house.browser()
    await browser.sign_in()
    name = '<script>alert("Ada")</script>'
    done = await browser.post("/oauth2/account/profile", {"name": name, "given_name": " Ada "})
    page = await browser.get(location(done))
    assert "Your profile was saved." in page.text
    assert "<script>alert" not in page.text
    assert forms(page)["/oauth2/account/profile"]["name"] == name
    assert (await house.reload(user)).profile == {
        "zoneinfo": "Europe/Vienna",
        "name": name,
        "given_name": "Ada",
    }
    await browser.post("/oauth2/account/profile", {"name": ""})
    assert (await house.reload(user)).profile == {"zoneinfo": "Europe/Vienna"}


async def test_applications_learn_when_the_profile_changed(house: House) -> None:
    """``updated_at`` moves with a change, and with nothing else: not with the same sent again, nor a new password."""
    user, browser = await signed_in(house)
    for form, moves in (({"name": "Ada B."}, True), ({"name": "Ada B."}, False), ({"name": ""}, True)):
        before = claims_for(await house.reload(user), ("profile",))["updated_at"]
        house.clock.now += 100
        await browser.post("/oauth2/account/profile", form)
        said = claims_for(await house.reload(user), ("profile",))["updated_at"]
        assert said == (int(house.clock.now) if moves else before)
    await change(browser, PASSWORD, "another violin cactus river")
    assert claims_for(await house.reload(user), ("profile",))["updated_at"] == said


@pytest.mark.parametrize("name", ["x" * 201, "two\r\nlines", "a\u202eb"])
async def test_names_are_one_short_line(house: House, name: str) -> None:
    """Longer ones, line breaks and marks that turn the text around are refused and said."""
    user, browser = await signed_in(house)
    answer = await browser.post("/oauth2/account/profile", {"name": name})
    assert (answer.status_code, alert(answer)) == (400, "Names have at most 200 characters, on one line.")
    assert (await house.reload(user)).profile == user.profile


TOLD = {
    "name": "Ada",
    "nickname": "Ad",
    "phone_number": "+43 (1) 234-567",
    "address.locality": "Wien",
    "address.country": "Austria",
    "website": "https://ada.example/",
    "birthdate": "1990-12-31",
    "zoneinfo": "Europe/Vienna",
    "locale": "de-AT",
}


async def test_every_claim_that_scopes_open_can_be_given(house: House) -> None:
    """Also those of ``address`` and ``phone``, which nobody here has checked; what is emptied is gone."""
    user, browser = await signed_in(house)
    await browser.post("/oauth2/account/profile", TOLD)
    person = await house.reload(user)
    assert claims_for(person, ("address", "phone")) == {
        "address": {"locality": "Wien", "country": "Austria"},
        "phone_number": "+431234567",
        "phone_number_verified": False,
    }
    said = claims_for(person, ("profile",))
    assert said == {**said, **{name: value for name, value in TOLD.items() if name in said}}
    assert {"nickname", "website", "birthdate", "zoneinfo", "locale"} <= said.keys()
    shown = forms(await browser.get("/oauth2/account"))["/oauth2/account/profile"]
    assert (shown["address.locality"], shown["phone_number"]) == ("Wien", "+431234567")
    await browser.post("/oauth2/account/profile", {**dict.fromkeys(TOLD, ""), "name": "Ada"})
    assert (await house.reload(user)).profile == {"name": "Ada"}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("phone_number", "0123"),
        ("phone_number", "+1"),
        ("website", "javascript:alert(1)"),
        ("picture", "http://ada.example/me.png"),
        ("birthdate", "1990-02-30"),
        ("birthdate", "31.12.1990"),
        ("zoneinfo", "../../etc/passwd"),
        ("locale", "deutsch!"),
        ("address.country", "a\nb"),
    ],
)
async def test_a_claim_has_the_form_applications_expect(house: House, field: str, text: str) -> None:
    """OIDC core section 5.1; what was sent is there to be put right, and nothing is stored."""
    user, browser = await signed_in(house)
    answer = await browser.post("/oauth2/account/profile", {"name": "Ada", field: text})
    assert answer.status_code == 400
    assert alert(answer).startswith(next(each.text for each in MORE if each.name == field))
    assert "<details open>" in answer.text
    assert (await house.reload(user)).profile == user.profile


async def test_the_password_is_changed(house: House) -> None:
    """The new one signs in, the old one does not; other sessions end, this one stays; the owner hears of it."""
    user, browser = await signed_in(house)
    other = house.browser()
    await other.sign_in()
    done = await change(browser, PASSWORD, NEW)
    assert "Your password was changed." in (await browser.get(location(done))).text
    assert location(await other.get("/oauth2/account")).startswith("/oauth2/login")
    assert len(await house.sessions(user)) == 1
    assert alert(await house.browser("192.0.2.50").sign_in()) == "The name or the password is wrong."
    assert location(await house.browser("192.0.2.51").sign_in(password=NEW)) == "/oauth2/account"
    assert (await house.mails())[-1].subject == "Your password was changed"


@pytest.mark.parametrize(
    ("current", "password", "again", "said"),
    [
        ("wrong guess", NEW, NEW, "The present password is wrong."),
        (PASSWORD, NEW, NEW + "x", "The two passwords are not the same."),
        (PASSWORD, "short", "short", "Use at least 12 characters."),
        (PASSWORD, "password1234", "password1234", "among the first that are tried"),
        (PASSWORD, "ada@example.com1", "ada@example.com1", "among the first that are tried"),
    ],
)
async def test_a_password_that_will_not_do(
    house: House, current: str, password: str, again: str, said: str
) -> None:
    """The reason is announced, the old password stays, and no field shows what was typed."""
    _, browser = await signed_in(house)
    answer = await change(browser, current, password, again)
    assert answer.status_code == 400
    assert said in alert(answer)
    assert password not in answer.text
    assert location(await house.browser("192.0.2.50").sign_in()) == "/oauth2/account"


async def test_the_present_password_cannot_be_guessed_there(house: House) -> None:
    """Who sits at an open browser gets as many guesses as at the sign-in page."""
    _, browser = await signed_in(house)
    for _ in range(10):
        assert alert(await change(browser, "wrong guess", NEW)) == "The present password is wrong."
    answer = await change(browser, PASSWORD, NEW)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_an_account_without_password_gets_one(house: House) -> None:
    """Whoever signed in otherwise just now is not asked for a present one."""
    user = await house.user("fred", password=None)
    browser = house.browser()
    device = await with_passkey(house, user)
    page = await browser.get("/oauth2/login")
    await browser.post("/oauth2/login", {"credential": device.get(options_of(page))})
    page = await browser.get("/oauth2/account/security")
    assert "current" not in forms(page)["/oauth2/account/security/password"]
    assert location(await change(browser, "", NEW)).endswith("?done=password")


async def test_an_app_is_added_and_removed(house: House) -> None:
    """Shown as a picture and in letters; a wrong code adds nothing; with the last factor the recovery codes go."""
    user, browser = await signed_in(house)
    page = await browser.post("/oauth2/account/security/app")
    assert "/oauth2/account/security/app/code.svg" in page.text
    picture = await browser.get("/oauth2/account/security/app/code.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    wrong = await browser.post("/oauth2/account/security/app/confirm", {"code": "000000"})
    assert alert(wrong) == "This is not the code the app shows now."
    secret = page.text.partition('<p class="code">')[2].partition("<")[0].replace(" ", "")
    done = await browser.post(
        "/oauth2/account/security/app/confirm", {"code": house.code(secret), "label": "<b>Phone</b>"}
    )
    page = await browser.get(location(done))
    assert "&lt;b&gt;Phone&lt;/b&gt;" in page.text
    codes = await browser.post("/oauth2/account/security/codes")
    assert codes.text.count("<li>") >= 10
    assert "10 left" in (await browser.get("/oauth2/account/security")).text
    factor = forms(page)["/oauth2/account/security/remove"]["factor"]
    await browser.post("/oauth2/account/security/remove", {"factor": factor})
    async with house.server.store.reading() as tx:
        assert [each.kind for each in await tx.factors.of_user(user.id)] == ["password"]
    subjects = [mail.subject for mail in await house.mails()]
    assert subjects == [
        "An app for one-time codes was added to your account",
        "New recovery codes were made for your account",
        "An app for one-time codes was removed from your account",
    ]


async def test_factors_are_ones_own(house: House) -> None:
    """Another's factor and the password itself cannot be removed by their id; codes need a factor to stand in for."""
    _, browser = await signed_in(house)
    bob = await house.user("bob")
    async with house.server.store.reading() as tx:
        theirs = (await tx.factors.of_user(bob.id))[0]
        ada = await tx.users.named("ada")
        assert ada is not None
        password = (await tx.factors.of_user(ada.id))[0]
    for factor in (theirs, password):
        answer = await browser.post("/oauth2/account/security/remove", {"factor": factor.id})
        assert (answer.status_code, alert(answer)) == (400, "It is not there any more.")
    answer = await browser.post("/oauth2/account/security/codes")
    assert alert(answer) == "Add an app or a passkey first."


async def test_the_picture_needs_a_secret_that_waits(house: House) -> None:
    """Without one there is nothing to draw, and the page leads back."""
    _, browser = await signed_in(house)
    assert (await browser.get("/oauth2/account/security/app/code.svg")).status_code == 404
    assert location(await browser.get("/oauth2/account/security/app")) == "/oauth2/account/security"


async def test_nobody_hears_of_unverified_addresses(house: House) -> None:
    """What is done to an account is told to an address that is known to be its owner's only."""
    await house.user(email_verified=False)
    browser = house.browser()
    await browser.sign_in()
    await change(browser, PASSWORD, NEW)
    assert await house.mails() == []
