"""Logout: by who may ask for it, of the session that is meant, and back to the client's own place only."""

from __future__ import annotations

from typing import Any

import pytest
from tests.identity.front import (
    ISSUER,
    Answer,
    Browser,
    Web,
    add_client,
    add_user,
    request,
    waits,
)

from wardgate.domain.oauth import Client
from wardgate.domain.people import Session
from wardgate.identity import authorize, backchannel, consent, logout
from wardgate.identity.backchannel import EVENT, logout_token
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.people.sessions import end_sessions
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of

ROUTES = (*authorize.ROUTES, *consent.ROUTES, *logout.ROUTES)
BYE = "https://shop.example/bye"
HOOK = "https://shop.example/backchannel"
PATH = "/oauth2/logout"


@pytest.fixture
def browser(server: Server) -> Browser:
    """The browser of the person."""
    return Browser(server, ROUTES)


async def add_rp(server: Server, **settings: Any) -> Client:
    """A trusted client that people come back to after signing out."""
    return await add_client(server, **{"trusted": True, "post_logout_redirect_uris": (BYE,), **settings})


async def hint(server: Server, client: Client, session: Session, **changes: Any) -> str:
    """An id token of the session, long expired."""
    claims = {
        "iss": ISSUER,
        "aud": client.id,
        "sub": subject_of(server, client, session.user),
        "sid": session.id,
        "iat": 1,
        "exp": 2,
        **changes,
    }
    return await server.keys.sign(claims, typ="JWT")


async def is_over(server: Server, session: Session) -> bool:
    """Whether the session was ended."""
    async with server.store.reading() as tx:
        stored = await tx.sessions.get(session.id)
    assert stored is not None
    return stored.revoked_at is not None


async def test_with_an_id_token_of_the_session_the_person_is_signed_out_at_once(
    server: Server, browser: Browser
) -> None:
    """The session is over, the cookie gone, and the browser back at the client with its state."""
    session = await browser.sign_in(await add_user(server))
    client = await add_rp(server)
    answer = await browser.get(
        PATH,
        {
            "id_token_hint": await hint(server, client, session),
            "post_logout_redirect_uri": BYE,
            "state": "a&b=c\r\n",
        },
    )
    assert answer.location == BYE + "?state=a%26b%3Dc%0D%0A"
    assert browser.cookies[cookie_name(server.settings)] == ""
    assert await is_over(server, session)


@pytest.mark.parametrize("post", [False, True])
async def test_without_one_the_person_is_asked(server: Server, browser: Browser, post: bool) -> None:
    """Nothing happens until they say so; a form of another site is no different."""
    session = await browser.sign_in(await add_user(server))
    client = await add_rp(server)
    asked = {"client_id": client.id, "post_logout_redirect_uri": BYE, "state": "s"}
    if post:
        answer = await browser.follow(await browser.post(PATH, asked, cross_site=True))
    else:
        answer = await browser.get(PATH, asked)
    assert (answer.status, answer.reply.page) == (200, "logout.html")
    assert "Shop" in answer.text
    assert "ann" in answer.text
    assert answer.reply.context["form_action"] == ("https://shop.example",)
    assert not await is_over(server, session)
    handle = answer.reply.context["handle"]
    done = await browser.post(PATH, {"request": handle, "decision": "logout"})
    assert done.location == BYE + "?state=s"
    assert await is_over(server, session)


async def test_the_person_may_stay(server: Server, browser: Browser) -> None:
    """No is an answer, and leads to their account."""
    session = await browser.sign_in(await add_user(server))
    answer = await browser.get(PATH)
    stay = await browser.post(PATH, {"request": answer.reply.context["handle"], "decision": "stay"})
    assert stay.location == f"{ISSUER}/oauth2/account"
    assert not await is_over(server, session)


async def test_another_site_cannot_answer_for_the_person(server: Server, browser: Browser) -> None:
    """Neither with a handle of its own, nor with the person's, nor without any."""
    session = await browser.sign_in(await add_user(server))
    attacker = Browser(server, ROUTES)
    await attacker.sign_in(await add_user(server, "eve"))
    own = (await attacker.get(PATH)).reply.context["handle"]
    unbound = await browser.post(PATH, {}, cross_site=True)
    handle = unbound.location.partition("continue=")[2]
    persons = (await browser.get(PATH)).reply.context["handle"]
    for sent, cross_site in (
        (own, False),
        (own, True),
        (handle, True),
        (handle, False),
        (persons, True),
        ("x", True),
    ):
        form = {"request": sent, "decision": "logout"}
        answer = await browser.post(PATH, form, cross_site=cross_site)
        assert answer.status in (400, 403)
        assert not await is_over(server, session)


