"""Signing in with a foreign provider: what leads to a session, and everything that must not."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey
from tests.identity.federation.foreign import ABROAD, SECRET, House, make_house
from tests.identity.front import ISSUER, add_client, add_user, count, request

from wardgate.domain.people import User
from wardgate.storage.database import SqlStore


@pytest.fixture
def house(store: SqlStore) -> House:
    """A server, and a provider that is still to be added."""
    return make_house(store)


async def users(house: House) -> list[User]:
    """Every account."""
    async with house.server.store.reading() as tx:
        return list(await tx.users.list())


async def refused(house: House, caplog: pytest.LogCaptureFixture, said: str, **answer: Any) -> str:
    """A whole sign-in that must fail with ``said`` in the log, and leave no session, account or link."""
    browser = house.browser()
    with caplog.at_level(logging.WARNING, "wardgate.identity"):
        response = await house.sign_in(browser, **answer)
    assert response.status_code >= 400, response.headers
    assert "location" not in response.headers
    assert said in caplog.text
    assert not browser.signed_in
    for table in ("sessions", "identity_links", "users"):
        assert await count(house.server, table) == 0
    for secret in (SECRET, "foreign-access", "code-0"):
        assert secret not in caplog.text + response.text
    return response.text


async def test_the_request_is_the_code_flow_with_pkce_state_and_nonce(house: House) -> None:
    """The browser is sent to the provider's own endpoint, bound to the sign-in by a cookie that no script reads."""
    await house.add()
    response = await house.browser().get("/oauth2/federation/abroad/start")
    parts = urlsplit(response.headers["location"])
    asked = dict(parse_qsl(parts.query))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ABROAD}/authorize"
    assert asked["redirect_uri"] == f"{ISSUER}/oauth2/federation/abroad/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid profile email"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert "response_mode" not in asked
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-wardgate-federation=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=600"):
        assert attribute in cookie


async def test_a_new_person_gets_an_account_where_that_is_allowed(house: House) -> None:
    """With ``create`` the first sign-in makes an account and a link; the second finds them."""
    await house.add(settings={"create": True})
    first = house.browser()
    response = await house.sign_in(first)
    assert response.headers["location"] == f"{ISSUER}/oauth2/account"
    assert first.signed_in
    (user,) = await users(house)
    assert (user.name, user.email, user.email_verified) == ("ann.ash", "ann.ash@abroad.example", True)
    assert user.profile == {"name": "Ann Ash"}
    await house.sign_in(house.browser())
    assert [each.id for each in await users(house)] == [user.id]
    assert "ann.ash" in (await first.get("/oauth2/account")).text


