"""The front as browsers meet it, through the whole mount: the way to tokens, and what pages let other sites do."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from tests.identity.front import CALLBACK, ISSUER, SECRETS, VERIFIER, add_client, request
from tests.identity.people.house import Browser, House, forms, location, make_house

from wardgate.domain.oauth import DEVICE_CODE, Client
from wardgate.storage.clientreader import SqliteClientReader
from wardgate.storage.database import SqlStore


@pytest.fixture
def house(store: SqlStore) -> Iterator[House]:
    """A server with every page, on a store of its own."""
    made = make_house(store)
    yield made
    made.passwords.close()
    if isinstance(made.server.clients, SqliteClientReader):
        made.server.clients.close()


async def opened(browser: Browser, client: Client, **changes: Any) -> httpx2.Response:
    """An authorization request, opened by a link of the client."""
    asked = {name: value for name, value in request(client, **changes).items() if value is not None}
    return await browser.get(f"/oauth2/authorize?{urlencode(asked)}")


async def at_consent(house: House, client: Client, **changes: Any) -> tuple[Browser, httpx2.Response]:
    """A person who signed in for a client and sees what it wants."""
    await house.user()
    browser = house.browser()
    login = await browser.get(location(await opened(browser, client, **changes)))
    fields = forms(login)["/oauth2/login"]
    after = await browser.post(
        "/oauth2/login", {**fields, "name": "ada", "password": "purple violin cactus river"}
    )
    page = await browser.get(location(after))
    assert page.status_code == 200, page.text
    assert "access to your account" in page.text
    return browser, page


def fields_of(answer: httpx2.Response) -> dict[str, str]:
    """What the client is told."""
    assert answer.headers["location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def test_from_a_link_to_tokens_and_claims(house: House) -> None:
    """Sign-in, consent, code, tokens, userinfo: each takes what the one before gives."""
    client = await add_client(house.server, authentication="client_secret_post")
    browser, page = await at_consent(house, client, scope="openid email", nonce="n-1")
    handle = forms(page)["/oauth2/consent"]["request"]
    done = await browser.post("/oauth2/consent", {"request": handle, "decision": "allow"})
    program = house.browser()
    token = await program.post(
        "/oauth2/token",
        {
            "grant_type": "authorization_code",
            "code": fields_of(done)["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "client_id": client.id,
            "client_secret": SECRETS[client.id],
        },
    )
    assert token.status_code == 200, token.text
    tokens = token.json()
    claims = await house.server.keys.claims_of(tokens["id_token"], "JWT")
    assert claims is not None
    assert (claims["nonce"], claims["aud"]) == ("n-1", client.id)
    told = await program.post("/oauth2/userinfo", {"access_token": tokens["access_token"]})
    assert told.json() == {"sub": claims["sub"], "email": "ada@example.com", "email_verified": True}
    assert "/oauth2/account/applications" in page.text


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://id.example.org.evil.example", "http://id.example.org", None],
)
async def test_consent_from_another_site_is_refused(house: House, origin: str | None) -> None:
    """Whatever the form holds, even the right handle: it did not come from the page."""
    client = await add_client(house.server)
    browser, page = await at_consent(house, client)
    form = {"request": forms(page)["/oauth2/consent"]["request"], "decision": "allow"}
    refused = await browser.post("/oauth2/consent", form, origin=origin)
    assert refused.status_code == 403
    assert "location" not in refused.headers
    async with house.server.store.reading() as tx:
        assert await tx.grants.find() == []


async def test_no_page_can_be_framed_or_run_scripts(house: House) -> None:
    """Consent, device, logout, errors: never in a frame, never stored, no script at all."""
    client = await add_client(house.server)
    browser, consent = await at_consent(house, client)
    pages = [
        consent,
        await browser.get("/oauth2/device"),
        await browser.get("/oauth2/logout"),
        await browser.get("/oauth2/authorize?client_id=x"),
        await browser.get("/oauth2/authorize?continue=x"),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        assert "cross-origin-opener-policy" not in page.headers
        assert "<script" not in page.text
        assert 'lang="en"' in page.text
        assert "access-control-allow-origin" not in page.headers
        for field in re.findall(r"<input(?![^>]*hidden)[^>]*>", page.text):
            name = re.search(r'id="([^"]+)"', field)
            assert name is not None
            assert f'<label for="{name[1]}"' in page.text
    assert "form-action 'self' https://shop.example;" in consent.headers["content-security-policy"]


async def test_a_form_response_may_lead_to_the_client_alone(house: House) -> None:
    """The page of form_post names the client's origin, runs scripts of this server alone, and escapes what it carries."""
    client = await add_client(house.server, trusted=True)
    await house.user()
    browser = house.browser()
    await browser.sign_in()
    answer = await opened(browser, client, response_mode="form_post", state='"><img src=x>')
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://shop.example;" in policy
    assert "default-src 'none'; script-src 'self';" in policy
    sent = forms(answer)[CALLBACK]
    assert sent.keys() == {"code", "state", "iss"}
    assert sent["state"] == '"><img src=x>'
    assert "<img src=x" not in answer.text
    assert html.escape('"><img src=x>', quote=True).replace("&quot;", "&#34;") in answer.text


