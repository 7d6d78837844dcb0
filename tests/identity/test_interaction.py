"""Sign-in and consent: whatever happens between request and code, only the right person, browser and request get one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.identity.front import (
    ACR_ONE,
    ACR_TWO,
    ISSUER,
    ROUTES,
    Answer,
    Browser,
    Clock,
    add_client,
    add_user,
    client_key,
    count,
    request,
    signed,
    waits,
)

from wardgate.domain.oauth import Client
from wardgate.domain.people import User
from wardgate.identity.people.cookies import cookie_name
from wardgate.identity.server import Server
from wardgate.identity.subjects import subject_of


async def waiting(browser: Browser, client: Client, **changes: Any) -> tuple[str, Answer]:
    """A request that waits: its handle, and the redirect."""
    answer = await browser.get("/oauth2/authorize", request(client, **changes))
    handle = re.search(r"(wgot_[A-Za-z0-9_-]{43})$", answer.location)
    assert handle is not None, answer.fields
    return handle[1], answer


async def shown(browser: Browser, client: Client, **changes: Any) -> tuple[str, Answer]:
    """A consent page: its handle, and the page."""
    handle, _ = await waiting(browser, client, **changes)
    answer = await browser.get("/oauth2/authorize", {"continue": handle})
    assert answer.reply.page == "consent.html", (answer.text, answer.location)
    return handle, answer


async def allow(browser: Browser, handle: str, decision: str = "allow") -> Answer:
    """The person's answer."""
    return await browser.post("/oauth2/consent", {"request": handle, "decision": decision})


async def test_the_page_leads_to_the_clients_policy_and_terms(server: Server, browser: Browser) -> None:
    """By plain links that tell where they lead nothing; its logo is not fetched, by the browser neither."""
    await browser.sign_in(await add_user(server))
    links = {f"{name}_uri": f"https://shop.example/{name}?a=1&b" for name in ("policy", "tos", "logo")}
    text = (await shown(browser, await add_client(server, **links)))[1].text
    for name in ("policy", "tos"):
        assert f'<a href="https://shop.example/{name}?a=1&amp;b" rel="noreferrer noopener">' in text
    assert "shop.example/logo" not in text
    text = (await shown(browser, await add_client(server)))[1].text
    assert "noopener" not in text


@pytest.mark.parametrize(
    "ignored",
    [
        {"display": "popup"},
        {"display": "hologram"},
        {"ui_locales": "fr-CA fr en"},
        {"claims_locales": "de"},
        {"whatever": "x"},
        {"acr_values": "urn:wardgate:acr:1 urn:mace:silver"},
    ],
)
async def test_what_means_nothing_here_changes_nothing(
    server: Server, browser: Browser, ignored: dict[str, str]
) -> None:
    """OIDC core section 3.1.2.1: hints that cannot be followed, and parameters nobody knows, are no mistake."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server, trusted=True)
    assert "code" in (await browser.get("/oauth2/authorize", request(client, **ignored))).fields


async def test_the_page_says_who_asks_for_what(server: Server, browser: Browser) -> None:
    """Application, owner, where answers go, each scope in words, and that it may be taken back; no script."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server, name="<b>Shop</b>", application="Shop & Co")
    handle, page = await shown(browser, client, scope="openid email orders.read")
    text = page.text
    for expected in (
        "Shop &amp; Co",
        "&lt;b&gt;Shop&lt;/b&gt;",
        "Ann Ash",
        "shop.example",
        "Know who you are",
        "See your e-mail address",
        "orders.read",
        "take this back",
        handle,
    ):
        assert expected in text
    assert "<script" not in text
    assert "style=" not in text
    assert page.reply.context["form_action"] == ("https://shop.example",)
    assert page.headers["cache-control"] == "no-store"


async def test_no_is_an_answer_and_a_final_one(server: Server, browser: Browser) -> None:
    """access_denied goes to the client; the handle is used up, and nothing is remembered."""
    user = await add_user(server)
    await browser.sign_in(user)
    client = await add_client(server)
    handle, _ = await shown(browser, client)
    denied = await allow(browser, handle, "deny")
    assert (denied.fields["error"], denied.fields["state"], denied.fields["iss"]) == (
        "access_denied",
        "st-1",
        ISSUER,
    )
    again = await allow(browser, handle)
    assert "answered already" in again.text
    assert await count(server, "grants") == 0
    async with server.store.reading() as tx:
        assert await tx.consents.get(user.id, client.id) == ()