@pytest.mark.parametrize(
    "changes", [{"sub": "usr_other", "sid": "ses_other"}, {"sub": "usr_other", "sid": None}]
)
async def test_an_id_token_of_somebody_else_signs_nobody_out(
    server: Server, browser: Browser, changes: dict[str, Any]
) -> None:
    """An attacker's own id token in a link leads to the question only."""
    session = await browser.sign_in(await add_user(server))
    client = await add_rp(server)
    token = await hint(server, client, session, **changes)
    answer = await browser.get(PATH, {"id_token_hint": token, "post_logout_redirect_uri": BYE})
    assert answer.reply.page == "logout.html"
    assert not await is_over(server, session)


async def test_the_id_token_is_not_stored_while_a_logout_waits(server: Server, browser: Browser) -> None:
    """What it says of client, subject and session is; the session of the one is ended, that of the other asked about."""
    session = await browser.sign_in(await add_user(server))
    client = await add_rp(server)
    for changes, asked in (({"sub": "usr_other", "sid": "ses_other"}, True), ({}, False)):
        token = await hint(server, client, session, **changes)
        form = {"id_token_hint": token, "post_logout_redirect_uri": BYE, "state": "s", "x_token": token}
        begun = await browser.post(PATH, form, cross_site=True)
        answer = await browser.follow(begun)
        stored = await waits(server)
        assert "eyJ" not in stored
        assert asked == (answer.reply.page == "logout.html")
        assert asked != await is_over(server, session)
        if asked:
            assert client.id in stored
            stay = await browser.post(PATH, {"request": answer.reply.context["handle"], "decision": "stay"})
            assert stay.location == f"{ISSUER}/oauth2/account"
    assert answer.location == BYE + "?state=s"


async def test_whoever_is_not_signed_in_goes_on(server: Server, browser: Browser) -> None:
    """To the client's place, or to a page that says so."""
    client = await add_rp(server)
    answer = await browser.get(PATH, {"client_id": client.id, "post_logout_redirect_uri": BYE})
    assert answer.location == BYE
    answer = await browser.get(PATH)
    assert "You are signed out" in answer.text


async def sad(browser: Browser, session: Session, **query: Any) -> Answer:
    """A request that is refused: nobody is signed out, and the browser goes nowhere."""
    answer = await browser.get(PATH, query)
    assert (answer.status, answer.location) == (400, "")
    assert "(invalid_request)" in answer.text
    assert not await is_over(browser.server, session)
    return answer


async def test_requests_that_are_refused(server: Server, browser: Browser) -> None:
    """Open redirects, foreign tokens, contradictions."""
    session = await browser.sign_in(await add_user(server))
    client, other = await add_rp(server), await add_rp(server)
    good = await hint(server, client, session)
    for uri in (
        "https://evil.example/",
        BYE + "/",
        BYE + "?x",
        BYE + "#x",
        BYE.upper(),
        "https://shop.example@evil.example/bye",
        "javascript:alert(1)",
        "//evil.example",
    ):
        await sad(browser, session, id_token_hint=good, post_logout_redirect_uri=uri)
    await sad(browser, session, post_logout_redirect_uri=BYE)
    await sad(browser, session, id_token_hint=good, client_id=other.id)
    await sad(browser, session, client_id="cl_unknown", post_logout_redirect_uri=BYE)
    await sad(browser, session, id_token_hint="x", post_logout_redirect_uri=BYE)
    await sad(browser, session, id_token_hint=good, post_logout_redirect_uri=[BYE, BYE])
    await sad(browser, session, id_token_hint=good, post_logout_redirect_uri=BYE, state="x" * 2049)
    for typ, claims in (
        ("at+jwt", {"iss": ISSUER, "aud": client.id, "sub": session.user, "iat": 1, "exp": 2}),
        ("JWT", {"iss": ISSUER, "aud": client.id, "sub": session.user}),
        ("JWT", {"iss": "https://other.example", "aud": client.id, "sub": session.user, "iat": 1, "exp": 2}),
    ):
        await sad(browser, session, id_token_hint=await server.keys.sign(claims, typ=typ))