async def test_an_authorization_request_may_come_as_a_form_of_another_site(house: House) -> None:
    """OIDC core section 3.1.2.1: POST too; it acts on no cookie."""
    client = await add_client(house.server)
    browser = house.browser()
    asked = {name: str(value) for name, value in request(client).items()}
    answer = await browser.post("/oauth2/authorize", asked, origin="https://shop.example")
    assert location(answer).startswith("/oauth2/authorize?continue=")
    assert "set-cookie" not in answer.headers


async def test_what_stands_twice_is_refused_before_anything_else(house: House) -> None:
    """Query and form are read strictly: broken escapes, NUL and repeated names never reach a client."""
    client = await add_client(house.server, trusted=True)
    await house.user()
    browser = house.browser()
    await browser.sign_in()
    good = urlencode(request(client))
    for query in (
        f"{good}&state=%00",
        f"{good}&x=%zz",
        f"{good}&x=%ff",
        f"{good}&redirect_uri=https://evil.example",
    ):
        answer = await browser.get(f"/oauth2/authorize?{query}")
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_a_device_is_let_in_through_the_mount(house: House) -> None:
    """The device asks, the person signs in, enters the code and allows; then the device has tokens."""
    client = await add_client(
        house.server, authentication="client_secret_post", grant_types=(DEVICE_CODE,), redirect_uris=()
    )
    secret = {"client_id": client.id, "client_secret": SECRETS[client.id]}
    program = house.browser()
    begun = (await program.post("/oauth2/device_authorization", {**secret, "scope": "openid"})).json()
    await house.user()
    browser = house.browser()
    to = begun["verification_uri_complete"].removeprefix(ISSUER)
    login = await browser.get(location(await browser.get(to)))
    after = await browser.sign_in(request=forms(login)["/oauth2/login"]["request"])
    entering = await browser.get(location(await browser.get(location(after))))
    code = forms(entering)["/oauth2/device"]["user_code"]
    assert code == begun["user_code"]
    confirm = await browser.post("/oauth2/device", {"user_code": code})
    handle = forms(confirm)["/oauth2/device"]["request"]
    allow = {"request": handle, "decision": "allow"}
    assert (await browser.post("/oauth2/device", allow, origin="https://evil.example")).status_code == 403
    assert "connected" in (await browser.post("/oauth2/device", allow)).text
    polled = await program.post(
        "/oauth2/token", {**secret, "grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
    )
    assert polled.status_code == 200, polled.text
    assert "access_token" in polled.json()


async def test_registration_through_the_mount(store: SqlStore) -> None:
    """A client registers itself over HTTP and reads itself at the address it was given."""
    house = make_house(store, open_registration=True)
    try:
        transport = httpx2.ASGITransport(app=house.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
            made = await http.post("/oauth2/register", json={"redirect_uris": [CALLBACK]})
            assert made.status_code == 201, made.text
            document = made.json()
            header = {"Authorization": f"Bearer {document['registration_access_token']}"}
            path = document["registration_client_uri"].removeprefix(ISSUER)
            assert (await http.get(path, headers=header)).json()["client_id"] == document["client_id"]
            assert (await http.get(path)).status_code == 401
            assert (await http.delete(path, headers=header)).status_code == 204
            assert (await http.get(path, headers=header)).status_code == 401
    finally:
        house.passwords.close()


async def test_userinfo_may_be_asked_by_scripts_of_any_site(house: House) -> None:
    """It takes no cookie, so it answers pre-flights and names the headers a script may read."""
    transport = httpx2.ASGITransport(app=house.app)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        preflight = await http.options("/oauth2/userinfo")
        assert preflight.status_code == 204
        answer = await http.get("/oauth2/userinfo")
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.headers.get_list("www-authenticate")) == 2
