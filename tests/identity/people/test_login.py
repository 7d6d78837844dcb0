"""Signing in through the pages: what is answered, to whom, and where it leads."""

from __future__ import annotations

import asyncio
import re

import httpx2
import pytest
from tests.identity import front
from tests.identity.people.authenticator import Authenticator
from tests.identity.people.house import (
    CHEAP,
    PASSWORD,
    Browser,
    CountingPasswords,
    House,
    alert,
    forms,
    location,
    make_house,
    options_of,
)

from wardgate.identity.people.passwords import HashParameters, Passwords
from wardgate.identity.people.recovery import make_codes
from wardgate.storage.database import SqlStore

WRONG = "The name or the password is wrong."


async def waiting_request(house: House, browser: Browser, **changes: object) -> str:
    """The address of the sign-in page that an application's request leads to."""
    client = await front.add_client(house.server)
    query = "&".join(f"{name}={value}" for name, value in front.request(client, **changes).items())
    answer = await browser.get(f"/oauth2/authorize?{query.replace(' ', '%20')}")
    return location(answer)


async def with_app(house: House, browser: Browser) -> str:
    """Adds an app to the account the browser is signed in to; its secret, once its first code is over."""
    await browser.post("/oauth2/account/security/app")
    secret = re.findall(
        r'<p class="code">([A-Z2-7 ]+)</p>', (await browser.get("/oauth2/account/security/app")).text
    )
    plain = secret[0].replace(" ", "")
    code = house.code(plain)
    assert location(await browser.post("/oauth2/account/security/app/confirm", {"code": code})).endswith(
        "totp"
    )
    house.clock.now += 90
    return str(plain)


async def test_name_and_password_sign_in(house: House) -> None:
    """To one's own account, with cookies no script reads, no other site sends and no plain connection carries."""
    await house.user()
    browser = house.browser()
    shown = await browser.get("/oauth2/login")
    assert forms(shown)["/oauth2/login"]["next"] == "account"
    answer = await browser.sign_in()
    assert location(answer) == "/oauth2/account"
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-wardgate")
        assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert (await browser.get("/oauth2/account")).status_code == 200


async def test_a_verified_address_is_a_name_too(house: House) -> None:
    """In any case; an address that is not verified, or that two have, is nobody's name."""
    await house.user("ada", email="Ada@Example.com")
    await house.user("bob", email_verified=False)
    await house.user("cid", email="shared@example.com")
    await house.user("dot", email="shared@example.com")
    assert location(await house.browser().sign_in("ada@example.COM")) == "/oauth2/account"
    for name in ("bob@example.com", "shared@example.com"):
        assert alert(await house.browser().sign_in(name)) == WRONG


async def test_every_failure_is_answered_alike(house: House) -> None:
    """A wrong password, an unknown name, a suspended user and an account without password: one answer, one check."""
    await house.user("ada")
    await house.user("sue", status="suspended")
    await house.user("fred", password=None)
    answers = []
    for name, password in (
        ("ada", "wrong guess"),
        ("nobody", PASSWORD),
        ("sue", PASSWORD),
        ("fred", PASSWORD),
    ):
        browser = house.browser()
        checks = house.passwords.checks
        answer = await browser.sign_in(name, password)
        assert house.passwords.checks == checks + 1, name
        assert browser.session == ""
        scrubbed = re.sub(r'data-options="[^"]*"', "", answer.text.replace(f'value="{name}"', 'value="x"'))
        answers.append((answer.status_code, alert(answer), scrubbed))
    assert answers[0][:2] == (400, WRONG)
    assert len(set(answers)) == 1


async def test_the_password_is_never_shown_again(house: House) -> None:
    """The page keeps the name, escaped, and not the password."""
    answer = await house.browser().sign_in('"><script>alert(1)</script>', "secret-in-the-field")
    assert "secret-in-the-field" not in answer.text
    assert "<script>alert" not in answer.text
    assert forms(answer)["/oauth2/login"]["name"] == '"><script>alert(1)</script>'