@pytest.mark.parametrize("form", [{}, {"decision": "maybe"}, {"decision": ["allow", "deny"]}])
async def test_an_answer_that_is_none_changes_nothing(
    server: Server, browser: Browser, form: dict[str, Any]
) -> None:
    """Neither yes nor no, or both: an error, and the page may be answered still."""
    await browser.sign_in(await add_user(server))
    handle, _ = await shown(browser, await add_client(server))
    answer = await browser.post("/oauth2/consent", {"request": handle, **form})
    assert (answer.status, answer.location) == (400, "")
    assert "code" in (await allow(browser, handle)).fields


@pytest.mark.every_database
async def test_a_handle_gets_one_code(server: Server, browser: Browser) -> None:
    """The second use is told so, on a page; there is one grant."""
    await browser.sign_in(await add_user(server))
    handle, _ = await shown(browser, await add_client(server))
    answers = await asyncio.gather(*(allow(browser, handle) for _ in range(5)))
    assert sum("code" in answer.fields for answer in answers) == 1
    assert sum("answered already" in answer.text for answer in answers) == 4
    assert "answered already" in (await browser.get("/oauth2/authorize", {"continue": handle})).text
    async with server.store.reading() as tx:
        assert len(await tx.grants.find(now=server.clock())) == 1


@pytest.mark.parametrize("handle", ["", "x", "wgot_short", "wgot_" + "a" * 43, "wgac_" + "a" * 43])
async def test_a_handle_that_is_none(server: Server, browser: Browser, handle: str) -> None:
    """Whatever it is, it finds nothing and reveals nothing."""
    await browser.sign_in(await add_user(server))
    for answer in (
        await browser.get("/oauth2/authorize", {"continue": handle or " "}),
        await allow(browser, handle),
    ):
        assert (answer.status, answer.location) == (400, "")
        assert "This request is unknown" in answer.text


async def test_a_handle_ends(server: Server, browser: Browser, clock: Clock) -> None:
    """After half an hour nobody gets anything for it."""
    handle, _ = await waiting(browser, await add_client(server))
    clock.now += 1801
    await browser.sign_in(await add_user(server))
    assert "has expired" in (await browser.get("/oauth2/authorize", {"continue": handle})).text
    assert "has expired" in (await allow(browser, handle)).text
    assert await count(server, "grants") == 0


async def test_another_browser_cannot_go_on_with_a_handle(server: Server, browser: Browser) -> None:
    """Neither a thief who is signed in nor a victim who follows an attacker's link."""
    client = await add_client(server, trusted=True)
    handle, _ = await waiting(browser, client)
    other = Browser(server, ROUTES)
    await other.sign_in(await add_user(server, "eve"))
    for answer in (
        await other.get("/oauth2/authorize", {"continue": handle}),
        await allow(other, handle),
    ):
        assert (answer.status, answer.location) == (403, "")
        assert "another browser" in answer.text
    other.cookies[cookie_name(server.settings, "request")] = "wgot_" + "a" * 43
    assert (await other.get("/oauth2/authorize", {"continue": handle})).status == 403
    assert await count(server, "grants") == 0


async def test_handles_of_two_tabs_do_not_disturb_each_other(server: Server, browser: Browser) -> None:
    """A browser may have several requests waiting."""
    await browser.sign_in(await add_user(server))
    one, _ = await shown(browser, await add_client(server))
    two, _ = await shown(browser, await add_client(server))
    assert "code" in (await allow(browser, one)).fields
    assert "code" in (await allow(browser, two)).fields


async def test_consent_to_a_page_that_was_never_shown_counts_for_nothing(
    server: Server, browser: Browser
) -> None:
    """A form sent before the page was seen leads to the page."""
    await browser.sign_in(await add_user(server))
    handle, _ = await waiting(browser, await add_client(server))
    answer = await allow(browser, handle)
    assert answer.reply.page == "consent.html"
    assert await count(server, "grants") == 0


