"""RFC 9396: rich authorization requests."""

from __future__ import annotations

from tests.conformance.answers import answered, bad, coded, redirected, tokens
from tests.conformance.changes import Change, twice, with_
from tests.conformance.exchange import Request
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import TOKEN, asking, redeemable

_SOUND = '[{"type":"payment","actions":["initiate"]}]'
_TYPES = {"authorization_details_types": ("payment",)}


@sound("a code is asked for, with details", coded)
async def asked(house: House) -> Request:
    return await asking(house, _TYPES, authorization_details=_SOUND)


@sound("a request with details is pushed", answered)
async def pushed(house: House) -> Request:
    client = await house.client(authorization_details_types=("payment",))
    form = house.authorization(client, authorization_details=_SOUND)
    return Request(path="/oauth2/par", form=form, headers=house.basic(client), facts={"client": client})


@sound("a client redeems a code for the details that were granted", tokens)
async def redeemed(house: House) -> Request:
    client = await house.client(authorization_details_types=("payment",))
    grant = await house.grant(client, authorization_details=({"type": "payment", "actions": ["initiate"]},))
    request = await redeemable(house, client, house.basic(client), grant=grant)
    return request.with_(authorization_details=_SOUND)


@sound("a client gets a token for itself, with details", tokens)
async def own(house: House) -> Request:
    client = await house.client(grant_types=("client_credentials",), scopes=("read",), **_TYPES)
    form = (("grant_type", "client_credentials"), ("authorization_details", _SOUND))
    return Request(path=TOKEN, form=form, headers=house.basic(client))


def _details(value: str) -> Change:
    return with_(authorization_details=value)


_ERROR = "invalid_authorization_details"
_DEEP = '[{"type":"payment","a":' + "[" * 9 + "]" * 9 + "}]"

ROWS = (
    Row("rfc9396-5-json", "Details are JSON.", asked, _details("payment"), redirected(_ERROR)),
    Row(
        "rfc9396-2-array", "Details are an array.", asked, _details('{"type":"payment"}'), redirected(_ERROR)
    ),
    Row("rfc9396-2-objects", "Details are objects.", asked, _details('["payment"]'), redirected(_ERROR)),
    Row(
        "rfc9396-2-type-required",
        "Each has a `type`.",
        asked,
        _details('[{"actions":["initiate"]}]'),
        redirected(_ERROR),
    ),
    Row("rfc9396-2-type-text", "`type` is a text.", asked, _details('[{"type":1}]'), redirected(_ERROR)),
    Row(
        "rfc9396-5-type-known",
        "A type that is unknown is refused.",
        asked,
        _details('[{"type":"account"}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-5-every-type-known",
        "A type that is unknown is refused, wherever it stands.",
        asked,
        _details('[{"type":"payment"},{"type":"account"}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-5-field-types",
        "Fields have their types.",
        asked,
        _details('[{"type":"payment","actions":"initiate"}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-5-locations",
        "Fields have their types.",
        asked,
        _details('[{"type":"payment","locations":[1]}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-5-identifier",
        "Fields have their types.",
        asked,
        _details('[{"type":"payment","identifier":1}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-2-members-once",
        "What can be read in two ways is refused.",
        asked,
        _details('[{"type":"payment","type":"account"}]'),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-12-bounded",
        "Size and depth have bounds.",
        asked,
        with_("details nested nine deep", authorization_details=_DEEP),
        redirected(_ERROR),
    ),
    Row(
        "rfc9396-3-once",
        "No parameter stands twice.",
        asked,
        twice("authorization_details"),
        redirected("invalid_request"),
    ),
    Row(
        "rfc9396-5-pushed",
        "Details are validated when they are pushed.",
        pushed,
        _details('[{"type":"account"}]'),
        bad(_ERROR),
    ),
    Row(
        "rfc9396-6-granted",
        "A token has no details that were not granted.",
        redeemed,
        _details('[{"type":"payment","actions":["cancel"]}]'),
        bad(_ERROR),
    ),
    Row(
        "rfc9396-6-not-fewer-limits",
        "A token has no details that were not granted.",
        redeemed,
        _details('[{"type":"payment"}]'),
        bad(_ERROR),
    ),
    Row(
        "rfc9396-5-token-request",
        "Details are validated at the token endpoint.",
        own,
        _details('[{"type":"account"}]'),
        bad(_ERROR),
    ),
    Row(
        "rfc9396-5-token-request-json",
        "Details are validated at the token endpoint.",
        own,
        _details("{"),
        bad(_ERROR),
    ),
)
DOCUMENT = Document("RFC 9396", "Rich Authorization Requests", ROWS)