async def signed_in_at(server: Server, browser: Browser, **settings: Any) -> tuple[Client, Session]:
    """A client the person signed in to in a session."""
    client = await add_rp(server, backchannel_logout_uri=HOOK, **settings)
    user = await add_user(server)
    session = await browser.sign_in(user)
    answer = await browser.get("/oauth2/authorize", request(client))
    assert "code" in answer.fields
    return client, session


async def end(server: Server, session: Session) -> None:
    """Ends the session as any page does, and waits for what follows."""
    async with server.store.writing() as tx:
        await end_sessions(server, tx, [session])
    await server.memory.tasks.settle()


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
async def test_applications_hear_of_the_end(
    server: Server, browser: Browser, web: Web, subject_type: str
) -> None:
    """A logout token names issuer, client, person and session, and no nonce (back-channel logout section 2.4)."""
    client, session = await signed_in_at(server, browser, subject_type=subject_type)
    await end(server, session)
    ((url, form),) = web.posted
    assert (url, [*form]) == (HOOK, ["logout_token"])
    claims = await server.keys.claims_of(form["logout_token"], "logout+jwt")
    assert claims is not None
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "jti", "sid", "events"}
    assert (claims["iss"], claims["aud"], claims["sid"]) == (ISSUER, client.id, session.id)
    assert claims["sub"] == subject_of(server, client, session.user)
    assert claims["events"] == {EVENT: {}}
    assert claims["exp"] - claims["iat"] <= 120


async def test_a_logout_token_is_no_other_token(server: Server, browser: Browser) -> None:
    """It is refused where an id token or an access token is asked for."""
    client, session = await signed_in_at(server, browser)
    token = await logout_token(server, client, session)
    await sad(browser, session, id_token_hint=token)
    assert await server.keys.claims_of(token, "at+jwt") is None


async def test_a_client_that_is_away_is_tried_again(
    server: Server, browser: Browser, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures that may pass are waited out; each attempt has a token of its own."""
    monkeypatch.setattr(backchannel, "WAITS", (0.0, 0.0, 0.0, 0.0))
    web.answers[HOOK] = [0, 503, 429, 204]
    _, session = await signed_in_at(server, browser)
    await end(server, session)
    assert len({form["logout_token"] for _, form in web.posted}) == 4


@pytest.mark.parametrize(("answers", "attempts"), [([400], 1), ([404], 1), ([500] * 9, 3)])
async def test_what_is_hopeless_is_given_up(
    server: Server,
    browser: Browser,
    web: Web,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answers: list[int],
    attempts: int,
) -> None:
    """A client that refuses, or is away for too long, is named in the log."""
    monkeypatch.setattr(backchannel, "WAITS", (0.0, 0.0))
    web.answers[HOOK] = answers
    client, session = await signed_in_at(server, browser)
    await end(server, session)
    assert len(web.posted) == attempts
    assert f"{client.id} was given up" in caplog.text
    assert "eyJ" not in caplog.text


async def test_an_end_that_did_not_happen_is_not_told(
    server: Server, browser: Browser, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the transaction fails, the session goes on and nobody hears otherwise."""
    monkeypatch.setattr(backchannel, "_COMMIT_WAIT", 0.0)
    _, session = await signed_in_at(server, browser)
    with pytest.raises(ZeroDivisionError):
        async with server.store.writing() as tx:
            await end_sessions(server, tx, [session])
            raise ZeroDivisionError
    await server.memory.tasks.settle()
    assert web.posted == []
    assert not await is_over(server, session)


async def test_only_applications_of_the_session_hear(server: Server, browser: Browser, web: Web) -> None:
    """Another client, and another session of the same person, are left alone."""
    _, session = await signed_in_at(server, browser)
    await add_rp(server, backchannel_logout_uri="https://other.example/hook")
    async with server.store.reading() as tx:
        user = await tx.users.get(session.user)
    assert user is not None
    second = await Browser(server, ROUTES).sign_in(user)
    await end(server, second)
    assert web.posted == []


async def test_tokens_of_the_session_end_with_it(server: Server, browser: Browser) -> None:
    """Grants without offline_access are over; those with it stay (back-channel logout section 2.7)."""
    client, session = await signed_in_at(server, browser)
    await browser.get("/oauth2/authorize", request(client, scope="openid offline_access"))
    await end(server, session)
    async with server.store.reading() as tx:
        left = await tx.grants.find(session=session.id, now=server.clock())
    assert [grant.scopes for grant in left] == [("openid", "offline_access")]