async def test_consent_of_another_session_than_saw_the_page_counts_for_nothing(
    server: Server, browser: Browser
) -> None:
    """Somebody else who signs in between page and answer sees a page of their own first."""
    ann, eve = await add_user(server), await add_user(server, "eve")
    await browser.sign_in(ann)
    client = await add_client(server)
    handle, _ = await shown(browser, client)
    await browser.sign_in(eve)
    answer = await allow(browser, handle)
    assert answer.reply.page == "consent.html"
    assert answer.reply.context["signed_in"] == "eve"
    done = await allow(browser, handle)
    async with server.store.reading() as tx:
        assert [grant.subject for grant in await tx.grants.find(now=server.clock())] == [eve.id]
        assert await tx.consents.get(ann.id, client.id) == ()
    assert "code" in done.fields


async def test_consent_after_signing_out_needs_a_sign_in(server: Server, browser: Browser) -> None:
    """A revoked session agrees to nothing."""
    session = await browser.sign_in(await add_user(server))
    handle, _ = await shown(browser, await add_client(server))
    async with server.store.writing() as tx:
        await tx.sessions.revoke([session.id], server.clock())
    answer = await allow(browser, handle)
    assert answer.location == f"{ISSUER}/oauth2/login?request={handle}"
    assert await count(server, "grants") == 0


async def test_a_suspended_person_agrees_to_nothing(server: Server, browser: Browser) -> None:
    """The account's state counts at the moment of the answer."""
    user = await add_user(server)
    await browser.sign_in(user)
    handle, _ = await shown(browser, await add_client(server))
    async with server.store.writing() as tx:
        await tx.users.replace(replace(user, status="suspended"))
    assert "/oauth2/login" in (await allow(browser, handle)).location
    assert await count(server, "grants") == 0


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"redirect_uris": ("https://shop.example/other",)}, "invalid_request"),
        ({"scopes": ("openid",)}, "invalid_scope"),
        ({"require_par": True}, "invalid_request"),
        ({"grant_types": ("client_credentials",), "response_types": ()}, "unauthorized_client"),
    ],
)
async def test_what_changed_while_the_person_thought_counts(
    server: Server, browser: Browser, settings: dict[str, Any], error: str
) -> None:
    """All is checked again with the answer: an old page gives nothing that a new request would not get."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server)
    handle, _ = await shown(browser, client)
    async with server.store.writing() as tx:
        await tx.clients.replace(replace(client, **settings))
    answer = await allow(browser, handle)
    if "redirect_uris" in settings:
        assert f"({error})" in answer.text
        assert answer.location == ""
    else:
        assert answer.fields["error"] == error
    assert await count(server, "grants") == 0


async def test_a_client_suspended_meanwhile_gets_nothing(server: Server, browser: Browser) -> None:
    """The person is told, and sent nowhere."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server)
    handle, _ = await shown(browser, client)
    async with server.store.writing() as tx:
        await tx.clients.replace(replace(client, status="suspended"))
    answer = await allow(browser, handle)
    assert "not served any more" in answer.text
    assert answer.location == ""


async def agreed(server: Server, browser: Browser, **changes: Any) -> Client:
    """A client the person agreed to before."""
    client = await add_client(server, **changes.pop("settings", {}))
    handle, _ = await shown(browser, client, **changes)
    assert "code" in (await allow(browser, handle)).fields
    return client


async def test_new_scopes_are_asked_for_and_told_from_old_ones(server: Server, browser: Browser) -> None:
    """What was agreed to is remembered; more is asked, and then both are remembered."""
    user = await add_user(server)
    await browser.sign_in(user)
    client = await agreed(server, browser)
    assert "code" in (await browser.get("/oauth2/authorize", request(client, scope="openid"))).fields
    handle, page = await shown(browser, client, scope="openid email")
    assert [(name, new) for name, _, new in page.reply.context["scopes"]] == [
        ("openid", False),
        ("email", True),
    ]
    await allow(browser, handle)
    async with server.store.reading() as tx:
        assert set(await tx.consents.get(user.id, client.id)) == {"openid", "orders.read", "email"}


