"""What RFC 6749 forbids, as changes of sound requests; other documents use some of them too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conformance.changes import Change, change
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.identity.token_side import basic


@change("shown by another client")
async def by_another_client(house: House, request: Request) -> Request:
    other = await house.client()
    sound = replace(request, facts={**request.facts, "sound": request})
    return sound.header("Authorization", *(value for _, value in house.basic(other)))


@change("shown by another public client")
async def by_another_public_client(house: House, request: Request) -> Request:
    other = await house.client(authentication="none")
    return replace(request.with_(client_id=other.id), facts={**request.facts, "sound": request})


@change("with a secret that is wrong by one character")
async def wrong_secret(house: House, request: Request) -> Request:
    client = request.facts["client"]
    secret = house.side.secrets[client.id]
    return request.header(
        "Authorization", basic(client.id, secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    )


@change("with a secret in Authorization and in the form")
async def two_methods(house: House, request: Request) -> Request:
    client = request.facts["client"]
    return request.with_(client_id=client.id, client_secret=house.side.secrets[client.id])


@change("by a client that does not exist")
async def nobody(house: House, request: Request) -> Request:
    return request.header("Authorization", basic("nobody", house.side.secrets[request.facts["client"].id]))


@change("by a client that was suspended")
async def suspended(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], status="suspended"))
    return request


def registered_for(text: str, **settings: Any) -> Change:
    """The client is registered for less."""

    async def changed(house: House, request: Request) -> Request:
        async with house.side.store.writing() as tx:
            await tx.clients.replace(replace(request.facts["client"], **settings))
        return request

    return Change(text, changed)


@change("after the person took the grant back")
async def grant_revoked(house: House, request: Request) -> Request:
    async with house.side.store.writing() as tx:
        await tx.grants.revoke([request.facts["grant"].id], house.side.clock())
    return request


@change("with an access token in the place of the code")
async def access_token_as_code(house: House, request: Request) -> Request:
    client, grant = request.facts["client"], request.facts["grant"]
    return request.with_(code=await house.access_token(replace(client, token_format="opaque"), grant))


@change("with one character of the code altered")
async def guessed_code(house: House, request: Request) -> Request:
    text = request.value("code")
    return request.with_(code=text[:-1] + ("A" if text[-1] != "A" else "E"))


@change("with one character of the refresh token altered")
async def guessed_refresh(house: House, request: Request) -> Request:
    text = request.value("refresh_token")
    return request.with_(refresh_token=text[:-1] + ("A" if text[-1] != "A" else "E"))


@change("after eight wrong passwords from the same address")
async def after_guessing(house: House, request: Request) -> Request:
    for number in range(8):
        await house.send(request.with_(password=f"wrong guess {number}"))
    return request


@change("with `client_id` of another client in the form")
async def named_otherwise(house: House, request: Request) -> Request:
    return request.with_(client_id=(await house.client()).id)


@change("by a public client")
async def public_with_secret_gone(house: House, request: Request) -> Request:
    client = request.facts["client"]
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(client, authentication="none"))
    return request.header("Authorization").with_(client_id=client.id)


@change("sent from another browser of the same person")
async def other_browser(house: House, request: Request) -> Request:
    cookies = await house.browser(request.facts["user"])
    return request.header("Cookie", cookies[0][1])
