"""RFC 8707: resource indicators; and RFC 9396: rich authorization requests."""

from __future__ import annotations

from tests.conformance.answers import bad, coded, redirected, tokens
from tests.conformance.changes import change, simple, with_
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import TOKEN, asking, redeemable
from tests.identity.token_side import ISSUER

_API = "https://api.example.com/a"


@sound("a client gets a token for a resource", tokens)
async def own(house: House) -> Request:
    client = await house.client(grant_types=("client_credentials",), audiences=(_API,), scopes=("read",))
    form = (("grant_type", "client_credentials"), ("resource", _API))
    return Request(path=TOKEN, form=form, headers=house.basic(client), facts={"client": client})


@sound("a code is asked for, for a resource", coded)
async def asked(house: House) -> Request:
    return await asking(house, {"audiences": (_API,)}, resource=_API)


@sound("a client redeems a code for one of the resources that were granted", tokens)
async def redeemed(house: House) -> Request:
    client = await house.client(audiences=(_API, "https://api.example.com/b"))
    grant = await house.grant(client, resources=(_API,))
    request = await redeemable(house, client, house.basic(client), grant=grant)
    return request.with_(resource=_API)


@sound("a client refreshes for one of the resources that were granted", tokens)
async def refreshed(house: House) -> Request:
    client = await house.client(audiences=(_API, "https://api.example.com/b"))
    grant = await house.grant(client, resources=(_API,))
    text = await house.refresh_token(client, grant)
    form = (("grant_type", "refresh_token"), ("refresh_token", text), ("resource", _API))
    return Request(path=TOKEN, form=form, headers=house.basic(client))


@change("an API of this gateway that the client is not subscribed to")
async def not_subscribed(house: House, request: Request) -> Request:
    name = house.name("api")
    return request.with_(resource=await house.side.deploy(name))


_MANY = simple(
    "21 resources",
    lambda request: request.saying((*request.parameters, *(("resource", _API) for _ in range(20)))),
)
_TARGET = "invalid_target"

ROWS = (
    Row("rfc8707-2-absolute", "A resource is an absolute URI.", own, with_(resource="/a"), bad(_TARGET)),
    Row(
        "rfc8707-2-no-fragment", "A resource has no fragment.", own, with_(resource=_API + "#x"), bad(_TARGET)
    ),
    Row(
        "rfc8707-2-known",
        "A resource that is unknown is refused as such.",
        own,
        with_(resource="https://evil.example"),
        bad(_TARGET),
    ),
    Row(
        "rfc8707-2-not-a-prefix",
        "A resource is compared as a whole.",
        own,
        with_(resource=_API + "/deeper"),
        bad(_TARGET),
    ),
    Row(
        "rfc8707-2-below-the-issuer",
        "A resource that is unknown is refused as such.",
        own,
        with_(resource=ISSUER + "/nothing"),
        bad(_TARGET),
    ),
    Row(
        "rfc8707-2.2-allowed",
        "A client gets no token for a resource it has no business with.",
        own,
        not_subscribed,
        bad(_TARGET),
    ),
    Row("rfc8707-2-bounded", "The number of resources has a bound.", own, _MANY, bad(_TARGET)),
    Row(
        "rfc8707-2.1-absolute",
        "A resource is an absolute URI.",
        asked,
        with_(resource="a"),
        redirected(_TARGET),
    ),
    Row(
        "rfc8707-2.1-no-fragment",
        "A resource has no fragment.",
        asked,
        with_(resource=_API + "#x"),
        redirected(_TARGET),
    ),
    Row(
        "rfc8707-2.1-known",
        "A resource that is unknown is refused as such.",
        asked,
        with_(resource="https://evil.example"),
        redirected(_TARGET),
    ),
    Row(
        "rfc8707-2.2-granted",
        "A token is for resources that were granted, no others.",
        redeemed,
        with_(resource="https://api.example.com/b"),
        bad(_TARGET),
    ),
    Row(
        "rfc8707-2.2-granted-to-refresh",
        "A token is for resources that were granted, no others.",
        refreshed,
        with_(resource="https://api.example.com/b"),
        bad(_TARGET),
    ),
    Row(
        "rfc8707-2.2-not-the-whole",
        "A token is for resources that were granted, no others.",
        refreshed,
        with_("the whole gateway", resource=ISSUER),
        bad(_TARGET),
    ),
)
DOCUMENT = Document("RFC 8707", "Resource Indicators", ROWS)