async def test_nobody_gets_an_account_unless_the_operator_said_so(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Without ``create`` somebody unknown is told that no account is linked."""
    await house.add()
    text = await refused(house, caplog, "no account is linked")
    assert "No account here is linked" in text


async def test_the_session_says_how_and_how_surely(house: House) -> None:
    """One factor, unless the provider says that there were several."""
    await house.add(settings={"create": True})
    await house.sign_in(house.browser())
    house.foreign.claims["amr"] = ["pwd", "mfa", "<b>"]
    await house.sign_in(house.browser())
    async with house.server.store.reading() as tx:
        (user,) = await tx.users.list()
        sessions = await tx.sessions.of_user(user.id, house.clock())
    found = {(each.acr, each.amr) for each in sessions}
    assert found == {("urn:wardgate:acr:1", ("fed",)), ("urn:wardgate:acr:2", ("fed", "pwd", "mfa"))}


async def test_a_request_that_waits_goes_on(house: House) -> None:
    """The sign-in page names the provider; after it the authorization request that led there goes on, nothing else."""
    await house.add(settings={"create": True})
    client = await add_client(house.server, scopes=("openid",))
    browser = house.browser()
    query = "&".join(f"{k}={v}" for k, v in request(client, scope="openid", login_hint="ann").items())
    to_login = (await browser.get(f"/oauth2/authorize?{query}")).headers["location"]
    page = await browser.get(to_login)
    handle = to_login.partition("request=")[2]
    assert f'href="/oauth2/federation/abroad/start?request={handle}"' in page.text
    begun = await browser.get(f"/oauth2/federation/abroad/start?request={handle}")
    assert dict(parse_qsl(urlsplit(begun.headers["location"]).query))["login_hint"] == "ann"
    response = await browser.get(house.foreign.agree(begun.headers["location"]))
    assert response.headers["location"] == f"{ISSUER}/oauth2/authorize?continue={handle}"
    assert (await browser.get(response.headers["location"])).status_code == 200  # consent


@pytest.mark.parametrize(
    "query",
    [
        "?request=https://evil.example/",
        "?request=//evil.example",
        "?next=https://evil.example/",
        "?next=//evil.example&continue=https://evil.example",
        "?return_to=https://evil.example&redirect_uri=https://evil.example/cb",
    ],
)
async def test_nothing_in_the_address_says_where_a_sign_in_leads(house: House, query: str) -> None:
    """Whatever the start is called with, it leads to the provider and then to the account, or is refused."""
    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get(f"/oauth2/federation/abroad/start{query}")
    if begun.status_code != 303:
        assert begun.status_code == 400
        assert "location" not in begun.headers
        return
    assert begun.headers["location"].startswith(f"{ABROAD}/authorize?")
    assert "evil" not in begun.headers["location"]
    path = house.foreign.agree(begun.headers["location"])
    response = await browser.get(f"{path}&next=https://evil.example&request=https://evil.example")
    assert response.headers["location"] == f"{ISSUER}/oauth2/account"


async def test_an_answer_counts_once(house: House) -> None:
    """The same callback a second time is refused, whoever sends it."""
    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    assert (await browser.get(path)).status_code == 303
    again = await browser.get(path)
    assert again.status_code == 400
    assert "was used already" in again.text
    assert len(house.foreign.posted) == 1


async def test_an_answer_counts_for_ten_minutes(house: House) -> None:
    """Later the sign-in is over."""
    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    house.clock.now += 601
    response = await browser.get(path)
    assert (response.status_code, "took too long" in response.text) == (400, True)
    assert house.foreign.posted == []


async def test_an_answer_counts_in_its_own_browser_only(house: House) -> None:
    """Somebody else's answer signs nobody in (login CSRF), and is not used up by the attempt."""
    await house.add(settings={"create": True})
    attacker, victim = house.browser(), house.browser()
    begun = await attacker.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    for other in (victim, house.browser()):
        await victim.get("/oauth2/federation/abroad/start")  # has a cookie of its own
        response = await other.get(path)
        assert response.status_code == 403
        assert "began in another browser" in response.text
        assert not other.signed_in
    assert house.foreign.posted == []
    assert (await attacker.get(path)).status_code == 303


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=wgot_" + "A" * 43, "?state=x&code=y", "?state=&code="]
)
async def test_an_answer_nobody_asked_for_is_refused(house: House, query: str) -> None:
    """Without a state that began here nothing happens, at the provider either."""
    await house.add(settings={"create": True})
    response = await house.browser().get(f"/oauth2/federation/abroad/callback{query}")
    assert (response.status_code, "is unknown" in response.text) == (400, True)
    assert house.foreign.asked == []


async def test_an_answer_says_nothing_twice(house: House) -> None:
    """Two codes in one answer are refused before the state is used."""
    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    assert (await browser.get(f"{path}&code=other")).status_code == 400
    assert (await browser.get(path)).status_code == 303


