"""Sound requests that rows of several documents break: of the token endpoint, and of the authorization endpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.answers import (
    active,
    answered,
    coded,
    tokens,
    tokens_in_fragment,
)
from tests.conformance.exchange import Pairs, Request
from tests.conformance.house import PASSWORD, House
from tests.conformance.rows import sound
from tests.identity.token_side import CALLBACK, VERIFIER, Holder

from wardgate.domain.oauth import Client, Grant
from wardgate.identity.issue import Binding

TOKEN = "/oauth2/token"


async def redeemable(
    house: House, client: Client, headers: Pairs = (), *, grant: Grant | None = None, **document: Any
) -> Request:
    """A code of the client, ready to be redeemed."""
    grant = grant or await house.grant(client)
    code = await house.side.code(grant, **document)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form["code_verifier"] = VERIFIER
    if client.public:
        form["client_id"] = client.id
    return Request(
        path=TOKEN,
        form=tuple(form.items()),
        headers=headers,
        facts={"client": client, "grant": grant},
    )


@sound("a confidential client redeems its code", tokens)
async def code(house: House) -> Request:
    client = await house.client()
    return await redeemable(house, client, house.basic(client))


@sound("a public client redeems its code", tokens)
async def public_code(house: House) -> Request:
    client = await house.client(authentication="none")
    return await redeemable(house, client)


@sound("a client redeems its code with its secret in the form", tokens)
async def code_by_post(house: House) -> Request:
    client = await house.client(authentication="client_secret_post")
    request = await redeemable(house, client)
    return request.with_(client_id=client.id, client_secret=house.side.secrets[client.id])


@sound("a client uses its refresh token", tokens)
async def refresh(house: House) -> Request:
    client = await house.client(refresh_idle_lifetime=60)
    grant = await house.grant(client)
    text = await house.refresh_token(client, grant)
    form = (("grant_type", "refresh_token"), ("refresh_token", text))
    return Request(
        path=TOKEN, form=form, headers=house.basic(client), facts={"client": client, "grant": grant}
    )


@sound("a public client uses its refresh token", tokens)
async def public_refresh(house: House) -> Request:
    client = await house.client(authentication="none")
    grant = await house.grant(client)
    text = await house.refresh_token(client, grant)
    form = (("grant_type", "refresh_token"), ("refresh_token", text), ("client_id", client.id))
    return Request(path=TOKEN, form=form, facts={"client": client, "grant": grant})


@sound("a client gets a token for itself", tokens)
async def own(house: House) -> Request:
    client = await house.client(grant_types=("client_credentials",), scopes=("read", "write"))
    form = (("grant_type", "client_credentials"), ("scope", "read"))
    return Request(path=TOKEN, form=form, headers=house.basic(client), facts={"client": client})


@sound("a client gets a token for a person's name and password", tokens)
async def password(house: House) -> Request:
    client = await house.client(grant_types=("password", "refresh_token"))
    user = await house.user(password=True)
    form = {"grant_type": "password", "username": user.name, "password": PASSWORD}
    return Request(
        path=TOKEN,
        form=tuple(form.items()),
        headers=house.basic(client),
        facts={"client": client, "user": user},
    )


async def asking(
    house: House,
    settings: dict[str, Any] | None = None,
    how: dict[str, Any] | None = None,
    **changes: str | None,
) -> Request:
    """An authorization request of a trusted client, in the browser of a person who is signed in."""
    client = await house.client(**{"trusted": True, **(settings or {})})
    user = await house.user()
    asked = house.authorization(client, **changes)
    facts: dict[str, Any] = {"client": client, "user": user}
    facts |= {name: value for name, value in asked if name == "state"}
    return Request(
        path="/oauth2/authorize",
        method="GET",
        query=asked,
        headers=await house.browser(user, **(how or {})),
        facts=facts,
    )


@sound("a person who is signed in is sent back with a code", coded)
async def authorization(house: House) -> Request:
    return await asking(house)


@sound("a person is sent back with a code, without `redirect_uri`, by a client that has one alone", coded)
async def implied_redirect(house: House) -> Request:
    return await asking(house, redirect_uri=None)


@sound("a person is sent back with a code to a client that has several redirect URIs", coded)
async def several_redirects(house: House) -> Request:
    return await asking(house, {"redirect_uris": (CALLBACK, "https://app.example.com/other")})


@sound("a client that opted in to the implicit grant gets a token in the fragment", tokens_in_fragment)
async def implicit(house: House) -> Request:
    settings = {"grant_types": ("implicit",), "response_types": ("token", "id_token", "id_token token")}
    return await asking(
        house, settings, response_type="token", code_challenge=None, code_challenge_method=None
    )


@sound("a person allows what the consent page shows", coded)
async def consent(house: House) -> Request:
    asked = await asking(house, {"trusted": False})
    sent_on = await house.send(asked)
    cookies = f"{dict(asked.headers)['Cookie']}; {sent_on.cookies}"
    path, _, query = sent_on.location.partition("?")
    handle = query.removeprefix("continue=")
    opened = replace(
        asked,
        path=path.removeprefix("https://id.example.com"),
        query=(("continue", handle),),
        headers=(("Cookie", cookies),),
    )
    shown = await house.send(opened)
    assert shown.status == 200, shown.text
    return Request(
        path="/oauth2/consent",
        form=(("request", handle), ("decision", "allow")),
        headers=(("Cookie", cookies), ("Origin", "https://id.example.com")),
        facts=asked.facts,
    )


def bound(holder: Holder) -> Binding:
    """A token bound to the key of a holder."""
    return Binding(jkt=holder.jkt)


@sound("a client asks about its access token", active)
async def introspection(house: House) -> Request:
    client = await house.client()
    grant = await house.grant(client)
    text = await house.access_token(client, grant)
    return Request(
        path="/oauth2/introspect",
        form=(("token", text),),
        headers=house.basic(client),
        facts={"client": client, "grant": grant},
    )


@sound("a client revokes its access token", answered)
async def revocation(house: House) -> Request:
    return replace(await introspection.make(house), path="/oauth2/revoke")


@sound("an access token opens userinfo", answered)
async def userinfo(house: House) -> Request:
    client = await house.client()
    user = await house.user()
    grant = await house.grant(client, user)
    text = await house.access_token(client, grant)
    return Request(
        path="/oauth2/userinfo",
        method="GET",
        headers=(("Authorization", f"Bearer {text}"),),
        facts={"client": client, "grant": grant, "user": user, "token": text},
    )