async def test_the_session_is_new_at_every_sign_in(house: House) -> None:
    """A secret that was planted is not taken over, and one that was there is worth nothing afterwards (fixation)."""
    user = await house.user()
    attacker, victim = house.browser(), house.browser()
    await attacker.sign_in()
    planted = attacker.session
    victim.plant("__Host-wardgate", planted)
    await victim.sign_in()
    assert victim.session
    assert victim.session != planted
    assert location(await attacker.get("/oauth2/account")) == "/oauth2/login?next=account"
    made_up = house.browser()
    made_up.plant("__Host-wardgate", "wgss_" + "A" * 43)
    await made_up.sign_in()
    assert made_up.session != "wgss_" + "A" * 43
    assert len(await house.sessions(user)) == 2


async def test_signing_in_again_keeps_the_sessions_id(house: House) -> None:
    """For the same person ``sid`` stays and the time of proof moves; another person's session there is ended."""
    ada, bob = await house.user(), await house.user("bob")
    browser = house.browser()
    await browser.sign_in()
    first = (await house.sessions(ada))[0]
    house.clock.now += 100
    await browser.sign_in()
    second = (await house.sessions(ada))[0]
    assert (second.id, second.auth_time) == (first.id, first.auth_time + 100)
    await browser.sign_in("bob")
    assert await house.sessions(ada) == []
    assert len(await house.sessions(bob)) == 1


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/oauth2/authorize",
    ],
)
@pytest.mark.parametrize("name", ["next", "return", "redirect_uri", "continue"])
async def test_no_parameter_leads_elsewhere(house: House, name: str, target: str) -> None:
    """Whatever the form or the query say, the way on is one's own account (no open redirect)."""
    await house.user()
    browser = house.browser()
    shown = await browser.get(f"/oauth2/login?{name}={target}")
    assert target not in shown.text
    assert location(await browser.sign_in(**{name: target})) == "/oauth2/account"


async def test_a_request_that_waits_is_gone_on_with(house: House) -> None:
    """The page names the application, expects whom it expects, may lead to it, and goes back to the request."""
    await house.user()
    browser = house.browser()
    page = await browser.get(await waiting_request(house, browser, login_hint="ada"))
    assert "to go on to <strong>Shop " in page.text
    fields = forms(page)["/oauth2/login"]
    assert fields["name"] == "ada"
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://shop.example;" in policy
    answer = await browser.sign_in(request=fields["request"])
    assert location(answer) == f"/oauth2/authorize?continue={fields['request']}"


async def test_anothers_request_is_not_shown(house: House) -> None:
    """A handle that another browser brought, or a made-up one, is an error page and no sign-in page."""
    await house.user()
    address = await waiting_request(house, house.browser())
    handle = address.partition("request=")[2]
    stranger = house.browser()
    for answer in (await stranger.get(address), await stranger.sign_in(request=handle)):
        assert (answer.status_code, "began in another browser" in answer.text) == (403, True)
    unknown = await stranger.get("/oauth2/login?request=wgot_" + "x" * 43)
    assert "This request is unknown" in unknown.text
    assert stranger.session == ""


async def test_the_second_factor_is_asked_for(house: House) -> None:
    """With an app the password alone makes no session; the right code makes one that says so."""
    user = await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    browser = house.browser()
    assert location(await browser.sign_in()) == "/oauth2/login/second"
    assert browser.session == ""
    assert location(await browser.get("/oauth2/account")) == "/oauth2/login?next=account"
    wrong = await browser.post("/oauth2/login/second", {"code": "000000"})
    assert (wrong.status_code, alert(wrong).startswith("This code was not accepted")) == (400, True)
    done = await browser.post("/oauth2/login/second", {"code": house.code(secret)})
    assert location(done) == "/oauth2/account"
    session = next(each for each in await house.sessions(user) if "otp" in each.amr)
    assert (session.acr, session.amr) == ("urn:wardgate:acr:2", ("pwd", "otp", "mfa"))


async def test_a_code_is_not_replayed_through_the_page(house: House) -> None:
    """Somebody who saw name, password and code cannot use them a second time."""
    await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    victim, thief = house.browser(), house.browser("198.51.100.7")
    await victim.sign_in()
    await thief.sign_in()
    code = house.code(secret)
    assert location(await victim.post("/oauth2/login/second", {"code": code})) == "/oauth2/account"
    assert alert(await thief.post("/oauth2/login/second", {"code": code})).startswith("This code was not")
    assert thief.session == ""