async def test_an_answer_at_another_providers_address_is_refused(house: House) -> None:
    """Mix-up: each provider has its own redirect URI, and takes only answers to what began with it."""
    await house.add(settings={"create": True})
    await house.add("Evil", settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    response = await browser.get(path.replace("/abroad/", "/evil/"))
    assert response.status_code == 403
    assert "from another provider" in response.text
    assert house.foreign.posted == []


@pytest.mark.parametrize("iss", ["https://evil.example", ABROAD + "/", None])
async def test_a_provider_that_names_itself_must(
    house: House, caplog: pytest.LogCaptureFixture, iss: str | None
) -> None:
    """RFC 9207: another ``iss`` or none, where the metadata promises it; the code goes nowhere."""
    await house.add(settings={"create": True})
    await refused(house, caplog, "iss of the answer", iss=iss)
    assert house.foreign.posted == []


async def test_iss_counts_even_where_nobody_promised_it(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong ``iss`` is refused whatever the metadata says; without one, that provider is content."""
    house.foreign.metadata["authorization_response_iss_parameter_supported"] = None
    await house.add(settings={"create": True})
    await refused(house, caplog, "iss of the answer", iss="https://evil.example")
    assert (await house.sign_in(house.browser(), iss=None)).status_code == 303


_OTHER = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": ABROAD + "/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "somebody-else"}, "(aud)"),
        ({"aud": []}, "(aud)"),
        ({"aud": None}, "(aud)"),
        ({"aud": ["wardgate-at-abroad", "other"]}, "(azp)"),
        ({"azp": "other"}, "(azp)"),
        ({"nonce": "another"}, "(nonce)"),
        ({"nonce": None}, "(nonce)"),
        ({"nonce": 7}, "malformed"),
        ({"exp": 1_799_999_900}, "expired"),
        ({"exp": None}, "exp is missing"),
        ({"iat": None}, "(iat)"),
        ({"iat": 1_799_990_000}, "(iat)"),
        ({"iat": 1_800_000_900}, "not_yet_valid"),
        ({"sub": None}, "(sub)"),
        ({"sub": ""}, "(sub)"),
        ({"sub": "x" * 256}, "(sub)"),
        ({"sub": 7}, "malformed"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "(at_hash)"),
    ],
)
async def test_an_id_token_must_be_about_this_very_sign_in(
    house: House, caplog: pytest.LogCaptureFixture, claims: dict[str, Any], said: str
) -> None:
    """Wrong issuer, audience, times, nonce, subject or access token: no sign-in, and the log says which."""
    await house.add(settings={"create": True})
    house.foreign.claims = claims
    text = await refused(house, caplog, said)
    assert "could not be verified" in text


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"alg": "none"}, "algorithm"),
        ({"typ": "at+jwt"}, "type"),
        ({"crit": ["exp"]}, "critical"),
        ({"kid": "other"}, "key_unknown"),
    ],
)
async def test_an_id_token_must_be_signed_as_agreed(
    house: House, caplog: pytest.LogCaptureFixture, header: dict[str, Any], said: str
) -> None:
    """No signature, an access token's type, an extension or an unknown key: no sign-in."""
    await house.add(settings={"create": True})
    house.foreign.header = {} if "crit" in header else header
    if "crit" in header:
        house.foreign.token = {"id_token": "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AAAA"}
    await refused(house, caplog, said)


async def test_a_client_secret_is_no_signing_key(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """HS256 with the client's own secret is refused."""
    await house.add(settings={"create": True})
    house.foreign.key = OctKey.import_key(SECRET)  # type: ignore[assignment]
    house.foreign.header = {"alg": "HS256", "kid": "x"}
    await refused(house, caplog, "algorithm")


async def test_an_algorithm_must_be_on_the_list(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What an operator narrowed is refused although the key is right."""
    await house.add(settings={"create": True, "algorithms": ["RS256"]})
    await refused(house, caplog, "algorithm")


async def test_an_id_token_of_another_key_is_refused(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The published key's id with another key's signature."""
    await house.add(settings={"create": True})
    published = house.foreign.published[0]
    house.foreign.header = {"kid": published.thumbprint()}
    house.foreign.key = _OTHER
    await refused(house, caplog, "signature")


async def test_keys_are_rotated_without_anybody_noticing(house: House) -> None:
    """A key that is not known is looked for once more, though not more often than every half minute."""
    await house.add(settings={"create": True})
    await house.sign_in(house.browser())
    house.foreign.key = _OTHER
    house.foreign.published = [_OTHER]
    house.clock.now += 31
    assert (await house.sign_in(house.browser())).status_code == 303
    assert len([url for url in house.foreign.asked if url.endswith("/jwks")]) == 2
    assert len([url for url in house.foreign.asked if url.endswith("configuration")]) == 1


async def test_a_provider_that_is_away(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever wants to sign in is told; what was read before serves; the code is never sent elsewhere."""
    await house.add(settings={"create": True})
    house.foreign.down = True
    with caplog.at_level(logging.WARNING, "wardgate.identity"):
        response = await house.browser().get("/oauth2/federation/abroad/start")
    assert response.status_code == 502
    assert "cannot be reached" in response.text
    house.foreign.down = False
    house.clock.now += 6
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    house.foreign.down = True
    assert (await browser.get(path)).status_code == 502
    assert not browser.signed_in


async def test_metadata_of_another_issuer_is_not_used(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The stated issuer is compared exactly, a slash more included; nobody is sent anywhere."""
    await house.add()
    for stated in (ABROAD + "/", "https://evil.example", None):
        house.foreign.metadata["issuer"] = stated
        house.clock.now += 6
        with caplog.at_level(logging.WARNING, "wardgate.identity"):
            response = await house.browser().get("/oauth2/federation/abroad/start")
        assert (response.status_code, "location" in response.headers) == (502, False)
    assert "exactly" in caplog.text


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("url", [None, "http://login.abroad.example/x", "javascript:alert(1)", "/x", 7])
async def test_endpoints_are_urls_over_tls(house: House, name: str, url: Any) -> None:
    """Metadata cannot lead a browser or a secret to a plain or odd URL."""
    await house.add()
    house.foreign.metadata[name] = url
    response = await house.browser().get("/oauth2/federation/abroad/start")
    assert (response.status_code, "location" in response.headers) == (502, False)


async def test_the_providers_error_is_text(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """What it says is shown escaped, shortened, and only to the browser the sign-in began in."""
    await house.add()
    wicked = "<script>alert(1)</script>\r\nX: y" + "z" * 500
    text = await refused(
        house, caplog, "server_error", code=None, error="server_error", error_description=wicked
    )
    assert "&lt;script&gt;alert(1)&lt;/script&gt;  X: y" in text
    assert "<script>" not in text
    assert "z" * 201 not in text
    other = await house.browser().get(f"/oauth2/federation/abroad/callback?state=x&error={'e' * 9}")
    assert "eeeee" not in other.text


async def test_whoever_says_no_can_choose_again(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """``access_denied`` leads to a page with the way back."""
    await house.add()
    text = await refused(house, caplog, "access_denied", code=None, error="access_denied")
    assert "You did not allow it at Abroad." in text
    assert 'href="/oauth2/login"' in text


async def test_a_token_endpoint_that_refuses(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The page says that it did not work, the log why."""
    await house.add(settings={"create": True})
    house.foreign.token_status = 400
    await refused(house, caplog, "invalid_grant")


async def test_a_token_endpoint_without_id_token(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """An access token alone says nothing of who signed in."""
    await house.add(settings={"create": True})
    house.foreign.token = {"id_token": None}
    await refused(house, caplog, "no id token")


@pytest.mark.every_database
async def test_one_person_in_two_browsers_at_once_gets_one_account(house: House) -> None:
    """First sign-ins that race for the account: one makes it, all end up in it; of one answer twice only one counts."""
    await house.add(settings={"create": True})
    browsers = [house.browser() for _ in range(4)]
    paths = []
    for browser in browsers:
        begun = await browser.get("/oauth2/federation/abroad/start")
        paths.append(house.foreign.agree(begun.headers["location"]))
    pairs = [*zip(browsers, paths, strict=True), (browsers[0], paths[0])]
    replies = await asyncio.gather(*(browser.get(path) for browser, path in pairs))
    assert sorted(each.status_code for each in replies) == [303, 303, 303, 303, 400]
    (user,) = await users(house)
    async with house.server.store.reading() as tx:
        assert len(await tx.sessions.of_user(user.id, house.clock())) == 4


async def test_a_suspended_provider_signs_nobody_in(house: House) -> None:
    """Neither a new sign-in nor one under way; and the sign-in page does not offer it."""
    from wardgate.identity.federation import manage_providers

    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path = house.foreign.agree(begun.headers["location"])
    await manage_providers.suspend(house.server, "abroad")
    for response in (await browser.get(path), await browser.get("/oauth2/federation/abroad/start")):
        assert (response.status_code, "is suspended" in response.text) == (403, True)
    assert "Abroad" not in (await browser.get("/oauth2/login")).text
    assert house.foreign.posted == []


async def test_a_provider_of_another_environment_is_unknown(house: House) -> None:
    """Each environment has providers of its own."""
    await house.add(environment="production")
    assert (await house.browser().get("/oauth2/federation/abroad/start")).status_code == 404
    assert "Abroad" not in (await house.browser().get("/oauth2/login")).text


async def test_a_suspended_user_stays_out(house: House) -> None:
    """The provider's word does not lift a suspension here."""
    from dataclasses import replace

    await house.add(settings={"create": True})
    await house.sign_in(house.browser())
    (user,) = await users(house)
    async with house.server.store.writing() as tx:
        await tx.users.replace(replace(user, status="suspended"))
    browser = house.browser()
    response = await house.sign_in(browser)
    assert (response.status_code, "is suspended" in response.text) == (403, True)
    assert not browser.signed_in


async def test_an_answer_as_a_form_becomes_a_link(house: House) -> None:
    """A form comes without cookies, so it is bounced once; what is not part of an answer is dropped."""
    await house.add(settings={"create": True})
    browser = house.browser()
    begun = await browser.get("/oauth2/federation/abroad/start")
    path, _, query = house.foreign.agree(begun.headers["location"]).partition("?")
    bounced = await house.browser().post(path, {**dict(parse_qsl(query)), "next": "//evil"}, origin=ABROAD)
    assert bounced.headers["location"].startswith(f"{ISSUER}{path}?code=")
    assert "evil" not in bounced.headers["location"]
    assert (await browser.get(bounced.headers["location"])).status_code == 303


async def test_prompt_login_asks_the_provider_to_ask(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A client that wants a new sign-in gets one: the provider must say when it was, and it must be now."""
    await house.add(settings={"create": True})
    client = await add_client(house.server, scopes=("openid",))
    query = "&".join(f"{k}={v}" for k, v in request(client, scope="openid", prompt="login").items())

    async def attempt() -> int:
        browser = house.browser()
        handle = (
            (await browser.get(f"/oauth2/authorize?{query}")).headers["location"].partition("request=")[2]
        )
        begun = await browser.get(f"/oauth2/federation/abroad/start?request={handle}")
        asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        return (await browser.get(house.foreign.agree(begun.headers["location"]))).status_code

    assert await attempt() == 403
    assert "does not say when" in caplog.text
    house.foreign.claims["auth_time"] = int(house.clock()) - 3600
    assert await attempt() == 403
    assert "too long ago" in caplog.text
    house.foreign.claims["auth_time"] = int(house.clock())
    assert await attempt() == 303


async def test_max_age_of_the_client_is_passed_on(house: House) -> None:
    """What the client is registered with counts where the request says nothing."""
    await house.add()
    client = await add_client(house.server, scopes=("openid",), default_max_age=300)
    for more, asked in (({}, "300"), ({"max_age": "60"}, "60")):
        browser = house.browser()
        query = "&".join(f"{k}={v}" for k, v in request(client, scope="openid", **more).items())
        handle = (
            (await browser.get(f"/oauth2/authorize?{query}")).headers["location"].partition("request=")[2]
        )
        begun = await browser.get(f"/oauth2/federation/abroad/start?request={handle}")
        found = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        assert (found["max_age"], "prompt" in found) == (asked, False)


async def test_userinfo_tells_the_rest(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Where the id token is thin, userinfo is read, and only believed of the same person."""
    await house.add(settings={"create": True})
    house.foreign.claims = {"email": None, "email_verified": None, "preferred_username": None, "name": None}
    house.foreign.userinfo = {"sub": "somebody-else", "email": "eve@abroad.example"}
    await refused(house, caplog, "somebody else (sub)")
    house.foreign.userinfo = {"sub": "abroad-1", "email": "ann@abroad.example", "email_verified": True}
    assert (await house.sign_in(house.browser())).status_code == 303
    (user,) = await users(house)
    assert (user.name, user.email, user.email_verified) == ("ann", "ann@abroad.example", True)


async def test_second_factors_here_still_count(house: House) -> None:
    """Whoever has a second factor here is asked for it, unless the provider asked for one."""
    from wardgate.domain.people import Factor, Link

    await house.add()
    user = await add_user(house.server)
    factor = Factor(id="fac_1", user=user.id, kind="totp", label="", data={"secret": "x"}, created_at=0.0)
    async with house.server.store.writing() as tx:
        await tx.factors.add(factor)
        await tx.providers.add_link(Link(provider="abroad", subject="abroad-1", user=user.id, created_at=0.0))
    browser = house.browser()
    response = await house.sign_in(browser)
    assert response.headers["location"] == f"{ISSUER}/oauth2/login/second"
    assert not browser.signed_in
    house.foreign.claims["amr"] = ["mfa"]
    assert (await house.sign_in(browser)).headers["location"] == f"{ISSUER}/oauth2/account"
    assert browser.signed_in
