"""OpenID Connect Core 1.0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import (
    asks,
    bad,
    challenged,
    coded,
    page,
    posted,
    redirected,
    tokens,
    tokens_in_fragment,
)
from tests.conformance.changes import (
    change,
    header,
    later,
    sequence,
    with_,
    without,
)
from tests.conformance.exchange import Answer, Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import asking, code, implied_redirect, redeemable, userinfo
from tests.identity.token_side import CALLBACK, ISSUER

from wardgate.identity import issue
from wardgate.identity.subjects import subject_of

_IMPLICIT = {"grant_types": ("implicit",), "response_types": ("token", "id_token", "id_token token")}


@sound("a person who is signed in is sent back with a code, by OpenID Connect", coded)
async def openid(house: House) -> Request:
    return await asking(house, scope="openid read", nonce="n-1")


@sound("the same without any page (`prompt=none`)", coded)
async def silent(house: House) -> Request:
    return await asking(house, scope="openid read", prompt="none")


@sound("the same with an id token as hint of who is expected", coded)
async def hinted(house: House) -> Request:
    request = await asking(house, scope="openid", prompt="none")
    client, user = request.facts["client"], request.facts["user"]
    grant = await house.grant(client, user)
    subject = subject_of(house.side.server, client, user.id)
    text = await issue.id_token(house.side.server, client, grant, subject=subject, claims={})
    return request.with_(id_token_hint=text)


@sound("the same, of a person who signed in within `max_age`", coded)
async def recent(house: House) -> Request:
    return await asking(house, scope="openid", max_age="60", prompt="none")


@sound("a client that opted in gets an id token in the fragment", tokens_in_fragment)
async def id_token(house: House) -> Request:
    none = {"code_challenge": None, "code_challenge_method": None}
    return await asking(house, _IMPLICIT, scope="openid", response_type="id_token", nonce="n-1", **none)


def shows_form(answer: Answer, request: Request) -> None:
    """A page whose form brings the code to the client."""
    assert answer.status == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert 'name="code"' in answer.text


@sound("a person is sent back by a form", shows_form)
async def form_post(house: House) -> Request:
    return await asking(house, scope="openid", response_mode="form_post")


@change("of another person")
async def anothers_hint(house: House, request: Request) -> Request:
    client = request.facts["client"]
    grant = await house.grant(client)
    text = await issue.id_token(house.side.server, client, grant, subject=grant.subject, claims={})
    return request.with_(id_token_hint=text)


@change("of another client")
async def hint_of_another_client(house: House, request: Request) -> Request:
    client = await house.client()
    grant = await house.grant(client, request.facts["user"])
    text = await issue.id_token(house.side.server, client, grant, subject=grant.subject, claims={})
    return request.with_(id_token_hint=text)


@change("an access token as hint")
async def access_token_as_hint(house: House, request: Request) -> Request:
    return request.with_(id_token_hint=await house.access_token(request.facts["client"]))


@change("by a client that asks for consent, which was never given")
async def not_trusted(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], trusted=False))
    return request


@change("with a token that a client got for itself")
async def own_token(house: House, request: Request) -> Request:
    text = await house.access_token(request.facts["client"], scopes=("read", "openid"))
    return request.header("Authorization", f"Bearer {text}")


@change("with a token without the scope `openid`")
async def without_openid(house: House, request: Request) -> Request:
    text = await house.access_token(request.facts["client"], request.facts["grant"], scopes=("read",))
    return request.header("Authorization", f"Bearer {text}")


@change("with a token for an API alone")
async def for_an_api(house: House, request: Request) -> Request:
    text = await house.access_token(
        request.facts["client"], request.facts["grant"], audiences=(f"{ISSUER}/orders/v1",)
    )
    return request.header("Authorization", f"Bearer {text}")


@change("after the person was suspended")
async def person_suspended(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.users.replace(replace(request.facts["user"], status="suspended"))
    return request


@change("with an id token in the place of the access token")
async def id_token_as_access_token(house: House, request: Request) -> Request:
    client, grant = request.facts["client"], request.facts["grant"]
    text = await issue.id_token(house.side.server, client, grant, subject="somebody", claims={})
    return request.header("Authorization", f"Bearer {text}")


@sound("a client redeems a code of OpenID Connect", tokens)
async def openid_code(house: House) -> Request:
    client, user = await house.client(), await house.user()
    grant = await house.grant(client, user)
    request = await redeemable(house, client, house.basic(client), grant=grant)
    return replace(request, facts={**request.facts, "user": user})


async def _refreshing(house: House, **settings: Any) -> Request:
    client, user = await house.client(), await house.user()
    grant = await house.grant(client, user, **settings)
    form = (
        ("grant_type", "refresh_token"),
        ("refresh_token", await house.refresh_token(client, grant)),
    )
    facts = {"client": client, "user": user, "grant": grant}
    return Request(path="/oauth2/token", form=form, headers=house.basic(client), facts=facts)


@sound("a client refreshes tokens of a person", tokens)
async def openid_refresh(house: House) -> Request:
    return await _refreshing(house)


@sound("a client refreshes tokens while the person is signed in", tokens)
async def session_refresh(house: House) -> Request:
    session = await house.side.session((await house.user()).id)
    return await _refreshing(house, session=session.id, scopes=("read", "openid"))


@change("after the session ended")
async def session_ended(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.sessions.revoke([request.facts["grant"].session], house.side.clock())
    return request


no_browser = header("Cookie", text="in a browser where nobody is signed in")


_CLAIMS = '{"id_token":{"acr":{"essential":true,"values":["urn:nobody:has:this"]}}}'

ROWS = (
    # Authentication requests
    Row(
        "oidc-3.1.2.1-redirect-uri-required",
        "`redirect_uri` is required.",
        openid,
        without("redirect_uri"),
        page(said="redirect_uri is missing"),
    ),
    Row(
        "oidc-3.1.2.1-redirect-uri-exact",
        "`redirect_uri` is one registered, character by character.",
        openid,
        with_(redirect_uri=CALLBACK + "?a=b"),
        page(said="not one the client registered"),
    ),
    Row(
        "oidc-3.1.2.2-response-type-required",
        "Required parameters are there.",
        openid,
        without("response_type"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-none-stands-alone",
        "`prompt=none` stands alone.",
        openid,
        with_(prompt="none login"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-prompt-known",
        "A value of `prompt` that is not supported is refused.",
        openid,
        with_(prompt="create"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-max-age-number",
        "`max_age` is a number of seconds.",
        openid,
        with_(max_age="soon"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-max-age-not-negative",
        "`max_age` is a number of seconds.",
        openid,
        with_(max_age="-1"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-none-shows-nothing",
        "With `prompt=none` no page is shown: nobody is signed in.",
        silent,
        no_browser,
        redirected("login_required"),
    ),
    Row(
        "oidc-3.1.2.3-none-and-max-age",
        "With `prompt=none` no page is shown: the sign-in is too old.",
        recent,
        later(61),
        redirected("login_required"),
    ),
    Row(
        "oidc-3.1.2.4-none-and-consent",
        "With `prompt=none` no page is shown: consent is missing.",
        silent,
        not_trusted,
        redirected("consent_required"),
    ),
    Row(
        "oidc-3.1.2.3-login-again",
        "`prompt=login` asks for a new sign-in.",
        openid,
        with_(prompt="login"),
        asks("/oauth2/login"),
    ),
    Row(
        "oidc-3.1.2.3-select-account",
        "`prompt=select_account` asks who it is.",
        openid,
        with_(prompt="select_account"),
        asks("/oauth2/login"),
    ),
    Row(
        "oidc-3.1.2.1-consent-again",
        "`prompt=consent` asks for consent.",
        openid,
        with_(prompt="consent"),
        asks("/oauth2/authorize"),
    ),
    Row(
        "oidc-3.1.2.3-max-age",
        "A sign-in older than `max_age` is not enough.",
        openid,
        sequence(with_(max_age="60"), later(61)),
        asks("/oauth2/login"),
    ),
    Row("oidc-3.1.2.3-signed-in", "Somebody must be signed in.", openid, no_browser, asks("/oauth2/login")),
    Row(
        "oidc-3.1.2.4-consent",
        "The person agrees before the client gets anything.",
        openid,
        not_trusted,
        asks("/oauth2/authorize"),
    ),
    Row(
        "oidc-3.1.2.1-hint-of-another",
        "Nobody but the person of the hint is signed in for.",
        hinted,
        anothers_hint,
        redirected("login_required"),
    ),
    Row(
        "oidc-3.1.2.2-hint-for-this-client",
        "A hint is an id token of this server.",
        hinted,
        hint_of_another_client,
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.2-hint-is-an-id-token",
        "A hint is an id token of this server.",
        hinted,
        access_token_as_hint,
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.2-hint-garbage",
        "A hint is an id token of this server.",
        hinted,
        with_(id_token_hint="garbage"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-5.5.1-sub-of-another",
        "Nobody but the `sub` asked for is signed in for.",
        silent,
        with_(claims='{"id_token":{"sub":{"value":"another"}}}'),
        redirected("login_required"),
    ),
    Row(
        "oidc-5.5.1.1-acr-essential",
        "An essential `acr` that cannot be met is an error.",
        openid,
        with_(claims=_CLAIMS),
        redirected("unmet_authentication_requirements"),
    ),
    Row(
        "oidc-5.5.1.1-acr-not-reached",
        "A sign-in that is not sure enough is not enough.",
        openid,
        with_(claims='{"id_token":{"acr":{"essential":true,"value":"urn:wardgate:acr:2"}}}'),
        asks("/oauth2/login"),
    ),
    Row(
        "oidc-5.5-claims-json",
        "`claims` is a JSON object.",
        openid,
        with_(claims="[]"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-5.5-claims-broken",
        "`claims` is a JSON object.",
        openid,
        with_(claims="{"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-5.5-claims-members",
        "`claims` holds objects or null.",
        openid,
        with_(claims='{"userinfo":{"email":1}}'),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.6-registration",
        "`registration` in a request is not supported.",
        openid,
        with_(registration="{}"),
        redirected("registration_not_supported"),
    ),
    Row(
        "oidc-3.1.2.6-request-uri-not-supported",
        "`request_uri` of elsewhere is not supported.",
        openid,
        with_(request_uri="https://app.example.com/request.jwt"),
        redirected("request_uri_not_supported"),
    ),
    Row(
        "oidc-3.1.2.6-request-object",
        "A request object that is not valid is an error.",
        openid,
        with_(request="eyJhbGciOiJub25lIn0.e30."),
        redirected("invalid_request_object"),
    ),
    Row(
        "oidc-15.5.2-nonce-characters",
        "What is given back is checked before it is.",
        openid,
        with_("`nonce` with a line break", nonce="a\nb"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.6-form-post",
        "Errors travel in the mode that was asked for.",
        form_post,
        with_(scope="openid admin"),
        posted("invalid_scope"),
    ),
    Row(
        "oidc-3.1.2.1-mode-known",
        "A response mode that is unknown is refused.",
        openid,
        with_(response_mode="web_message"),
        redirected("invalid_request"),
    ),
    Row(
        "oidc-3.1.2.1-redirect-uri-not-implied",
        "`redirect_uri` is required, even of a client that has one alone.",
        implied_redirect,
        with_(scope="openid"),
        page(said="redirect_uri is missing"),
    ),
    # Other flows
    Row(
        "oidc-3.2.2.1-nonce-required",
        "`nonce` is required where the id token comes through the browser.",
        id_token,
        without("nonce"),
        redirected("invalid_request", "fragment"),
    ),
    Row(
        "oidc-3.2.2.1-openid-required",
        "An id token needs the scope `openid`.",
        id_token,
        with_(scope="read"),
        redirected("invalid_scope", "fragment"),
    ),
    Row(
        "oidc-3.2.2.5-no-query",
        "Tokens are not sent in a query.",
        id_token,
        with_(response_mode="query"),
        redirected("invalid_request", "fragment"),
    ),
    Row(
        "oidc-3.2.2.6-error-in-fragment",
        "Errors are in the fragment.",
        id_token,
        with_(prompt="none login"),
        redirected("invalid_request", "fragment"),
    ),
    Row(
        "oidc-3.2.2-registered",
        "Only a client that opted in gets id tokens from this endpoint.",
        openid,
        with_(response_type="id_token"),
        redirected("unauthorized_client", "fragment"),
    ),
    Row(
        "oidc-3.3.2-hybrid",
        "Hybrid response types are not supported.",
        openid,
        with_(response_type="code id_token"),
        redirected("unsupported_response_type", "fragment"),
    ),
    Row(
        "oidc-3.3.2-hybrid-token",
        "Hybrid response types are not supported.",
        openid,
        with_(response_type="code token"),
        redirected("unsupported_response_type", "fragment"),
    ),
    # Tokens
    Row(
        "oidc-3.1.3.2-redirect-uri",
        "`redirect_uri` is the one of the authentication request.",
        code,
        with_(redirect_uri=CALLBACK + "?a=b"),
        bad("invalid_grant"),
    ),
    Row(
        "oidc-3.1.3.2-person-active",
        "Nobody gets tokens of a person who may not sign in.",
        openid_code,
        person_suspended,
        bad("invalid_grant"),
    ),
    Row(
        "oidc-12.1-person-active",
        "Nobody refreshes tokens of a person who may not sign in.",
        openid_refresh,
        person_suspended,
        bad("invalid_grant"),
    ),
    Row(
        "oidc-11-session-over",
        "Without `offline_access` a refresh token ends with the session.",
        session_refresh,
        session_ended,
        bad("invalid_grant"),
    ),
    # Userinfo
    Row(
        "oidc-5.3.1-token-required",
        "Userinfo needs an access token.",
        userinfo,
        header("Authorization"),
        challenged(401, ""),
    ),
    Row(
        "oidc-5.3.3-token-invalid",
        "A token that is not valid is refused as RFC 6750 says.",
        userinfo,
        header("Authorization", "Bearer garbage"),
        challenged(401, "invalid_token"),
    ),
    Row(
        "oidc-5.3.3-token-expired",
        "A token that is not valid is refused as RFC 6750 says.",
        userinfo,
        later(601),
        challenged(401, "invalid_token"),
    ),
    Row(
        "oidc-5.3.1-openid-required",
        "The token was issued with the scope `openid`.",
        userinfo,
        without_openid,
        challenged(403, "insufficient_scope", scope="openid"),
    ),
    Row(
        "oidc-5.3-of-a-person",
        "The token was issued for a person.",
        userinfo,
        own_token,
        challenged(401, "invalid_token"),
    ),
    Row(
        "oidc-5.3-for-this-server",
        "A token for an API alone does not open userinfo.",
        userinfo,
        for_an_api,
        challenged(401, "invalid_token"),
    ),
    Row(
        "oidc-5.3.3-person-active",
        "Nothing is said of a person who may not sign in.",
        userinfo,
        person_suspended,
        challenged(401, "invalid_token"),
    ),
    Row(
        "oidc-16.12-id-token-is-none",
        "An id token is no access token.",
        userinfo,
        id_token_as_access_token,
        challenged(401, "invalid_token"),
    ),
)
DOCUMENT = Document("OpenID Connect Core", "1.0", ROWS, also=("oidc",))