async def test_consent_is_each_persons_own_and_can_be_taken_back(server: Server, browser: Browser) -> None:
    """Another person is asked; so is the same one after taking it back."""
    ann = await add_user(server)
    await browser.sign_in(ann)
    client = await agreed(server, browser)
    other = Browser(server, ROUTES)
    await other.sign_in(await add_user(server, "eve"))
    await shown(other, client)
    async with server.store.writing() as tx:
        await tx.consents.remove(ann.id, client.id)
    await shown(browser, client)


async def test_offline_access_is_asked_for_every_time(server: Server, browser: Browser) -> None:
    """OIDC core section 11; only clients an operator trusts skip it."""
    await browser.sign_in(await add_user(server))
    client = await agreed(server, browser, scope="openid offline_access")
    await shown(browser, client, scope="openid offline_access")
    trusted = await add_client(server, trusted=True)
    answer = await browser.get("/oauth2/authorize", request(trusted, scope="openid offline_access"))
    assert "code" in answer.fields


async def test_prompt_consent_asks_again(server: Server, browser: Browser) -> None:
    """Even what was agreed to, and even for a trusted client, which asked for it."""
    await browser.sign_in(await add_user(server))
    client = await agreed(server, browser)
    await shown(browser, client, prompt="consent")
    await shown(browser, await add_client(server, trusted=True), prompt="consent")


async def test_access_without_any_scope_is_asked_for_too(server: Server, browser: Browser) -> None:
    """A token with no scope still says who somebody is."""
    await browser.sign_in(await add_user(server))
    client = await agreed(server, browser, settings={"scopes": ()}, scope=None)
    await shown(browser, client, scope=None)


async def test_details_are_shown_and_asked_for_every_time(server: Server, browser: Browser) -> None:
    """What they mean only the API knows, so an old yes is none (RFC 9396 section 9)."""
    await browser.sign_in(await add_user(server))
    details = '[{"type":"payment","amount":"<5>"}]'
    settings = {"authorization_details_types": ("payment",)}
    client = await agreed(server, browser, settings=settings, authorization_details=details)
    _, page = await shown(browser, client, authorization_details=details)
    assert "&lt;5&gt;" in page.text