async def test_codes_cannot_be_guessed(house: House) -> None:
    """Five wrong codes, then waits, from whatever browser and sign-in; the password does not reset that."""
    await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    for number in range(5):
        thief = house.browser(f"198.51.100.{number}")
        await thief.sign_in()
        await thief.post("/oauth2/login/second", {"code": "000000"})
    thief = house.browser("198.51.100.99")
    await thief.sign_in()
    answer = await thief.post("/oauth2/login/second", {"code": house.code(secret)})
    assert (answer.status_code, alert(answer)) == (
        429,
        "There were too many attempts. Try again in a second.",
    )
    await setup.sign_in()
    known = await setup.post("/oauth2/login/second", {"code": house.code(secret)})
    assert location(known) == "/oauth2/account", "the person's own browser has a counter of its own"


async def test_half_a_sign_in_belongs_to_its_browser(house: House) -> None:
    """Without the cookie, ten minutes later, or once it was finished there is nothing to finish."""
    await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    browser, other = house.browser(), house.browser()
    await browser.sign_in()
    half = browser.cookies["__Host-wardgate-login"]
    lost = await other.post("/oauth2/login/second", {"code": house.code(secret)})
    assert "This sign-in has ended" in lost.text
    await browser.post("/oauth2/login/second", {"code": house.code(secret)})
    other.plant("__Host-wardgate-login", half)
    house.clock.now += 30
    again = await other.post("/oauth2/login/second", {"code": house.code(secret)})
    assert "This sign-in has ended" in again.text
    late = house.browser()
    await late.sign_in()
    house.clock.now += 600
    assert "This sign-in has ended" in (await late.get("/oauth2/login/second")).text


async def test_a_recovery_code_lets_in_once(house: House) -> None:
    """In place of the app's code; its owner hears of it by mail."""
    user = await house.user()
    setup = house.browser()
    await setup.sign_in()
    await with_app(house, setup)
    async with house.server.store.writing() as tx:
        codes = await make_codes(house.server, tx, user)
    first, second = house.browser(), house.browser()
    await first.sign_in()
    assert location(await first.post("/oauth2/login/second", {"code": codes[0]})) == "/oauth2/account"
    assert "9 recovery codes are left" in (await house.mails())[-1].body
    await second.sign_in()
    assert alert(await second.post("/oauth2/login/second", {"code": codes[0]})).startswith(
        "This code was not"
    )


async def test_a_suspended_user_does_not_finish(house: House) -> None:
    """Whoever is suspended between password and code gets no session."""
    user = await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    browser = house.browser()
    await browser.sign_in()
    async with house.server.store.writing() as tx:
        await tx.users.replace(
            type(user)(**{**{k: getattr(user, k) for k in user.__slots__}, "status": "suspended"})
        )
    answer = await browser.post("/oauth2/login/second", {"code": house.code(secret)})
    assert "This sign-in has ended" in answer.text
    assert browser.session == ""


async def passkey_of(house: House, browser: Browser) -> Authenticator:
    """A passkey added to the account the browser is signed in to."""
    device = Authenticator(origin=house.server.settings.origin)
    page = await browser.get("/oauth2/account/security")
    answer = await browser.post(
        "/oauth2/account/security/passkey", {"label": "Laptop", "credential": device.create(options_of(page))}
    )
    assert location(answer) == "/oauth2/account/security?done=passkey"
    return device


async def test_a_passkey_signs_in_alone(house: House) -> None:
    """Without name and password, as two factors; the same answer does not work from another browser."""
    user = await house.user()
    setup = house.browser()
    await setup.sign_in()
    device = await passkey_of(house, setup)
    browser, thief = house.browser(), house.browser("198.51.100.7")
    answer = device.get(options_of(await browser.get("/oauth2/login")))
    await thief.get("/oauth2/login")
    stolen = await thief.post("/oauth2/login", {"credential": answer})
    assert (stolen.status_code, alert(stolen).startswith("This passkey was not accepted")) == (400, True)
    assert location(await browser.post("/oauth2/login", {"credential": answer})) == "/oauth2/account"
    session = next(each for each in await house.sessions(user) if "hwk" in each.amr)
    assert (session.acr, session.amr) == ("urn:wardgate:acr:2", ("hwk", "user", "mfa"))


