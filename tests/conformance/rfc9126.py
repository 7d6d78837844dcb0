"""RFC 9126: pushed authorization requests."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.afterwards import answered_a_minute_later
from tests.conformance.answers import (
    answered,
    bad,
    coded,
    json_error,
    other_method,
    page,
    redirected,
    unauthorized,
)
from tests.conformance.changes import (
    by,
    change,
    content_type,
    first_sent,
    header,
    in_query,
    later,
    sequence,
    twice,
    with_,
    without,
)
from tests.conformance.exchange import Request
from tests.conformance.framework import registered_for, two_methods
from tests.conformance.house import House
from tests.conformance.rows import Document, Row, sound
from tests.conformance.sounds import asking
from tests.identity.token_side import CALLBACK

PAR = "/oauth2/par"


@sound("a client pushes a request", answered)
async def push(house: House) -> Request:
    client = await house.client()
    form = house.authorization(client)
    return Request(path=PAR, form=form, headers=house.basic(client), facts={"client": client})


@sound("a public client pushes a request", answered)
async def public_push(house: House) -> Request:
    client = await house.client(authentication="none")
    return Request(path=PAR, form=house.authorization(client), facts={"client": client})


@change("after more of them from the same address than it takes")
async def too_many(house: House, request: Request) -> Request:
    # From an address that no other row sends anything from that is kept; large ones count as several.
    alone = replace(request, hop=False)
    for _ in range(100):
        if (await house.send(alone.with_(padding="x" * 60_000))).status == 429:
            break
    return alone.with_(padding="x" * 60_000)


@sound("the browser brings the reference of a pushed request", coded)
async def pushed(house: House) -> Request:
    plain = await asking(house)
    client = plain.facts["client"]
    answer = await house.send(Request(path=PAR, form=plain.query, headers=house.basic(client)))
    reference = answer.document["request_uri"]
    return plain.saying((("client_id", client.id), ("request_uri", reference)))


@sound("the browser brings the reference of a request of a client that must push", coded)
async def obliged(house: House) -> Request:
    request = await pushed.make(house)
    plain = house.authorization(request.facts["client"])
    async with house.side.store.writing() as tx:
        await tx.clients.replace(replace(request.facts["client"], require_par=True))
    return replace(request, facts={**request.facts, "plain": plain})


@change("the same parameters in the browser's request")
async def not_pushed(house: House, request: Request) -> Request:
    return request.saying(request.facts["plain"])


@change("by another client")
async def by_another(house: House, request: Request) -> Request:
    return request.with_(client_id=(await house.client()).id)


@change("with a wrong secret")
async def wrong_secret(house: House, request: Request) -> Request:
    other = await house.client()
    house.side.secrets[other.id] = house.side.secrets[request.facts["client"].id]
    return replace(request, headers=house.basic(other)).with_(client_id=other.id)


@change("a reference that never was")
async def unknown(house: House, request: Request) -> Request:
    return request.with_(request_uri="urn:ietf:params:oauth:request_uri:wgpr_" + "A" * 43)


_LOST = "invalid_request_uri"

ROWS = (
    Row(
        "rfc9126-2.1-no-reference-inside",
        "A pushed request holds no `request_uri`.",
        push,
        with_(request_uri="urn:ietf:params:oauth:request_uri:x"),
        bad(),
    ),
    Row(
        "rfc9126-2.1-client-authenticates",
        "The client authenticates as at the token endpoint.",
        push,
        header("Authorization"),
        unauthorized(),
    ),
    Row(
        "rfc9126-2.1-secret-checked",
        "The client authenticates as at the token endpoint.",
        push,
        wrong_secret,
        unauthorized(),
    ),
    Row(
        "rfc9126-2.1-one-method",
        "A request uses one method of client authentication.",
        push,
        two_methods,
        bad(),
    ),
    Row(
        "rfc9126-2.1-client-id-agrees",
        "`client_id` is the client that authenticated.",
        push,
        by_another,
        unauthorized(),
    ),
    Row(
        "rfc9126-2.1-public-names-itself",
        "A public client names itself.",
        public_push,
        without("client_id"),
        unauthorized(),
    ),
    Row("rfc9126-2.1-post", "Requests are pushed by POST.", push, by("GET"), other_method("POST")),
    Row("rfc9126-2.3-405", "Another method is refused as such.", push, by("PUT"), other_method("POST")),
    Row("rfc9126-2.1-form", "The body is a URL-encoded form.", push, content_type("application/json"), bad()),
    Row("rfc9126-2.1-in-body", "Parameters are in the body.", push, in_query("scope"), bad()),
    Row("rfc9126-2.1-once", "No parameter stands twice.", push, twice("state"), bad()),
    Row(
        "rfc9126-2.1-validated-response-type",
        "A request is validated when it is pushed.",
        push,
        without("response_type"),
        bad(),
    ),
    Row(
        "rfc9126-2.1-validated-unknown-type",
        "A request is validated when it is pushed.",
        push,
        with_(response_type="codex"),
        bad("unsupported_response_type"),
    ),
    Row(
        "rfc9126-2.1-validated-scope",
        "A request is validated when it is pushed.",
        push,
        with_(scope="admin"),
        bad("invalid_scope"),
    ),
    Row(
        "rfc9126-2.1-validated-redirect",
        "A request is validated when it is pushed.",
        push,
        with_(redirect_uri="https://evil.example/"),
        bad(),
    ),
    Row(
        "rfc9126-2.1-validated-pkce",
        "A request is validated when it is pushed.",
        push,
        without("code_challenge"),
        bad(),
    ),
    Row(
        "rfc9126-2.1-validated-method",
        "A request is validated when it is pushed.",
        push,
        with_(code_challenge_method="plain"),
        bad(),
    ),
    Row(
        "rfc9126-2.1-validated-client",
        "A request is validated when it is pushed.",
        push,
        registered_for("by a client not registered for codes", grant_types=("client_credentials",)),
        bad("unauthorized_client"),
    ),
    Row(
        "rfc9126-2.1-validated-prompt",
        "A request is validated when it is pushed.",
        push,
        with_(prompt="none login"),
        bad(),
    ),
    Row(
        "rfc9126-2.3-413",
        "A request that is too large is refused as such.",
        push,
        with_("a request of 70 kB", claims="x" * 70_000),
        json_error(413, "invalid_request"),
    ),
    Row(
        "rfc9126-2.3-429",
        "More requests than the server takes in a time are refused as such.",
        public_push,
        too_many,
        json_error(429, "temporarily_unavailable"),
        after=answered_a_minute_later,
        besides="a minute later it is answered",
    ),
    Row(
        "rfc9126-7.3-used-once",
        "A reference is used once.",
        pushed,
        first_sent("used before"),
        page(said=_LOST),
    ),
    Row("rfc9126-2.2-expires", "A reference ends after a short time.", pushed, later(91), page(said=_LOST)),
    Row(
        "rfc9126-2.2-bound-to-client",
        "A reference is bound to the client that pushed it.",
        pushed,
        by_another,
        page(said=_LOST),
    ),
    Row("rfc9126-7.1-not-guessed", "References cannot be guessed.", pushed, unknown, page(said=_LOST)),
    Row(
        "rfc9126-4-client-id-required",
        "`client_id` stands beside the reference.",
        pushed,
        without("client_id"),
        page(said="invalid_client"),
    ),
    Row(
        "rfc9126-4-reference-once",
        "There is one reference.",
        pushed,
        twice("request_uri"),
        page(said="invalid_request"),
    ),
    Row(
        "rfc9126-4-not-with-a-request",
        "A reference and a request object exclude each other.",
        pushed,
        with_(request="a.b.c"),
        page(said="invalid_request"),
    ),
    Row(
        "rfc9126-5-required-of-client",
        "A client that must push cannot ask in another way.",
        obliged,
        not_pushed,
        redirected("invalid_request"),
    ),
    Row(
        "rfc9126-4-unknown-form",
        "A reference that was not made here is not looked at.",
        pushed,
        with_(request_uri="https://evil.example/request.jwt"),
        page(said="request_uri_not_supported"),
    ),
    Row(
        "rfc9126-4-lost-told-to-the-client",
        "That a reference is not good is told to the client, where its redirect URI stands beside it.",
        pushed,
        sequence(unknown, with_(redirect_uri=CALLBACK)),
        redirected(_LOST, state=False),
    ),
)
DOCUMENT = Document("RFC 9126", "Pushed Authorization Requests", ROWS)