async def test_single_claims_need_the_consent_of_their_scope(server: Server, browser: Browser) -> None:
    """``claims`` is shown like the scope it takes from; what the client may not have at all is left out."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server)
    handle, page = await shown(
        browser,
        client,
        scope="openid",
        claims='{"userinfo":{"email":null,"phone_number":{"essential":true}},"id_token":{"acr":null}}',
    )
    assert [name for name, _, _ in page.reply.context["scopes"]] == ["openid", "email"]
    await allow(browser, handle)
    async with server.store.reading() as tx:
        (grant,) = await tx.grants.find(now=server.clock())
    assert grant.claims == {"userinfo": {"email": {}}, "id_token": {"acr": {}}}


async def test_prompt_none_never_shows_a_page(server: Server, browser: Browser, clock: Clock) -> None:
    """Whatever is needed becomes an error to the client (OIDC core section 3.1.2.6)."""
    client = await add_client(server)

    async def silent(**changes: Any) -> str:
        answer = await browser.get("/oauth2/authorize", request(client, prompt="none", **changes))
        assert answer.to_client
        assert "set-cookie" not in answer.headers
        return answer.fields.get("error", "code")

    assert await silent() == "login_required"
    user = await add_user(server)
    await browser.sign_in(user)
    assert await silent() == "consent_required"
    handle, _ = await shown(browser, client)
    await allow(browser, handle)
    assert await silent() == "code"
    assert await silent(scope="openid email") == "consent_required"
    assert await silent(acr_values=ACR_TWO) == "login_required"
    clock.now += 100
    assert await silent(max_age="99") == "login_required"
    assert await silent(max_age="101") == "code"
    assert await silent(claims='{"id_token":{"sub":{"value":"usr_other"}}}') == "login_required"
    assert await count(server, "once") == await count(server, "grants") + 1, "no request waits"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
async def test_a_new_sign_in_that_is_asked_for_must_happen(
    server: Server, browser: Browser, clock: Clock, changes: dict[str, Any]
) -> None:
    """Coming back without one leads to the sign-in page again; coming back with one is enough."""
    user = await add_user(server)
    await browser.sign_in(user)
    clock.now += 60
    handle, first = await waiting(browser, await add_client(server, trusted=True), **changes)
    assert "/oauth2/login" in first.location
    clock.now += 5
    still = await browser.get("/oauth2/authorize", {"continue": handle})
    assert still.location == f"{ISSUER}/oauth2/login?request={handle}"
    await browser.sign_in(user)
    clock.now += 20
    assert "code" in (await browser.get("/oauth2/authorize", {"continue": handle})).fields


async def test_step_up(server: Server, browser: Browser, clock: Clock) -> None:
    """A sign-in that is too weak is sent to a stronger one, and told apart from one that cannot be had (RFC 9470)."""
    user = await add_user(server)
    await browser.sign_in(user)
    clock.now += 60
    client = await add_client(server, trusted=True)
    assert "code" in (await browser.get("/oauth2/authorize", request(client, acr_values=ACR_ONE))).fields
    handle, first = await waiting(browser, client, acr_values=f"urn:mace:gold {ACR_TWO}")
    assert "/oauth2/login" in first.location
    async with server.store.reading() as tx:
        record = await tx.once.look("authorize", server.digest(handle))
    assert record is not None
    assert record.document["acr"] == ACR_TWO
    clock.now += 5
    await browser.sign_in(user, acr=ACR_ONE)
    weak = await browser.get("/oauth2/authorize", {"continue": handle})
    assert weak.fields["error"] == "unmet_authentication_requirements"
    await browser.sign_in(user, acr=ACR_TWO)
    assert "code" in (await browser.get("/oauth2/authorize", {"continue": handle})).fields


@pytest.mark.parametrize(
    "settings_or_claims",
    [
        {"settings": {"default_acr_values": (ACR_TWO,)}},
        {"claims": '{"id_token":{"acr":{"essential":true,"values":["' + ACR_TWO + '"]}}}'},
        {"claims": '{"id_token":{"acr":{"value":"' + ACR_TWO + '"}}}'},
    ],
)
async def test_other_ways_to_ask_for_assurance(
    server: Server, browser: Browser, settings_or_claims: dict[str, Any]
) -> None:
    """The client's default and the ``claims`` request count like ``acr_values``."""
    await browser.sign_in(await add_user(server))
    client = await add_client(server, trusted=True, **settings_or_claims.pop("settings", {}))
    _, answer = await waiting(browser, client, **settings_or_claims)
    assert "/oauth2/login" in answer.location


async def test_the_default_max_age_counts(server: Server, browser: Browser, clock: Clock) -> None:
    """``default_max_age`` of the client holds where the request has none."""
    await browser.sign_in(await add_user(server))
    clock.now += 100
    client = await add_client(server, trusted=True, default_max_age=50)
    assert "/oauth2/login" in (await waiting(browser, client))[1].location
    assert "code" in (await browser.get("/oauth2/authorize", request(client, max_age="200"))).fields


async def hint(server: Server, client: Client, user: User, **changes: Any) -> str:
    """An id token as the client has it."""
    claims = {
        "iss": ISSUER,
        "aud": client.id,
        "sub": subject_of(server, client, user.id),
        "iat": 1,
        "exp": 1,
        **changes,
    }
    return await server.keys.sign(claims, typ="JWT")


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
async def test_an_id_token_hint_says_who_is_expected(
    server: Server, browser: Browser, clock: Clock, subject_type: str
) -> None:
    """Somebody else must sign in as the one expected; if they do not, the client hears login_required."""
    ann, eve = await add_user(server), await add_user(server, "eve")
    client = await add_client(server, trusted=True, subject_type=subject_type)
    await browser.sign_in(eve)
    clock.now += 60
    expected = await hint(server, client, ann)
    handle, first = await waiting(browser, client, id_token_hint=expected)
    assert "/oauth2/login" in first.location
    clock.now += 5
    await browser.sign_in(eve)
    wrong = await browser.get("/oauth2/authorize", {"continue": handle})
    assert wrong.fields["error"] == "login_required"
    await browser.sign_in(ann)
    assert "code" in (await browser.get("/oauth2/authorize", {"continue": handle})).fields