async def test_a_passkey_is_a_second_factor(house: House) -> None:
    """After the password, for the account that was signed in to."""
    await house.user()
    setup = house.browser()
    await setup.sign_in()
    device = await passkey_of(house, setup)
    browser = house.browser()
    assert location(await browser.sign_in()) == "/oauth2/login/second"
    page = await browser.get("/oauth2/login/second")
    assert 'name="code"' not in page.text, "there is neither an app nor a recovery code"
    answer = await browser.post("/oauth2/login/second", {"credential": device.get(options_of(page))})
    assert location(answer) == "/oauth2/account"


async def test_a_request_for_two_steps_is_explained(house: House) -> None:
    """Who has only a password is told how to get a second step, and may go back without."""
    await house.user()
    browser = house.browser()
    page = await browser.get(await waiting_request(house, browser, acr_values="urn:wardgate:acr:2"))
    handle = forms(page)["/oauth2/login"]["request"]
    answer = await browser.sign_in(request=handle)
    assert answer.status_code == 200
    assert "asks for a sign-in with two steps" in alert(answer)
    assert f"/oauth2/authorize?continue={handle}" in answer.text
    assert (await browser.get("/oauth2/account/security")).status_code == 200


async def test_a_request_is_kept_through_the_second_factor(house: House) -> None:
    """The code's page may lead to the application as well, and goes back to the request."""
    await house.user()
    setup = house.browser()
    await setup.sign_in()
    secret = await with_app(house, setup)
    browser = house.browser()
    page = await browser.get(await waiting_request(house, browser))
    handle = forms(page)["/oauth2/login"]["request"]
    second = await browser.get(location(await browser.sign_in(request=handle)))
    assert "form-action 'self' https://shop.example;" in second.headers["content-security-policy"]
    done = await browser.post("/oauth2/login/second", {"code": house.code(secret)})
    assert location(done) == f"/oauth2/authorize?continue={handle}"


async def test_too_many_attempts_are_said_with_the_wait(house: House) -> None:
    """429, when to come back in the header and in words, and the form to do so."""
    await house.user()
    browser = house.browser()
    for _ in range(5):
        assert alert(await browser.sign_in(password="wrong guess")) == WRONG
    answer = await browser.sign_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert alert(answer) == "There were too many attempts. Try again in a second."
    assert "/oauth2/login" in forms(answer)


async def test_a_full_queue_is_said(store: SqlStore) -> None:
    """Past the bound people get a page that asks them to come back, at once and with 503."""
    house = make_house(store)
    await house.user()

    class Full(Passwords):
        _most = 0

        def __init__(self) -> None:
            super().__init__(CHEAP)
            self._most = 0

    object.__setattr__(house.server, "passwords", Full())
    answer = await house.browser().sign_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Too many people are signing in" in alert(answer)


async def test_a_hash_is_made_anew_when_the_cost_changes(house: House) -> None:
    """At the next sign-in, without anybody noticing; the old session and password stay."""
    user = await house.user()
    dearer = CountingPasswords(HashParameters(time_cost=2, memory_kib=16, parallelism=1))
    object.__setattr__(house.server, "passwords", dearer)
    assert location(await house.browser().sign_in()) == "/oauth2/account"
    async with house.server.store.reading() as tx:
        factor = (await tx.factors.of_user(user.id, "password"))[0]
    assert "m=16,t=2,p=1" in factor.data["hash"]
    assert location(await house.browser().sign_in()) == "/oauth2/account"
    dearer.close()


@pytest.mark.parametrize("path", ["/oauth2/login", "/oauth2/login/second"])
async def test_sign_in_forms_come_from_our_own_pages(house: House, path: str) -> None:
    """Another site cannot sign anybody in, to an account of its own or another (login CSRF)."""
    await house.user()
    browser = house.browser()
    for origin in ("https://evil.example", "null", None):
        answer = await browser.post(path, {"name": "ada", "password": PASSWORD}, origin=origin)
        assert answer.status_code == 403
    assert browser.session == ""
    assert house.passwords.checks == 0


async def test_many_sign_in_at_once(house: House) -> None:
    """Twenty people at the same moment all get in, each with a session of their own."""
    for number in range(20):
        await house.user(f"user{number}")
    browsers = [house.browser(f"192.0.2.{number}") for number in range(20)]
    answers: list[httpx2.Response] = await asyncio.gather(
        *(browser.sign_in(f"user{number}") for number, browser in enumerate(browsers))
    )
    assert [location(answer) for answer in answers] == ["/oauth2/account"] * 20
    assert len({browser.session for browser in browsers}) == 20