@pytest.mark.parametrize("how", ["link", "form", "signed"])
async def test_an_id_token_hint_is_not_stored(
    server: Server, browser: Browser, clock: Clock, how: str
) -> None:
    """While a request waits there is the subject the token named, and no token; still only that person will do."""
    ann, eve = await add_user(server), await add_user(server, "eve")
    key, jwks = client_key()
    client = await add_client(server, trusted=True, jwks=jwks)
    token = await hint(server, client, ann)
    asked = request(client, id_token_hint=token)
    if how == "signed":
        now = int(clock.now)
        said = {**asked, "iss": client.id, "aud": ISSUER, "iat": now, "exp": now + 60}
        asked = {"client_id": client.id, "request": signed(key, said)}
    if how == "form":
        answer = await browser.post("/oauth2/authorize", asked, cross_site=True)
        assert "eyJ" not in await waits(server)
        answer = await browser.follow(answer)
    else:
        answer = await browser.get("/oauth2/authorize", asked)
    handle = answer.location.partition("=")[2]
    stored = await waits(server)
    assert ann.id in stored
    assert "eyJ" not in stored
    assert token.rpartition(".")[2] not in stored
    clock.now += 5
    await browser.sign_in(eve)
    wrong = await browser.get("/oauth2/authorize", {"continue": handle})
    assert wrong.fields["error"] == "login_required"
    await browser.sign_in(ann)
    assert "code" in (await browser.get("/oauth2/authorize", {"continue": handle})).fields


@pytest.mark.parametrize("changes", [{"aud": "cl_other"}, {"iss": "https://other.example"}])
async def test_a_hint_of_others_is_refused(server: Server, browser: Browser, changes: dict[str, Any]) -> None:
    """Another client's id token, or another server's, says nothing here."""
    user = await add_user(server)
    client = await add_client(server, trusted=True)
    bad = await hint(server, client, user, **changes)
    answer = await browser.get("/oauth2/authorize", request(client, id_token_hint=bad))
    assert answer.fields["error"] == "invalid_request"
    said = {"iss": ISSUER, "aud": client.id, "sub": user.id, "iat": 1, "exp": 1}
    access = await server.keys.sign(said, typ="at+jwt")
    userinfo = await server.keys.sign({"iss": ISSUER, "aud": client.id, "sub": user.id}, typ="JWT")
    for other in (access, userinfo):
        answer = await browser.get("/oauth2/authorize", request(client, id_token_hint=other))
        assert answer.fields["error"] == "invalid_request"


async def test_hint_and_claims_that_disagree_are_refused(server: Server, browser: Browser) -> None:
    """Nobody is two persons."""
    user = await add_user(server)
    client = await add_client(server, trusted=True)
    answer = await browser.get(
        "/oauth2/authorize",
        request(
            client,
            id_token_hint=await hint(server, client, user),
            claims='{"id_token":{"sub":{"value":"usr_other"}}}',
        ),
    )
    assert answer.fields["error"] == "invalid_request"


async def test_the_sign_in_page_learns_what_it_needs(server: Server, browser: Browser) -> None:
    """The document of the request names client, hint and prompt; the handle is stored as a digest only."""
    client = await add_client(server)
    handle, _ = await waiting(browser, client, login_hint="ann@example.org", prompt="login")
    async with server.store.reading() as tx:
        record = await tx.once.look("authorize", server.digest(handle))
    assert record is not None
    document = record.document
    assert (document["client"], document["login_hint"], document["prompts"]) == (
        client.id,
        "ann@example.org",
        ["login"],
    )
    assert document["form_action"] == ["https://shop.example"]
    assert handle not in str(document)
    cookie = browser.cookies[cookie_name(server.settings, "request")]
    assert cookie not in str(document)
    _, answer = await waiting(browser, client, login_hint="a\r\nb")
    assert "\n" not in answer.location
